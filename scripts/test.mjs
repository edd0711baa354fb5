// `npm test`: installs and builds what is missing (types are checked thereby), checks the catalogue, runs every test.
// Arguments go to vitest: `npm test -- scans`. The last line is always "N passed, N failed", with ", N skipped" when some were.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must, prepare, programNode, ROOT, run } from './prepare.mjs';

await prepare();
const node = programNode();
await must(node, ['dist/src/catalog/check.js']);

// What each of some hundred processes loads is compiled once.
process.env.NODE_COMPILE_CACHE ??= join(ROOT, 'node_modules/.cache/node');

const directory = mkdtempSync(join(tmpdir(), 'safeguard-results-'));
const report = join(directory, 'results.json');
const vitest = [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
];
try {
  const code = await run(node, [...vitest, ...process.argv.slice(2)]);
  const { passed, failed, skipped } = count();
  // What broke outside of a test (a set-up, a rejection nobody awaited) has no line of its own in the report; nor has it when none ran.
  const broken = failed === 0 && (code !== 0 || passed === 0) ? 1 : failed;
  if (broken > failed) {
    console.log(`${passed === 0 ? 'No test ran' : 'Something failed outside of the tests'}: counted as one failure.`);
  }
  console.log(`${passed} passed, ${broken} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exitCode = broken > 0 ? code || 1 : code;
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** Counted from the single results; a file that could not be loaded is a failure though no test of it ran. */
function count() {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  let files;
  try {
    files = JSON.parse(readFileSync(report, 'utf8')).testResults;
  } catch {
    return counts; // vitest did not come as far as to write it
  }
  for (const { status, assertionResults } of files) {
    const own = assertionResults.map((/** @type {{ status: string }} */ result) => result.status);
    for (const result of own) counts[result === 'passed' || result === 'failed' ? result : 'skipped'] += 1;
    if (status === 'failed' && !own.includes('failed')) counts.failed += 1;
  }
  return counts;
}
