import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readReport } from '../../src/scans/formats/index.js';
import { ReportFault, type CheckResult } from '../../src/scans/report.js';
import { Stager } from '../../src/scans/stage.js';
import { readDocument } from '../../src/scans/text/read-document.js';
import { OFFLINE, PeerFailure, printed, runChild } from './child.js';
import { installFromNpm } from './install.js';
import type { Peer } from './peers.js';

/** 2.14.0 is the newest that was seen; not every registry has all that it depends on. */
const VERSIONS = ['2.14.0', '2.12.6'];

const CHILD = fileURLToPath(new URL('./hdf.child.js', import.meta.url));

/** A library: what is compared is the reading of the same SARIF, once to HDF, once to rows of COPY; the second of two times, when both have compiled themselves. */
export const hdfConverters: Peer = {
  name: '@mitre/hdf-converters',
  of: 'its conversion of SARIF to HDF: normalisation only, nothing is stored',
  measure: async ({ directory, into, minutes, rows }) => {
    const { directory: packages, version } = await installFromNpm(into, '@mitre/hdf-converters', VERSIONS);
    const path = join(directory, 'report.sarif');
    await writeFile(path, sarifOf(rows));
    const { stdout, peakMemory } = await runChild(process.execPath, [CHILD, packages, path], {
      directory,
      minutes,
      environment: OFFLINE,
    });
    const { milliseconds, results } = printed(stdout) as { milliseconds: number; results: number };
    return { version, first: { results, milliseconds, peakMemory }, own: await ownReading(path) };
  },
};

async function ownReading(path: string): Promise<{ results: number; milliseconds: number }> {
  const bytes = await readFile(path);
  const declared = { targets: [{ kind: 'cluster', name: 'cluster' }], partial: false } as const;
  const read = (): { results: number; milliseconds: number } => {
    const start = performance.now();
    const stager = new Stager(() => undefined);
    const head = readReport(readDocument(bytes), { format: undefined, declared }, stager);
    const { totals } = stager.finish(head, ['results']);
    return { results: totals.result, milliseconds: performance.now() - start };
  };
  try {
    read();
    return read();
  } catch (error) {
    if (error instanceof ReportFault) throw new PeerFailure(`Safeguard does not read this SARIF: ${error.message}`);
    throw error;
  }
}

/** SARIF 2.1.0, a rule per check and a result per row; the resource stands where a file would. */
function sarifOf(rows: readonly CheckResult[]): string {
  const rules = new Map(
    rows.map(({ check, title }) => [check, { id: check, name: title, shortDescription: { text: title } }]),
  );
  return JSON.stringify({
    version: '2.1.0',
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    runs: [
      {
        tool: { driver: { name: 'kyverno', version: '1.11.0', rules: [...rules.values()] } },
        invocations: [{ executionSuccessful: true, endTimeUtc: new Date(Date.now() - 3_600_000).toISOString() }],
        results: rows.map(({ check, resource, status, message }) => ({
          ruleId: check,
          kind: status === 'pass' ? 'pass' : 'fail',
          level: status === 'pass' ? 'none' : 'warning',
          message: { text: message },
          locations: [{ physicalLocation: { artifactLocation: { uri: resource }, region: { startLine: 1 } } }],
        })),
      },
    ],
  });
}
