import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { DAY_MS } from '../../src/kernel/dates.js';
import { servicePrincipal, type Principal } from '../../src/kernel/principal.js';
import { CalendarService } from '../../src/notices/calendar.service.js';
import { PostureReader } from '../../src/posture/posture.reader.js';
import { PostureService } from '../../src/posture/posture.service.js';
import { startApp, type Clinic, type World } from '../support/app.js';
import { readCalendar } from '../support/calendar.js';
import { startKeeping, type Keeper } from '../support/keep.js';
import { Superuser } from '../support/tampering.js';
import { settled } from '../support/time.js';

/** Of as many systems a month is more than is evaluated for one calendar. */
const SYSTEMS = 5;

let world: World;
let calendar: CalendarService;
let reader: PostureReader;
beforeAll(async () => {
  world = await startApp();
  calendar = world.app.get(CalendarService, { strict: false });
  reader = world.app.get(PostureReader, { strict: false });
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => world.stop());

const programOf = ({ organizationId }: Clinic): Principal => servicePrincipal('test', organizationId, 'test');
const daysOf = (clinic: Clinic) => calendar.days(programOf(clinic), clinic.organizationId);

/** A clinic of some systems, all of whose postures are remembered. */
async function hospital(systems: number): Promise<{ clinic: Clinic; keeper: Keeper }> {
  const { clinic, keeper } = await startKeeping(world);
  for (let number = 1; number < systems; number++) {
    const system = { name: `ward ${number}`, environment: 'production', phi: 'processes' };
    await clinic.admin.post(`${clinic.path}/systems`, system).expect(201);
  }
  await settled(world);
  return { clinic, keeper };
}

/** As after an update: all of it is to be made anew. */
async function forget({ organizationId }: Clinic): Promise<void> {
  const superuser = await Superuser.of(world);
  const all = `delete from posture_timeline where organization_id = '${organizationId}'`;
  await superuser.unguarded('posture_timeline', all);
  await superuser.end();
}

async function statusesIn(clinic: Clinic): Promise<string[]> {
  const { text } = await clinic.admin.get(`${clinic.path}/calendar`).expect(200);
  return readCalendar(text).events.flatMap(({ CATEGORIES, SUMMARY }) =>
    CATEGORIES === 'status' && SUMMARY !== undefined ? [SUMMARY] : [],
  );
}

/** Days of which the posture of a clinic is asked for its calendar. Of the beginning of time, or of another clinic, what is remembered may be made meanwhile. */
async function daysAsked(clinic: Clinic): Promise<number> {
  const question = vi.spyOn(reader, 'question');
  await daysOf(clinic);
  const days = question.mock.calls.flatMap(([{ organizationId }, { asOf }]) =>
    organizationId === clinic.organizationId && asOf.getTime() > 0 && asOf.getTime() % DAY_MS === 0
      ? [asOf.getTime()]
      : [],
  );
  question.mockRestore();
  return new Set(days).size;
}

describe('is a calendar made of what is remembered?', () => {
  it('is one of many systems of which nothing is answered without all of them, does it say so, and is it whole a little later?', async () => {
    const { clinic } = await hospital(SYSTEMS);
    await forget(clinic);
    const evaluated = vi.spyOn(reader, 'system');
    expect(await statusesIn(clinic)).toEqual(['Changes of statuses are not shown yet']);
    // The work list reads each of them once more; and what is remembered then is not of this request.
    expect(evaluated.mock.calls.length).toBeLessThan(SYSTEMS * 30);
    evaluated.mockRestore();
    await settled(world);
    expect(await statusesIn(clinic)).toEqual([]);
  });

  it('is one of a few systems whole at once?', async () => {
    const { clinic } = await hospital(1);
    await forget(clinic);
    expect(await statusesIn(clinic)).toEqual([]);
  });

  it('are days that are past counted once, and anew where something of them becomes known?', async () => {
    const { clinic, keeper } = await hospital(2);
    expect(await daysAsked(clinic)).toBe(30);
    expect(await daysAsked(clinic)).toBe(0);
    const before = new Date(Date.now() - 5 * DAY_MS);
    await keeper.keep({
      type: 'policy',
      title: 'On the security official',
      effectiveFrom: before.toISOString(),
      fields: { name: 'Security official', kind: 'policy', reviewedOn: before.toISOString().slice(0, 10) },
      links: [{ kind: 'control', target: '164.308(a)(2)', note: '' }],
      document: 'text',
    });
    await settled(world);
    expect(await daysAsked(clinic)).toBe(30);
    // Of another organisation nothing of it is told.
    const { clinic: other } = await hospital(1);
    expect(await daysAsked(other)).toBe(30);
    expect(await daysAsked(clinic)).toBe(0);
  });

  it('do calendars that are read at once wait for one, of their organisation alone?', async () => {
    const [{ clinic }, { clinic: other }] = [await hospital(2), await hospital(1)];
    const [first, ...others] = await Promise.all(Array.from({ length: 20 }, () => daysOf(clinic)));
    expect(others.every((one) => one === first)).toBe(true);
    const [own, theirs] = await Promise.all([daysOf(clinic), daysOf(other)]);
    expect(own).not.toBe(first);
    expect(theirs).not.toBe(own);
  });

  it('does whoever is bound to systems get the answer of nobody else?', async () => {
    const { clinic } = await hospital(2);
    const bound = { ...programOf(clinic), systemIds: [clinic.systemId] };
    const [whole, refused] = await Promise.allSettled([daysOf(clinic), calendar.days(bound, clinic.organizationId)]);
    expect([whole.status, refused.status]).toEqual(['fulfilled', 'rejected']);
    const posture = world.app.get(PostureService, { strict: false });
    const [yesterday, now] = [new Date(Date.now() - DAY_MS), new Date()];
    await expect(posture.statusesAt(bound, now, [yesterday, now])).rejects.toThrow(/bound to systems/);
  });
});
