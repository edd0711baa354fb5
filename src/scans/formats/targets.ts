import type { Coverage, Declared, Target, TargetKind } from '../report.js';
import { ReportFault } from '../report.js';
import type { Draft } from './draft.js';
import { withoutPeople } from './people.js';

export const CLUSTER: Target = { kind: 'cluster', name: 'cluster' };

/** Refuses declared targets that the format has no use for: an ignored declaration would look like an accepted one. */
export function assertKinds(declared: Declared, kinds: readonly TargetKind[], format: string): void {
  const useless = declared.targets.find((target) => !kinds.includes(target.kind));
  if (useless) {
    const usable = kinds.length === 0 ? 'none' : kinds.join(', ');
    throw new ReportFault(
      'target-mismatch',
      `A ${format} report is not about a ${useless.kind}; targets it takes: ${usable}.`,
    );
  }
}

/** Where a report about a cluster puts its rows, and whether the declaration makes it complete there. */
export interface ClusterScope {
  /** The target of what lies in the namespace (null: of what no namespace holds). */
  targetOf(namespace: string | null): { target: Target; extent: 'complete' | 'partial' };
}

/**
 * For formats that do not say how much of a cluster they cover. Declared `cluster`: all of it. Declared namespaces: these wholly, nothing of
 * other namespaces may appear, and what no namespace holds stays partial. Nothing declared: partial.
 * Throws `ReportFault` target-mismatch.
 */
export function clusterScope(declared: Declared, format: string, clusterName: string | null): ClusterScope {
  assertKinds(declared, ['cluster', 'namespace'], format);
  const namespaces = new Map<string, Target>();
  let whole = false;
  for (const target of declared.targets) {
    if (target.kind === 'namespace') namespaces.set(target.name, target);
    else {
      assertCluster(target, clusterName);
      whole = true;
    }
  }
  if (whole && namespaces.size > 0) {
    throw new ReportFault('target-mismatch', 'Declare the cluster or some of its namespaces, not both.');
  }
  return {
    targetOf(namespace) {
      if (namespaces.size === 0) return { target: CLUSTER, extent: whole ? 'complete' : 'partial' };
      if (namespace === null) return { target: CLUSTER, extent: 'partial' };
      const target = namespaces.get(namespace);
      if (!target) {
        throw new ReportFault('target-mismatch', 'The report holds results of a namespace that was not declared.');
      }
      return { target, extent: 'complete' };
    },
  };
}

/** The cluster is declared as `cluster` or by the name that the report itself gives. */
export function assertCluster(target: Target, clusterName: string | null): void {
  if (target.name !== CLUSTER.name && target.name !== clusterName) {
    throw new ReportFault(
      'target-mismatch',
      clusterName === null
        ? `The report names no cluster, so its cluster is declared as ${CLUSTER.kind}/${CLUSTER.name}.`
        : 'The declared cluster is not the one that the report names.',
    );
  }
}

/**
 * The repository of a scan of files. What the report says may be a path on the machine that scanned; `.` names nothing, and two repositories that
 * are both called `.` would close each other's results.
 */
export function repositoryTarget(declared: Declared, reported: string, format: string): Target {
  assertKinds(declared, ['repository'], format);
  const [first, second] = declared.targets;
  if (second) throw new ReportFault('target-mismatch', 'The report is about one repository; declare one.');
  if (first) {
    if (/^[a-z+]+:\/\//.test(reported) && address(reported) !== address(first.name)) {
      throw new ReportFault('target-mismatch', 'The declared repository is not the one that the report names.');
    }
    return first;
  }
  if (/^[./\\]*$/.test(reported)) {
    throw new ReportFault('target-unknown', 'The report does not name its repository: pass targets=repository/NAME.');
  }
  return { kind: 'repository', name: withoutPeople(reported) };
}

/**
 * The repository of a scan that is complete for it: then a path of the machine that scanned (`/src`, `C:\\src`) names nothing either, for two repositories that were
 * both checked out there would close each other's results.
 */
export function wholeRepository(declared: Declared, reported: string, format: string): Target {
  return repositoryTarget(declared, /^(?:[./\\~]|[A-Za-z]:[\\/])/.test(reported) ? '' : reported, format);
}

/** All that a report calls the image that it is about; "" and empty where it does not say. */
export interface ImageNames {
  /** `registry/repository@sha256:…`. */
  readonly digests: readonly string[];
  /** As whoever ran the scan called it. */
  readonly name: string;
  readonly tags: readonly string[];
  /** Digest of the image's configuration. */
  readonly id: string;
}

/** The digest names the image for ever, a tag only until the next push; the id of the configuration comes last, for no registry knows it. */
export function imageTarget(draft: Draft, image: ImageNames): Target {
  const { declared } = draft;
  assertKinds(declared, ['image'], draft.format);
  const names = [...image.digests, image.name, ...image.tags, image.id].filter((name) => name !== '');
  const [digest] = image.digests.filter((name) => name !== '');
  const name = digest ?? (image.name || image.id);
  const [first, second] = declared.targets;
  if (second) throw new ReportFault('target-mismatch', 'The report is about one image; declare one.');
  if (name === '') return declaredArtifact(declared);
  if (first && !names.includes(first.name)) {
    throw new ReportFault('target-mismatch', 'The declared image is not the one that the report names.');
  }
  draft.note(
    digest === undefined
      ? `The report holds no repository digest; the image is named by its ${image.name ? 'name' : 'id'}.`
      : 'The image is named by its repository digest.',
  );
  return { kind: 'image', name };
}

/** What was scanned, where only the poster can know it. */
export function declaredArtifact(declared: Declared): Target {
  const [first, second] = declared.targets;
  if (second) throw new ReportFault('target-mismatch', 'The report is about one artifact; declare one.');
  if (first) return first;
  throw new ReportFault(
    'target-unknown',
    'The report does not say what was scanned: pass targets=image/NAME or targets=repository/NAME.',
  );
}

/** The one target of a report, where only the poster can know it. */
export function declaredTarget(declared: Declared, kinds: readonly TargetKind[]): Target {
  const [first, second] = declared.targets;
  if (second) throw new ReportFault('target-mismatch', 'The report is about one target; declare one.');
  if (!first) {
    throw new ReportFault(
      'target-unknown',
      `The report does not say what was scanned: pass targets=KIND/NAME, where KIND is one of ${kinds.join(', ')}.`,
    );
  }
  if (first.kind !== 'cluster') return first;
  assertCluster(first, null);
  return CLUSTER;
}

/**
 * For formats that name the accounts that they are about, but not how much of them they saw. Declared accounts: wholly, and nothing of others may appear.
 * Nothing declared: partial. Throws `ReportFault` target-mismatch.
 */
export function accountScope(declared: Declared): (account: string) => { target: Target; extent: Coverage['extent'] } {
  const accounts = new Map<string, { target: Target; extent: Coverage['extent'] }>();
  for (const target of declared.targets) {
    if (target.kind === 'account') accounts.set(target.name, { target, extent: 'complete' });
  }
  const isDeclared = accounts.size > 0;
  return (name) => {
    const known = accounts.get(name);
    if (known) return known;
    if (isDeclared) {
      throw new ReportFault('target-mismatch', 'The report holds results of an account that was not declared.');
    }
    const found = { target: { kind: 'account', name } as const, extent: 'partial' } as const;
    accounts.set(name, found);
    return found;
  };
}

function address(url: string): string {
  return url.replace(/^[a-z+]+:\/\/([^/@]*@)?/, '').replace(/(\.git)?\/*$/, '');
}
