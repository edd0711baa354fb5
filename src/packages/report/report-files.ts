import type { OutgoingFile } from '../bag.js';
import type { Cited } from '../citations.js';
import type { PackageFacts, PackageRows } from '../contents.js';
import { reportOf } from './compose.js';
import { readRegisters } from './registers.js';
import type { WrittenReport } from './report.thread.js';
import { workbook } from './workbook.js';

/** The report of a package: as a page, as PDF, and its tables as a workbook. */
export function reportFiles(facts: PackageFacts, rows: PackageRows, cited: Cited): OutgoingFile[] {
  let made: Promise<WrittenReport> | undefined;
  const write = async (): Promise<WrittenReport> =>
    rows.writeReport(reportOf(facts, await rows.readings(), await readRegisters(facts, rows), await cited()));
  // Both are made when the first is read: the pictures are drawn of the same figures.
  const content = async function* (name: keyof WrittenReport): AsyncGenerator<Uint8Array, void> {
    made ??= write();
    yield (await made)[name];
  };
  return [
    { path: 'report/report.html', content: content('html') },
    { path: 'report/report.pdf', content: content('pdf') },
    { path: 'report/workbook.xlsx', content: workbook(facts, rows, cited) },
  ];
}
