import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Beside package.json: three folders above the compiled file. */
const FOLDER = new URL('../../../demo/', import.meta.url);
const DAY = 24 * 60 * 60_000;
const MINUTE = 60_000;
/** The clinic's scans start at two o'clock in the night (UTC) and take half an hour. */
const NIGHT = { start: 2 * 60 * MINUTE, length: 30 * MINUTE };

export type Week = 'last-week' | 'today';

/** A bundled report, and what its agent says with it. */
export interface DemoReport {
  week: Week;
  file: string;
  system: 'emr-production' | 'emr-staging';
  /** Minutes after the scans started. */
  minute: number;
  /** What it covered, where the report does not say: `kind/name`. */
  targets: string[];
  /** Whether the report says itself when it was made; else its agent says it. */
  saysWhen: boolean;
}

const report = (
  week: Week,
  file: string,
  minute: number,
  given: Partial<Pick<DemoReport, 'targets' | 'saysWhen' | 'system'>> = {},
): DemoReport => ({ week, file, minute, system: 'emr-production', targets: [], saysWhen: true, ...given });

const ofWeek = (week: Week): DemoReport[] => [
  report(week, 'kube-bench-cp-1.json', 1, { targets: ['node/cp-1'], saysWhen: false }),
  report(week, 'kube-bench-worker-1.json', 2, { targets: ['node/worker-1'], saysWhen: false }),
  report(week, 'kubescape.json', 5),
  report(week, 'trivy-k8s.json', 9, { targets: ['cluster/cluster'] }),
  report(week, 'trivy-image-emr-api.json', 12),
  report(week, 'trivy-image-patient-portal.json', 13),
  report(week, 'kyverno.json', 15, { targets: ['cluster/cluster'] }),
];

/** In the order in which they would have been made. */
export const DEMO_REPORTS: readonly DemoReport[] = [
  ...ofWeek('last-week'),
  ...ofWeek('today'),
  report('today', 'staging-trivy-k8s.json', 20, { system: 'emr-staging', targets: ['cluster/cluster'] }),
];

/** The nights of the two generations. */
export interface Nights {
  starts: Record<Week, Date>;
  /** Noon after the first: what the posture «as of last week» is asked for. */
  lastWeek: Date;
}

/** The last night that is over at `now`, and the one a week before. */
export function nightsBefore(now: Date): Nights {
  const over = now.getTime() - NIGHT.start - NIGHT.length;
  const today = Math.floor(over / DAY) * DAY + NIGHT.start;
  const before = today - 7 * DAY;
  return {
    starts: { today: new Date(today), 'last-week': new Date(before) },
    lastWeek: new Date(before - NIGHT.start + DAY / 2),
  };
}

/** When a report was made. */
export const observedAt = ({ week, minute }: DemoReport, { starts }: Nights): Date =>
  new Date(starts[week].getTime() + minute * MINUTE);

/** The report as its tool would have written it at that time: the times in the bundled files are placeholders. */
export async function loadReport({ week, file }: DemoReport, at: Date): Promise<Buffer> {
  const path = fileURLToPath(new URL(`${week}/${file}`, FOLDER));
  const document = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  for (const name of ['CreatedAt', 'generationTime']) if (name in document) document[name] = at.toISOString();
  if (Array.isArray(document['items'])) {
    for (const { results } of document['items'] as { results: { timestamp: { seconds: number } }[] }[]) {
      for (const result of results) result.timestamp.seconds = Math.floor(at.getTime() / 1_000);
    }
  }
  return Buffer.from(`${JSON.stringify(document)}\n`, 'utf8');
}
