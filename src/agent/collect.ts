import { z } from 'zod';
import { version as collectorVersion } from '../bin/client/version.js';
import { ApiFault, type ApiServer } from './api-server.js';
import type { Clock } from './clock.js';
import { discover, type Outcome, type Planned, type Wanted } from './discovery.js';
import type { DocumentWriter, Section } from './document.js';
import { readList } from './list.js';
import { strip, STRIPPED } from './strip.js';

export const API_VERSION = 'safeguard.dev/v1';

/** How one list ended; a line of the snapshot's end. */
export interface ListEnd {
  group: string;
  version: string;
  resource: string;
  kind: string;
  outcome: Outcome;
  count: number;
  reason: string | null;
}

/** What a snapshot became. `bytes`: of each list's lines. */
export interface Collected {
  startedAt: string;
  uid: string;
  lists: (ListEnd & { bytes: number })[];
}

export interface Collection {
  api: ApiServer;
  kinds: readonly Wanted[];
  /** What people call the cluster. */
  clusterName: string | null;
  clock: Clock;
  signal: AbortSignal;
}

/** Without its identity there is no snapshot of a cluster. */
export class Unidentified extends Error {}

const namespaceSchema = z.looseObject({ metadata: z.looseObject({ uid: z.string().min(1) }) });
const versionSchema = z.looseObject({
  major: z.string(),
  minor: z.string(),
  gitVersion: z.string(),
  platform: z.string(),
});

/**
 * All lists of a cluster are read within this: what takes longer is no picture of one time, and an API server that is slower will not be faster for being asked more.
 */
const LONGEST = 30 * 60_000;

/**
 * Writes a snapshot: the head, each list as it comes, the end (docs/snapshot.md). Whatever happens to a list is said in the end; only a cluster that does not say who it is
 * makes no snapshot. Throws Unidentified, and what the signal says.
 */
export async function collectSnapshot(of: Collection, document: DocumentWriter): Promise<Collected> {
  const { api, clock, signal } = of;
  const startedAt = new Date(clock.now()).toISOString();
  api.renew();
  const uid = (await identify(api, '/api/v1/namespaces/kube-system', namespaceSchema, signal)).metadata.uid;
  const { major, minor, gitVersion, platform } = await versionOf(api, signal);
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(LONGEST)]);
  const planned = await discover(api, of.kinds, inTime);
  const named = ({ group, version, resource, kind }: Planned) => ({ group, version, resource, kind });
  const head = {
    apiVersion: API_VERSION,
    kind: 'ClusterSnapshot',
    cluster: { uid, name: of.clusterName },
    serverVersion: { major, minor, gitVersion, platform },
    collector: { name: 'safeguard', version: collectorVersion },
    startedAt,
    requested: planned.map(named),
    stripped: STRIPPED,
  };
  await document.section((section) => section.line(JSON.stringify(head)));
  const lists: Collected['lists'] = [];
  for (const resource of planned) {
    const end =
      resource.end ?? (await document.section((section) => collectList(api, resource, section, signal, inTime)));
    lists.push({ ...named(resource), count: 0, bytes: 0, ...end });
  }
  const end = {
    apiVersion: API_VERSION,
    kind: 'ClusterSnapshotEnd',
    finishedAt: new Date(clock.now()).toISOString(),
    lists: lists.map(({ bytes: _, ...list }) => list satisfies ListEnd),
  };
  await document.section((section) => section.line(JSON.stringify(end)));
  return { startedAt, uid, lists };
}

/** Writes one list, and says how it ended. What was read of a list that broke off stays: it is so, if not all that is so. */
async function collectList(
  api: ApiServer,
  resource: Planned,
  section: Section,
  signal: AbortSignal,
  inTime: AbortSignal,
): Promise<Pick<ListEnd, 'outcome' | 'count' | 'reason'> & { bytes: number }> {
  let count = 0;
  const ended = (outcome: Outcome, reason: string | null) => ({ outcome, count, reason, bytes: section.bytes });
  try {
    await readList(
      api,
      resource,
      {
        async write(item) {
          strip(item, resource.of.without);
          await section.line(JSON.stringify(item));
          count += 1;
        },
        async restart() {
          await section.restart();
          count = 0;
        },
      },
      inTime,
    );
  } catch (error) {
    signal.throwIfAborted();
    if (inTime.aborted) return ended('failed', 'the time for a snapshot was over');
    if (!(error instanceof ApiFault)) throw error;
    return ended(error.isRefusal ? 'refused' : 'failed', error.message);
  }
  await section.flush();
  return ended('complete', null);
}

/** Of the API server. */
export function versionOf(api: ApiServer, signal: AbortSignal): Promise<z.infer<typeof versionSchema>> {
  return identify(api, '/version', versionSchema, signal);
}

async function identify<T>(api: ApiServer, path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
  try {
    const parsed = schema.safeParse(await api.get(path, { signal }));
    if (parsed.success) return parsed.data;
    throw new ApiFault(null, 'the answer is not what an API server says');
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error;
    throw new Unidentified(`the cluster does not say who it is: GET ${path}: ${error.message}`);
  }
}
