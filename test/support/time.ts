import pg from 'pg';
import { vi } from 'vitest';
import type { World } from './app.js';

const RealDate = Date;
let shift = 0;

/**
 * As `Date`, with another present: the program, the provider and jose run in this process. Not by fake timers, under which time stands still between two steps, or
 * runs away while something is waited for: here it goes on as it does, so the two clocks keep their distance. Instances stay instances of the one Date.
 */
const ShiftedDate: DateConstructor = new Proxy(RealDate, {
  construct: (target, parameters, made) =>
    Reflect.construct(
      target,
      parameters.length === 0 ? [target.now() + shift] : parameters,
      made === ShiftedDate ? target : made,
    ),
  apply: (target) => new target(target.now() + shift).toString(),
  get: (target, name, receiver) => (name === 'now' ? () => target.now() + shift : Reflect.get(target, name, receiver)),
});

/**
 * Moves both clocks of a world in this process to an instant: the program's, and the database's (service_clock, which its owner may replace). Only forward, as time
 * goes. Tokens and sessions of before have expired then, as they would: ask for callers anew. The queue keeps the real clock: what waits for a time is asked for.
 */
export async function travel({ database }: Pick<World, 'database'>, instant: Date): Promise<void> {
  const next = instant.getTime() - RealDate.now();
  if (next < shift) throw new RangeError('time goes forward');
  const owner = new pg.Client({ connectionString: database.urls.owner });
  await owner.connect();
  try {
    // The database's first: what the program says now must not lie ahead of what the database knows.
    await owner.query(
      `create or replace function service_clock() returns timestamptz language sql volatile
       as $$ select clock_timestamp() + interval '${next} milliseconds' $$`,
    );
  } finally {
    await owner.end();
  }
  shift = next;
  globalThis.Date = ShiftedDate;
}

/** Waits until nothing is left to be done in any queue that may be done now. */
export async function settled({ database }: Pick<World, 'database'>, timeout = 60_000): Promise<void> {
  const admin = new pg.Client({ connectionString: database.urls.admin });
  await admin.connect();
  try {
    await vi.waitFor(
      async () => {
        const { rows } = await admin.query<{ name: string; state: string }>(
          `select name, state from queue.job where state = 'active' or (state in ('created', 'retry') and start_after <= now())`,
        );
        if (rows.length > 0) throw new Error(`not done: ${JSON.stringify(rows)}`);
      },
      { timeout, interval: 100 },
    );
  } finally {
    await admin.end();
  }
}
