import fc from 'fast-check';
import type pg from 'pg';
import { beforeAll, expect, it } from 'vitest';
import { FORMATS } from '../../src/scans/formats/index.js';
import { anyBreak, Broken, FURTHER, SEED, spotsOf } from '../fixtures/reports/broken.js';
import { fittingQuery } from '../fixtures/reports/fitting.js';
import { fixture, fixtureNames } from '../fixtures/reports/load.js';
import { excuses, newPasses, type Row } from '../fixtures/reports/passes.js';
import { startSuite, type Caller, type Clinic, type World } from '../support/app.js';
import { send } from './reports.js';

let world: World;
let clinic: Clinic;
let officer: Caller;
let admin: pg.Client;
beforeAll(async () => {
  const suite = await startSuite();
  ({ world, clinic, officer, admin } = suite);
  return suite.stop;
});

/** What is posted to a system of its own, and all that is then stored of that. */
async function stored(bytes: Uint8Array, query: string): Promise<{ status: number; rows: Row[] }> {
  const { id, path } = await clinic.system();
  const { status, headers } = await send(world.url, officer, 'POST', `${path}/scans?${query}`, { body: bytes });
  if (status >= 300) expect(headers['content-type']).toContain('application/problem+json');
  const { rows } = await admin.query<Row>(
    `select t.kind || '/' || t.name as target, source, check_id as check, resource, status
     from result r join target t on t.organization_id = r.organization_id and t.system_id = r.system_id and t.id = r.target_id
     where r.system_id = $1`,
    [id],
  );
  return { status, rows };
}

const AT = new Date('2026-01-01T00:00:00Z');

const cut = (bytes: Buffer): fc.Arbitrary<Broken> =>
  fc.nat(bytes.length - 1).map((end) => new Broken('', `cut at ${end}`, bytes.subarray(0, end)));

/** A snapshot says what is so and no verdict: where something of an object is gone, it is another cluster's. */
const isOther = (slug: string, at: string): boolean => excuses(slug, at) || (slug === 'cluster-snapshot' && at !== '');

it.each(FORMATS.map(({ slug }) => slug))(
  'is a broken report of %s stored or refused, and no pass of it that the whole one does not give?',
  async (slug) => {
    // Two of each: all of them are broken where reports are read (src/scans/formats/broken.spec.ts).
    for (const name of fixtureNames(slug).slice(0, 2)) {
      const bytes = fixture(name);
      const query = fittingQuery(bytes, name, AT);
      const variants = [anyBreak(spotsOf(bytes)), cut(bytes)].flatMap((sort) =>
        fc.sample(sort, { seed: SEED, numRuns: FURTHER }),
      );
      const [whole, ...broken] = await Promise.all([
        stored(bytes, query),
        ...variants.map((variant) => stored(variant.bytes, query)),
      ]);
      expect([name, whole.status]).toEqual([name, 201]);
      for (const [index, { status, rows }] of broken.entries()) {
        const { at, how } = variants[index] ?? { at: '', how: '' };
        const what = `${name} ${at} ${how}`;
        expect([201, 400, 422], what).toContain(status);
        if (!isOther(slug, at)) expect(newPasses(rows, whole.rows), what).toEqual([]);
      }
    }
  },
);

it('has the server told of no fault of its own?', () => {
  expect(world.logs.filter((line) => line.includes('"msg":"request failed"'))).toEqual([]);
});
