import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

interface Converters {
  SarifMapper: new (sarif: string) => { toHdf(): unknown };
}

/** What takes so long does not take it for being new. Milliseconds. */
const LONG = 60_000;

/** Arguments: the folder in which the package is installed, and a file of SARIF. Prints the time of the second conversion, or of the first if that was long. */
const [packages = '', path = ''] = process.argv.slice(2);
const { SarifMapper } = createRequire(join(packages, 'package.json'))('@mitre/hdf-converters') as Converters;
const text = await readFile(path, 'utf8');

let milliseconds = 0;
let converted: unknown;
for (let time = 0; time < 2 && milliseconds < LONG; time += 1) {
  const start = performance.now();
  converted = new SarifMapper(text).toHdf();
  milliseconds = performance.now() - start;
}

interface Hdf {
  profiles: { controls: { results: unknown[] }[] }[];
}

const hdf = (Array.isArray(converted) ? converted : [converted]) as Hdf[];
const controls = hdf.flatMap(({ profiles }) => profiles).flatMap((profile) => profile.controls);
const results = controls.reduce((sum, control) => sum + control.results.length, 0);
process.stdout.write(`${JSON.stringify({ milliseconds, results })}\n`);
