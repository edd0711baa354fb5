import fc from 'fast-check';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dataSourceOptions } from '../../src/kernel/db/data-source.js';
import { migrate } from '../../src/kernel/db/migrate.js';
import { History } from '../support/history.js';
import { SCANS, tell } from '../support/random-history.js';

let history: History;
beforeAll(async () => {
  history = await History.begin();
});
afterAll(() => history.end());

/** Undoes the migrations back to that one, and it too; then all of them run again, over the rows that are there. */
async function migrateAgain(from: string): Promise<void> {
  const { owner } = history.testDatabase.urls;
  const source = new DataSource({ ...dataSourceOptions(owner, { max: 2, statementTimeout: 60_000 }), entities: [] });
  await source.initialize();
  try {
    const ran = await source.query<{ name: string }[]>('select name from migration order by id desc');
    const undone = ran.findIndex(({ name }) => name.startsWith(from)) + 1;
    expect(undone).toBeGreaterThan(0);
    for (let left = undone; left > 0; left--) await source.undoLastMigration({ transaction: 'each' });
  } finally {
    await source.destroy();
  }
  await migrate(owner);
}

async function kept(): Promise<Record<'coverage' | 'losses' | 'series' | 'sightings', object[]>> {
  const { rows: coverage } = await history.admin.query<object>(
    'select scan_id, target_id, source, checks, checks_id from coverage order by scan_id, target_id, source',
  );
  const { rows: losses } = await history.admin.query<object>(
    `select organization_id, earlier_id, later_id, array(select unnest(series) as one order by one) as series
     from sighting_loss order by organization_id, earlier_id, later_id`,
  );
  const { rows: series } = await history.admin.query<object>(
    'select series, target_id, source, check_id, resource from result order by organization_id, system_id, series, observed_from, known_from',
  );
  const { rows: sightings } = await history.admin.query<object>(
    'select organization_id, id, series from sighting order by organization_id, id',
  );
  return { coverage, losses, series, sightings };
}

it('are rows from before a migration what they would be, had they been written after it?', async () => {
  for (const scans of fc.sample(SCANS, { numRuns: 40, seed: 15 })) {
    await tell(history, await history.newSystem(), scans);
  }
  const before = await kept();
  expect(before.coverage.length).toBeGreaterThan(100);
  expect(before.losses.length).toBeGreaterThan(50);
  await migrateAgain('AddCoverageProbes');
  expect(await kept()).toEqual(before);
});
