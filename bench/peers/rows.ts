import { readFile } from 'node:fs/promises';
import { readReport } from '../../src/scans/formats/index.js';
import type { CheckResult } from '../../src/scans/report.js';
import { readDocument } from '../../src/scans/text/read-document.js';

/** The results of a report as Safeguard reads them: what the peers are given in their own forms. */
export async function rowsOf(path: string): Promise<CheckResult[]> {
  const rows: CheckResult[] = [];
  readReport(
    readDocument(await readFile(path)),
    { format: undefined, declared: { targets: [{ kind: 'cluster', name: 'cluster' }], partial: false } },
    {
      observed: () => undefined,
      result: (_series, _target, result) => void rows.push(result),
      fact: () => undefined,
      event: () => undefined,
    },
  );
  return rows;
}
