import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { DEPLOY, textOf } from './files.js';

export const KUBERNETES = join(DEPLOY, 'kubernetes');

/** An object of Kubernetes, as far as every one has it. */
export type KubernetesObject = Record<string, unknown> & {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
};

export const kustomization = z.strictObject({
  apiVersion: z.string(),
  kind: z.enum(['Kustomization', 'Component']),
  namespace: z.string().optional(),
  resources: z.array(z.string()).default([]),
  components: z.array(z.string()).default([]),
  configMapGenerator: z
    .array(z.strictObject({ name: z.string(), behavior: z.literal('merge').optional(), literals: z.array(z.string()) }))
    .default([]),
  patches: z.array(z.strictObject({ target: z.record(z.string(), z.string()), patch: z.string() })).default([]),
  images: z.array(z.strictObject({ name: z.string(), newName: z.string().optional(), digest: z.string() })).default([]),
});

/** Folders with a kustomization, relative to deploy/kubernetes. */
export const KUSTOMIZATIONS = readdirSync(KUBERNETES, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('kustomization.yaml'))
  .map((name) => dirname(name))
  .sort();

export const kustomizationOf = (folder: string) =>
  kustomization.parse(parse(textOf('deploy/kubernetes', folder, 'kustomization.yaml')));

/** What a kustomization lists, without what it changes of it: bases need no more. */
export function listed(folder: string): KubernetesObject[] {
  return kustomizationOf(folder).resources.flatMap((resource) => {
    const path = join(folder, resource);
    return resource.endsWith('.yaml')
      ? parseAllDocuments(textOf('deploy/kubernetes', path)).map((document) => document.toJS() as KubernetesObject)
      : listed(path);
  });
}

export const hasKubectl = spawnSync('kubectl', ['kustomize', '--help']).status === 0;

/** What Kustomize itself makes of it. */
export function kustomized(folder: string, root = KUBERNETES): KubernetesObject[] {
  const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', join(root, folder)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout).map((document) => document.toJS() as KubernetesObject);
}

/** Every YAML file below deploy/kubernetes, relative to it. */
export const FILES = readdirSync(KUBERNETES, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => relative('', name))
  .sort();
