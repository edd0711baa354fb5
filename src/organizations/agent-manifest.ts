import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isCollection, parse, parseAllDocuments, Scalar, type Document } from 'yaml';
import { z } from 'zod';

/** deploy/kubernetes/agent/: three folders above the compiled file in the repository, and in the image too. */
const DIRECTORY = new URL('../../../deploy/kubernetes/agent/', import.meta.url);

/** The account that the manifests make; a trust means its tokens by this subject. */
export const AGENT_SUBJECT = 'system:serviceaccount:safeguard-agent:safeguard-agent';

export const AGENT_MODES = ['cronjob', 'deployment'] as const;
export type AgentMode = (typeof AGENT_MODES)[number];

export interface FilledManifest {
  server: string;
  organizationId: string;
  systemId: string;
  /** Of the snapshot: the system's name. */
  clusterName: string;
  audience: string;
  /** Null: the placeholder stays, which no registry has. */
  image: string | null;
  mode: AgentMode;
  /** May list Secrets, as components/with-secrets says. */
  withSecrets: boolean;
  /** May list the constraints of Gatekeeper, as components/with-gatekeeper says. */
  withGatekeeper: boolean;
}

/**
 * The agent's manifests with what is known of one system filled in, comments and all. They are the files of deploy/kubernetes/agent/, which Kustomize reads too: what is said there once, of
 * rights and of why, holds for whoever applies either.
 */
export async function agentManifest(filled: FilledManifest): Promise<string> {
  const folders = [
    filled.mode,
    ...(filled.withSecrets ? ['components/with-secrets'] : []),
    ...(filled.withGatekeeper ? ['components/with-gatekeeper'] : []),
  ];
  const documents = await Promise.all(folders.map((folder) => documentsOf(new URL(`${folder}/`, DIRECTORY))));
  return documents
    .flat()
    .map((document) => fill(document, filled).toString({ lineWidth: 0, directives: false }))
    .join('---\n');
}

const kustomization = z.object({ resources: z.array(z.string()) });

/** What a kustomization lists, in its order: of Kustomize no more than that is needed here. */
async function documentsOf(directory: URL): Promise<Document[]> {
  const { resources } = kustomization.parse(parse(await read(new URL('kustomization.yaml', directory))));
  const found: Document[] = [];
  for (const resource of resources) {
    if (resource.endsWith('.yaml')) found.push(...documentsIn(await read(new URL(resource, directory)), resource));
    else found.push(...(await documentsOf(new URL(`${resource}/`, directory))));
  }
  return found;
}

function documentsIn(text: string, name: string): Document[] {
  const documents = parseAllDocuments(text);
  for (const { errors } of documents)
    if (errors.length > 0) throw new Error(`${name} is no YAML`, { cause: errors[0] });
  return [...documents];
}

const read = (url: URL): Promise<string> => readFile(fileURLToPath(url), 'utf8');

function fill(document: Document, filled: FilledManifest): Document {
  const kind = document.get('kind');
  if (kind === 'ConfigMap') {
    const data = {
      SAFEGUARD_SERVER: filled.server,
      SAFEGUARD_ORGANIZATION: filled.organizationId,
      SAFEGUARD_SYSTEM: filled.systemId,
      SAFEGUARD_CLUSTER_NAME: filled.clusterName,
    };
    for (const [name, value] of Object.entries(data)) document.setIn(['data', name], text(value));
    if (filled.withSecrets) document.deleteIn(['data', 'SAFEGUARD_EXCLUDE']);
  }
  const template = { CronJob: ['spec', 'jobTemplate', 'spec', 'template'], Deployment: ['spec', 'template'] }[
    String(kind)
  ];
  if (template === undefined) return document;
  const spec = [...template, 'spec'];
  if (filled.image !== null) set(document, [...spec, 'containers', 0, 'image'], filled.image);
  const volumes = document.getIn([...spec, 'volumes']);
  const index = isCollection(volumes)
    ? volumes.items.findIndex((_, at) => volumes.getIn([at, 'name']) === 'service')
    : -1;
  set(
    document,
    [...spec, 'volumes', index, 'projected', 'sources', 0, 'serviceAccountToken', 'audience'],
    filled.audience,
  );
  return document;
}

/** Only where something stands already: a place that has moved would else be filled beside it. */
function set(document: Document, path: (string | number)[], value: string): void {
  if (!document.hasIn(path)) throw new Error(`the agent's manifest has no ${path.join('.')}`);
  document.setIn(path, text(value));
}

/** In quotes, whatever it is: kubectl reads YAML 1.1, in which `on` is no text, and `1_000` a number. */
function text(value: string): Scalar {
  const scalar = new Scalar(value);
  scalar.type = Scalar.QUOTE_DOUBLE;
  return scalar;
}
