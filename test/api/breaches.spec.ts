import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Posture } from '../../src/posture/posture.schema.js';
import { startApp, type Caller, type Clinic, type World } from '../support/app.js';
import { startKeeping, type Keeper, type Kept } from '../support/keep.js';

let world: World;
let clinic: Clinic;
let officer: Caller;
let keeper: Keeper;

beforeAll(async () => {
  world = await startApp();
});
afterAll(() => world.stop());
beforeEach(async () => {
  ({ clinic, officer, keeper } = await startKeeping(world));
});

const incident = (discoveredAt: string): Kept => ({
  type: 'incident_record',
  fields: {
    number: 'INC-1',
    discoveredAt,
    criticality: 'high',
    breachSuspected: true,
    what: 'A mailbox was read.',
    outcome: 'Open.',
  },
  effectiveFrom: '2026-02-01T00:00:00Z',
});

/** A breach of an incident of the first of February, which its assessment says was discovered on the first of April. */
async function breach(of?: string): Promise<string> {
  return keeper.keep({
    type: 'breach_assessment',
    fields: {
      incident: of ?? (await keeper.keep(incident('2026-02-01T00:00:00Z'))),
      as: 'covered_entity',
      discoveredAt: '2026-04-01T00:00:00Z',
      assessedOn: '2026-04-03',
      factors: { nature: 'Names and claims.', recipient: 'Unknown.', acquired: 'Viewed.', mitigated: 'Not.' },
      outcome: 'breach',
      scale: 'under_500',
      individuals: 60,
    },
    effectiveFrom: '2026-04-03T00:00:00Z',
  });
}

const notice = (assessment: string, sentOn: string): Kept => ({
  type: 'notice',
  fields: {
    assessment,
    audience: 'individuals',
    sentOn,
    method: 'mail',
    contents: ['what_happened', 'kinds_of_phi', 'what_to_do', 'what_we_do', 'how_to_ask'],
  },
  effectiveFrom: `${sentOn}T00:00:00Z`,
  document: 'notice',
});

const delay = (assessment: string, statedOn: string, until: string): Kept => ({
  type: 'notice_delay',
  fields: { assessment, agency: 'FBI, Albany', official: 'Special Agent Ito', form: 'written', statedOn, until },
  effectiveFrom: `${statedOn}T00:00:00Z`,
  document: 'statement',
});

const statusAt = async (asOf: string): Promise<string | undefined> => {
  const { body } = await officer.get(`${clinic.path}/posture?asOf=${asOf}`).expect(200);
  return (body as Posture).controls.find(({ id }) => id === '164.404(b)')?.status;
};
const duty = async (assessment: string) =>
  (await officer.get(`${clinic.path}/records/${assessment}`).expect(200)).body.obligations[0];

describe('from which discovery do the days for a notice count?', () => {
  it('from the first of which any record tells, whatever the assessment says', async () => {
    const assessment = await breach();
    expect(await duty(assessment)).toMatchObject({ dueAt: '2026-04-02T00:00:00.000Z', metBy: null });
    expect(await statusAt('2026-04-04T00:00:00Z')).toBe('failing');
  });

  it('and is a notice from before it refused, for it can be of no breach that nobody knew', async () => {
    const assessment = await breach();
    const refused = await keeper.submit(await keeper.draft(notice(assessment, '2026-01-30')));
    expect([refused.status, refused.body.faults]).toEqual([
      422,
      [expect.objectContaining({ pointer: '/fields/sentOn', detail: expect.stringContaining('2026-01-31') })],
    ]);
    // The first instant of February by UTC is in January of the clinic.
    const sent = await keeper.keep(notice(assessment, '2026-01-31'));
    expect(await duty(assessment)).toMatchObject({ metBy: sent, isLate: false });
  });

  it('and does a notice meet nothing once it is known that the discovery was later?', async () => {
    const found = await keeper.keep(incident('2026-02-01T00:00:00Z'));
    const assessment = await breach(found);
    await keeper.keep(notice(assessment, '2026-02-01'));
    await keeper.revise(found, { fields: incident('2026-03-20T00:00:00Z').fields });
    expect(await duty(assessment)).toMatchObject({ dueAt: '2026-05-19T00:00:00.000Z', metBy: null });
  });

  it('and is an incident of the future refused?', async () => {
    const refused = await keeper.submit(await keeper.draft(incident('2199-01-01T00:00:00Z')));
    expect(refused.body.faults).toMatchObject([{ pointer: '/fields/discoveredAt' }]);
  });
});

describe('does a delay that was asked for too late excuse anything?', () => {
  it('no: the duty fails while it lasts, and what is done then is late', async () => {
    const assessment = await breach();
    await keeper.keep(delay(assessment, '2026-05-01', '2026-06-15'));
    expect(await statusAt('2026-05-10T00:00:00Z')).toBe('failing');
    await keeper.keep(notice(assessment, '2026-06-14'));
    expect(await duty(assessment)).toMatchObject({ metAt: '2026-06-14T00:00:00.000Z', isLate: true });
  });

  it('one that was asked for on the last day does', async () => {
    const assessment = await breach();
    await keeper.keep(delay(assessment, '2026-04-02', '2026-06-15'));
    expect(await statusAt('2026-05-10T00:00:00Z')).not.toBe('failing');
    await keeper.keep(notice(assessment, '2026-06-14'));
    expect(await duty(assessment)).toMatchObject({ metAt: '2026-06-14T00:00:00.000Z', isLate: false });
  });
});
