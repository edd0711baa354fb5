import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { median } from './figures.js';
import type { Bench } from './system.js';

const TIMES = 3;

/**
 * What the machine and Postgres can do at best: the very rows that the product stored, by one COPY and a durable commit, with the CPU time that Postgres
 * takes for it; in milliseconds (medians of three).
 * `including all` takes over the columns, checks, primary key and index of `result`, and neither its triggers (none of them is for inserts) nor row-level
 * security, under which COPY is refused.
 */
export async function measureFloor(bench: Bench, systemId: string): Promise<{ milliseconds: number; cpu: number }> {
  const { admin } = bench;
  const file = join(bench.directory, 'floor.copy');
  await pipeline(
    admin.query(copyTo(`copy (select * from result where system_id = '${systemId}' order by ctid) to stdout`)),
    createWriteStream(file),
  );
  const times: number[] = [];
  const cpu: number[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    await admin.query('create table result_floor (like result including all)');
    // Every measurement begins with no work left over from the one before.
    await admin.query('checkpoint');
    const before = await bench.cpu();
    const start = performance.now();
    await admin.query('begin');
    await pipeline(
      createReadStream(file, { highWaterMark: 2 ** 18 }),
      admin.query(copyFrom('copy result_floor from stdin')),
    );
    await admin.query('commit');
    times.push(performance.now() - start);
    cpu.push((await bench.cpu()).postgres - before.postgres);
    await admin.query('drop table result_floor');
  }
  return { milliseconds: median(times), cpu: median(cpu) };
}
