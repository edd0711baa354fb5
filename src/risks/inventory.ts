import type { Catalog } from '../catalog/catalog.js';
import type { ResultsService } from '../results/results.service.js';

type ListedFact = Awaited<ReturnType<ResultsService['findFacts']>>[number];
type CheckSummary = Awaited<ReturnType<ResultsService['summarise']>>[number];

/** Something that scanners say is wrong with a system: a vulnerability to start from, with what shows it. */
export interface OfferedVulnerability {
  systemId: string;
  source: string;
  check: string;
  title: string;
  failing: number;
  /** In namespaces that hold PHI. */
  failingWithPhi: number;
  practices: string[];
  /** Up to five of the results. */
  series: string[];
  scanId: string;
  evidenceId: string;
  seenAt: Date;
}

/** Failing results by check: those that most practices and most namespaces with PHI suffer from first. A person decides which of them is a risk. */
export function offeredVulnerabilities(
  catalog: Catalog,
  systemId: string,
  summaries: readonly CheckSummary[],
): OfferedVulnerability[] {
  const byCheck = Map.groupBy(
    summaries.filter(({ status }) => status === 'fail'),
    ({ source, check }) => `${source}\n${check}`,
  );
  const offered = [...byCheck.values()].flatMap((rows): OfferedVulnerability[] => {
    const latest = rows.reduce((a, b) => (b.newestSeen > a.newestSeen ? b : a));
    const { source, check, scanId, evidenceId, newestSeen } = latest;
    const known = catalog.resolveResult(source, check)?.check;
    return [
      {
        systemId,
        source,
        check,
        title: known?.title ?? check,
        failing: rows.reduce((sum, { count }) => sum + count, 0),
        failingWithPhi: rows.reduce((sum, { phi }) => sum + phi, 0),
        practices: [...new Set(known?.practices ?? [])].sort(),
        series: rows.flatMap(({ series }) => series).slice(0, 5),
        scanId,
        evidenceId,
        seenAt: newestSeen,
      },
    ];
  });
  return offered.sort(
    (a, b) =>
      b.failingWithPhi - a.failingWithPhi ||
      b.practices.length - a.practices.length ||
      b.failing - a.failing ||
      (`${a.source}/${a.check}` < `${b.source}/${b.check}` ? -1 : 1),
  );
}

/** Where data lies, as snapshots and storage tell it: `<namespace>/<claim>`, and the classes of storage. */
export function volumesOf(facts: readonly Pick<ListedFact, 'kind' | 'namespace' | 'subject' | 'value'>[]): string[] {
  const names = facts.flatMap(({ kind, namespace, subject, value }) => {
    if (kind === 'storage-class') return [`storage class ${subject.split('/').at(-1) ?? subject}`];
    const isClaim = 'kind' in value && value.kind === 'PersistentVolumeClaim';
    return isClaim && namespace !== null ? [`${namespace}/${subject.split('/').at(-1) ?? subject}`] : [];
  });
  return [...new Set(names)].sort();
}
