import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Posture } from '../../src/posture/posture.schema.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { Keeper } from '../support/keep.js';
import { settled, travel } from '../support/time.js';
import { kubeBench } from './reports.js';

const DAY = 86_400_000;
const OFFICIAL = 'security-official';

let world: World;
let clinic: Clinic;
/** Where the real clocks stood. */
const home = Date.now();
const day = (number: number): Date => new Date(Math.ceil(home / DAY) * DAY + number * DAY);
const dateOf = (number: number): string => day(number).toISOString().slice(0, 10);

beforeAll(async () => {
  world = await startApp();
  await travel(world, day(10));
  clinic = await startClinic(world);
  await clinic.member('compliance_officer');
  await clinic.member('approver');
});
afterAll(() => world.stop());

const officer = (): Promise<Caller> => world.as('dev-compliance-officer');

async function postureOf(instant: Record<string, string> = {}): Promise<Posture> {
  const query = new URLSearchParams(instant).toString();
  return (await (await officer()).get(`${clinic.systemPath}/posture?${query}`).expect(200)).body as Posture;
}
const practiceOf = (posture: Posture, id: string) => posture.practices.find((one) => one.id === id)!;

it('is what people decide and what scanners report known from the instant to which both clocks were moved?', async () => {
  const keeper = await Keeper.of(clinic, await officer(), await world.as('dev-approver'));
  const id = await keeper.keep({
    type: 'appointment',
    effectiveFrom: day(9).toISOString(),
    fields: {
      person: 'M. Alvarez',
      duties: 'Keeps the risk analysis.',
      appointedOn: dateOf(9),
      confirmedOn: dateOf(9),
    },
    document: 'appointment',
  });
  const { body: record } = await (await officer()).get(`${clinic.path}/records/${id}`).expect(200);
  // By the program's clock, and by the database's.
  for (const instant of [record.createdAt, record.submittedAt, record.decidedAt]) {
    expect(Date.parse(instant) - day(10).getTime()).toBeGreaterThanOrEqual(0);
    expect(Date.parse(instant)).toBeLessThanOrEqual(Date.now());
  }
  const { status, body: scan } = await (
    await world.as('safeguard-agent')
  )
    .post(`${clinic.systemPath}/scans?observedAt=${day(10).toISOString()}&targets=node/worker-1`)
    .set('Content-Type', 'application/json')
    .send(kubeBench({ '1.2.1': 'FAIL' }));
  expect([status, String(scan.receivedAt).slice(0, 10)], JSON.stringify(scan)).toEqual([201, dateOf(10)]);
  expect(String(scan.knownAt).slice(0, 10)).toBe(dateOf(10));
  expect(practiceOf(await postureOf(), OFFICIAL).status).toBe('evidenced');
});

it('does a record that grows too old by travel alone move the posture, and as of then, known then and now, stay what it was?', async () => {
  const then = new Date().toISOString();
  const before = await postureOf();
  expect(practiceOf(before, OFFICIAL).status).toBe('evidenced');
  const staleAt = practiceOf(before, OFFICIAL).staleAt;
  expect(staleAt?.slice(0, 10)).toBe(dateOf(9 + 365));
  // What is yet to come cannot be asked for.
  await (await officer()).get(`${clinic.systemPath}/posture?asOf=${day(400).toISOString()}`).expect(400);

  await settled(world);
  await travel(world, day(401));
  expect(practiceOf(await postureOf(), OFFICIAL).status).toBe('stale');
  expect(practiceOf(await postureOf({ asOf: day(400).toISOString() }), OFFICIAL).status).toBe('stale');
  for (const instant of [{ asOf: then }, { asOf: then, knownAt: then }] as Record<string, string>[]) {
    expect(practiceOf(await postureOf(instant), OFFICIAL).status).toBe('evidenced');
  }
  const again = await postureOf({ asOf: before.asOf, knownAt: before.knownAt });
  expect(again).toEqual(before);
});

it('does time go on after it was moved, and forward alone?', async () => {
  const began = performance.now();
  const [first, second] = [
    Date.now(),
    await new Promise<number>((resolve) => setTimeout(() => resolve(Date.now()), 50)),
  ];
  expect(second - first).toBeGreaterThanOrEqual(45);
  expect(second - first).toBeLessThanOrEqual(Math.ceil(performance.now() - began));
  expect(new Date(0) instanceof Date).toBe(true);
  expect(Date.UTC(1970, 0, 1)).toBe(0);
  await expect(travel(world, day(10))).rejects.toThrow(RangeError);
});
