import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { CheckResult } from '../../src/scans/report.js';
import { OFFLINE, printed, runChild } from './child.js';
import { installFromPyPi } from './install.js';
import type { Peer, PeerPass } from './peers.js';

const VERSION = '0.3.17';

/** The control of its catalogue to which every event is attached; it evaluates all controls that events name. */
const CONTROL = 'HIPAA-164.312(a)';

/** Files on disk, no service: raw events become its lake, with its controls evaluated. Timed by itself, without the start of Python. */
export const grcLake: Peer = {
  name: 'grc-lake',
  of: 'its pipeline over raw events: normalised, evaluated and written as files; no HTTP, no encryption',
  measure: async ({ directory, into, minutes, rows }) => {
    const programs = await installFromPyPi(into, 'grc-lake', VERSION);
    const raw = join(directory, 'grc-lake.jsonl');
    await pipeline(Readable.from(events(rows)), createWriteStream(raw));
    const pass = async (): Promise<PeerPass> => {
      const { stdout, peakMemory } = await runChild(
        join(programs, 'grc-lake'),
        ['benchmark', 'pipeline', '--raw', raw, '--out', join(directory, 'grc-lake'), '--json'],
        { directory, minutes, environment: OFFLINE },
      );
      const said = printed(stdout) as { event_count: number; duration_ms: number };
      return { results: said.event_count, milliseconds: said.duration_ms, peakMemory };
    };
    return { version: VERSION, first: await pass(), again: await pass() };
  },
};

/** One event of its own shape for each result. */
function* events(rows: readonly CheckResult[]): Generator<string> {
  const at = new Date(Date.now() - 3_600_000).toISOString();
  for (const [index, { check, resource, namespace, status, severity, message }] of rows.entries()) {
    const event = {
      event_id: `result-${index}`,
      event_time: at,
      event_type: 'kubernetes.workload.pod_security',
      source: 'kubernetes',
      status: status === 'pass' ? 'passed' : 'failed',
      severity: severity === 'unknown' ? 'info' : severity,
      controls: [CONTROL],
      entity: {
        asset_id: resource,
        asset_type: 'kubernetes_workload',
        environment: 'prod',
        owner: namespace ?? 'cluster',
      },
      evidence: { evidence_id: `evidence-${index}`, collected_at: at, uri: `kubernetes://${resource}` },
      attributes: { check, message },
      tenant_id: 'clinic',
    };
    yield `${JSON.stringify(event)}\n`;
  }
}
