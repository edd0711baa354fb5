// Puts reports into a spool, and says each that it was told is safe, until it is killed. Started by spool.spec.ts.
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { Spool } from '../../src/agent/spool.js';
import { manifestOf } from './manifest.js';

const [, , directory = '', from = '0'] = process.argv;
const silent = { dropped: () => undefined, damaged: () => undefined, forgotten: () => undefined };
const spool = await Spool.open(directory, 1e9, silent);
process.stdout.write(`open ${spool.count}\n`);
for (let at = Number(from); ; at++) {
  const bytes = Buffer.from(`report ${at} `.repeat(2_000));
  const file = spool.scratch();
  await writeFile(file, bytes);
  const entry = await spool.put(file, new Date(Date.UTC(2026, 0, 1) + at), manifestOf(bytes));
  process.stdout.write(`safe ${entry.name} ${createHash('sha256').update(bytes).digest('hex')}\n`);
}
