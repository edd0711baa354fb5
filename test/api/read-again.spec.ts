import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PackagesService } from '../../src/packages/packages.service.js';
import { FORMATS } from '../../src/scans/formats/index.js';
import { verifyPackage, type Verdict } from '../../src/verify/verify.js';
import { fittingQuery } from '../fixtures/reports/fitting.js';
import { fixture, fixtureNames } from '../fixtures/reports/load.js';
import { startSuite, type Caller, type Clinic, type World } from '../support/app.js';
import { programOf } from '../support/log.js';
import { packagesRoom, unqueuedPackage, YEAR } from '../support/packages.js';
import { NOTHING_KNOWN } from '../verify/in-memory.js';
import { kubeBench, policyReport, send } from './reports.js';

/* Whatever reports say, in whatever order they come: a package shows what they say, at each of its instants, and nothing of it is blamed. */

let world: World;
let clinic: Clinic;
let officer: Caller;
let directory: string;

beforeAll(async () => {
  const suite = await startSuite();
  ({ world, clinic, officer } = suite);
  directory = await mkdtemp(join(tmpdir(), 'safeguard-read-again-'));
  return suite.stop;
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const STATUS = fc.constantFrom('PASS' as const, 'FAIL' as const, 'WARN' as const);
const CHECKS = fc.constantFrom('1.2.1', '1.2.2', '1.2.3', '1.2.4');
const REPORT = fc.record({
  /** Minutes ago: many are of one instant, and many come late. */
  minutes: fc.integer({ min: 1, max: 6 }),
  query: fc.constantFrom(
    'targets=node/cp-1',
    'targets=node/cp-1',
    'targets=node/cp-2',
    'targets=node/cp-1&partial=true',
  ),
  statuses: fc.dictionary(CHECKS, STATUS, { minKeys: 1 }),
  policies: fc.option(
    fc.array(
      fc.record({
        check: CHECKS,
        result: fc.constantFrom('pass' as const, 'fail' as const),
        name: fc.constantFrom('=a', 'b'),
      }),
    ),
  ),
});

async function verdictOf(asOf: Date, knownAt: Date, period?: number): Promise<Verdict> {
  const id = await unqueuedPackage(world, clinic, { asOf, knownAt }, period);
  await world.app.get(PackagesService, { strict: false }).build(programOf(clinic), id);
  const file = join(directory, `${id}.zip`);
  await writeFile(file, await packagesRoom(`${clinic.path}/packages`, officer).bytes(id));
  return verifyPackage(file, NOTHING_KNOWN);
}

it('are reports that come late, twice, of one instant or of a part read again as they were taken?', async () => {
  const begun = Date.now();
  const at = (minutes: number): Date => new Date(begun - minutes * 60_000);
  const known: Date[] = [];
  for (const { minutes, query, statuses, policies } of fc.sample(REPORT, { numRuns: 40, seed: 1 })) {
    const { path, body } =
      policies === null || policies.length === 0
        ? { path: query, body: kubeBench(statuses) }
        : { path: 'targets=cluster/cluster', body: policyReport(policies) };
    const { status } = await send(
      world.url,
      clinic.agent,
      'POST',
      `${clinic.systemPath}/scans?${path}&observedAt=${at(minutes).toISOString()}`,
      { body },
    );
    expect([200, 201]).toContain(status);
    known.push(new Date());
  }
  // While they come, and all of them at some instants: each is a package that is built and verified.
  for (const [index, minutes] of [
    [12, 4],
    [25, 2],
    [39, 0],
    [39, 2],
    [39, 4],
  ] as const) {
    const { lines } = await verdictOf(at(minutes), known[index]!);
    const line = lines.find(({ check }) => check === 'reports');
    expect(line).toMatchObject({
      result: 'ok',
      text: expect.stringMatching(/^(\d+) of \1 reports were read again: [1-9]\d* results,[^;]*$/),
    });
  }
}, 120_000);

it('is what is read out of a report of each format read again as it was taken, by no other rules and no other trust than its own?', async () => {
  const begun = new Date();
  for (const name of FORMATS.flatMap(({ slug }) => fixtureNames(slug))) {
    const body = fixture(name);
    const path = `${clinic.systemPath}/scans?${fittingQuery(body, name, begun)}`;
    const { status } = await send(world.url, clinic.agent, 'POST', path, { body });
    expect([name, status]).toEqual([name, 201]);
  }
  const now = new Date();
  // Their security events are of some time ago.
  const { lines } = await verdictOf(now, now, YEAR);
  const line = lines.find(({ check }) => check === 'reports');
  expect(line).toMatchObject({ result: 'ok', text: expect.not.stringMatching(/by other readers/) });
});
