import type { OutgoingFile } from './bag.js';
import { citationsCsv, type Cited } from './citations.js';
import type { PackageFacts, PackageRows } from './contents.js';
import { evidenceIndex } from './evidence-index.js';
import { sampleFiles } from './samples.js';

/** How OCR asks: by citation, with the evidence of it, and lists to draw samples from. */
export const indexFiles = (facts: PackageFacts, rows: PackageRows, cited: Cited): OutgoingFile[] => [
  {
    path: 'index/citations.csv',
    content: (async function* () {
      yield* citationsCsv(await cited());
    })(),
  },
  {
    path: 'index/citations.json',
    content: (async function* () {
      yield Buffer.from(`${JSON.stringify(await cited(), null, 2)}\n`, 'utf8');
    })(),
  },
  { path: 'index/evidence.csv', content: evidenceIndex(facts, rows) },
  ...sampleFiles(facts, rows),
];
