import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STATUSES } from '../../src/posture/status.js';
import type { Kept } from '../support/keep.js';
import { RiskAnalyses } from './clinic/analyses.js';
import { approveImport, importTable } from './clinic/imports.js';
import { postureFiles, requestPackage } from './clinic/packages.js';
import { ClinicRecords } from './clinic/records.js';
import { ClinicYear } from './clinic/year.js';

const ACCESS = '164.312(a)(1)';
const OFFICIAL = '164.308(a)(2)';
const TRAINING = '164.308(a)(5)(i)';
const ASSOCIATES = '164.308(b)(1)';
const ANALYSIS = '164.308(a)(1)(ii)(A)';
const TESTING = '164.308(a)(7)(ii)(D)';
const RECOVERY = '164.308(a)(7)(ii)(B)';
const ENCRYPTION = '164.312(a)(2)(iv)';
const DOCUMENTATION = '164.316(b)(1)';
const FACILITY = '164.310(a)(1)';

let year: ClinicYear;
let write: ClinicRecords;
let analyses: RiskAnalyses;
const keep = (record: Kept): Promise<string> => year.keeper.keep(record);

beforeAll(async () => {
  year = await ClinicYear.begin();
  write = new ClinicRecords(year);
  analyses = new RiskAnalyses(year);
});
afterAll(() => year.stop());

/*
 * A year of one clinic, told day by day, each on the state that the days before have left. What a day says is asked for again at the end of the year.
 */
describe('what does the posture say in a year of a clinic?', () => {
  let vendor: string;
  let agreement: string;
  let analysis: string;
  let key: string;
  let incident: string;
  let objective: string;
  let failedRestore: string;
  let dossier: string;

  it('day 0: is everything missing, and does each reason name what has to be kept?', async () => {
    const { system } = await year.holds({
      [OFFICIAL]: ['missing', 'record `policy`'],
      [ANALYSIS]: ['missing', 'risk-analysis'],
      'risk-analysis': ['missing', 'record `risk_analysis`'],
      'vendor-oversight-baa': ['missing', 'record `baa`'],
      [FACILITY]: ['missing', 'Scanner results never count'],
    });
    const statuses = new Set(system.controls.map(({ status }) => status));
    expect([...statuses].sort()).toEqual(['missing', 'not_applicable']);
  });

  it('day 7: do the first scans speak for what scanners can see, and for nothing else?', async () => {
    await year.reach(7);
    await year.holds({
      [ACCESS]: ['failing', 'run-as-non-root'],
      'default-deny-network-policy': ['evidenced', 'All 3 checks of safeguard-checks'],
      [FACILITY]: ['missing', 'Scanner results never count'],
    });
  });

  it('day 14: do policies and an appointment evidence what rests on them?', async () => {
    await year.reach(14);
    await keep(write.policy(13, 'Security programme', [OFFICIAL, TRAINING, ASSOCIATES, ANALYSIS, DOCUMENTATION]));
    await keep(write.policy(13, 'Contingency', [TESTING, RECOVERY]));
    await keep(write.policy(13, 'Access and encryption', [ACCESS, ENCRYPTION]));
    await keep(write.appointment(13));
    await year.holds({
      [OFFICIAL]: ['evidenced', 'record `policy`'],
      [DOCUMENTATION]: ['evidenced', 'record `policy`'],
      [ACCESS]: ['failing', 'run-as-non-root'],
    });
  });

  it('day 20: do the trainings of a table count when all of it is right and another has approved it?', async () => {
    await year.reach(20);
    const refused = await importTable(year, 'training_record', write.trainings(false));
    expect(refused).toMatchObject({ status: 'refused', rows: 500, faults: [{ row: 252, column: 'completedOn' }] });
    const applied = await importTable(year, 'training_record', write.trainings(true));
    expect(applied).toMatchObject({ status: 'applied', rows: 500, created: 500, faultCount: 0 });
    await keep(write.reminder(19));
    await keep(write.workforce(19, 500));
    const waiting = await year.ask();
    expect(waiting.system.practices.find(({ id }) => id === 'workforce-training')?.needs).toMatchObject([
      { type: 'training_record', state: 'missing' },
      { type: 'security_reminder', state: 'met' },
      { type: 'workforce_coverage', state: 'met' },
    ]);
    expect(await approveImport(year, applied.id)).toMatchObject({ status: 'approved', decidedCount: 500 });
    await year.holds({
      [TRAINING]: ['evidenced', '1 evidenced'],
      'workforce-training': ['evidenced', '500'],
    });
  });

  it('day 30: does a vendor with ePHI and no agreement fail, by name?', async () => {
    await year.reach(30);
    vendor = await keep(write.vendor(28, 'Lakeside Imaging', true));
    await keep(write.attestation(29));
    await year.holds({
      [ASSOCIATES]: ['failing', 'vendor-oversight-baa'],
      'vendor-oversight-baa': ['failing', 'Lakeside Imaging'],
    });
  });

  it('day 40: does an agreement of day 35 count from that day on, and only for who knows of it?', async () => {
    await year.reach(40);
    agreement = await keep(write.agreement(35, vendor, 199));
    await keep(write.vendorReview(35, vendor));
    await year.holds({ [ASSOCIATES]: ['evidenced', '2 evidenced'] });
    await year.held(
      36,
      { 'vendor-oversight-baa': ['failing', 'Lakeside Imaging'], [ASSOCIATES]: ['failing', 'vendor-oversight-baa'] },
      { [ASSOCIATES]: ['evidenced', '2 evidenced'] },
    );
  });

  it('day 60: does a risk analysis count when another than its writer approves it, whatever role the writer has?', async () => {
    await year.reach(60);
    for (const record of write.inventories(59)) await keep(record);
    await keep(write.imageScan(59));
    analysis = await analyses.start('Risk analysis', 59);
    await keep(write.risk(59, 'R-1', analysis, 400));
    await analyses.complete(analysis, 'One risk is high.');
    expect((await year.keeper.submit(analysis)).status).toBe(200);
    const own = await analyses.approveOwn(analysis);
    expect([own.status, own.body.type]).toEqual([403, '/problems/own-approval']);
    expect((await year.keeper.approve(analysis)).status).toBe(200);
    await keep(write.riskPlan(59, analysis));
    await year.holds({
      [ANALYSIS]: ['evidenced', '6 evidenced'],
      'risk-analysis': ['evidenced', 'nothing material has changed'],
    });
  });

  it('day 75: is a rotation that people and the key management tell of counted once?', async () => {
    await year.reach(69);
    year.rotations = [];
    await year.reach(75);
    year.rotations = [year.at(74, 9)];
    key = await keep(write.key(74, 90));
    await keep(write.rotation(74, key, 2));
    await year.askKms();
    const { body } = await year.officer.get(`${year.clinic.path}/keys/${key}/rotations`).expect(200);
    expect(body.items.map(({ at, version }: { at: string; version: string }) => [at, version])).toEqual([
      [year.instant(74, 9), '2'],
    ]);
    await year.holds({
      [ENCRYPTION]: ['partial', 'encryption-key-rotation'],
      'encryption-key-rotation': ['partial', 'within its interval'],
    });
  });

  it('day 90: does a restore that met its objective evidence the tests of the plan?', async () => {
    year.cluster = { ...year.cluster, restores: [year.at(83, 4)] };
    await year.reach(90);
    objective = await keep(write.objective(80));
    await keep(write.exercise(80));
    await keep(write.restore(83, objective, 70));
    await year.holds({
      [TESTING]: ['evidenced', '2 evidenced'],
      'restore-testing': ['evidenced', 'restore_test'],
    });
  });

  it('day 110: does a new vendor make the risk analysis stale?', async () => {
    await year.reach(110);
    await keep(write.vendor(109, 'Office Supplies', false));
    const { system } = await year.holds({
      [ANALYSIS]: ['partial', 'risk-analysis'],
      'risk-analysis': ['partial', 'vendor Office Supplies is a new vendor'],
      [ASSOCIATES]: ['evidenced', '2 evidenced'],
    });
    const needs = system.practices.find(({ id }) => id === 'risk-analysis')?.needs;
    expect(needs?.map(({ type, state }) => [type, state])).toEqual([
      ['risk_analysis', 'stale'],
      ['risk_management_plan', 'met'],
    ]);
  });

  it('day 120: does the next analysis, from the last one, say what has changed and count again?', async () => {
    await year.reach(120);
    const next = await analyses.renew('Risk analysis, renewed', 119, analysis, 'The risk stays high.');
    expect(next.compared).toMatchObject({
      before: analysis,
      after: next.id,
      risks: { added: [], gone: [], changed: [], unchanged: 1 },
      scope: { vendors: { added: [expect.any(String)], gone: [] } },
    });
    await keep(write.imageScan(119));
    await keep(write.riskPlan(119, next.id));
    await year.holds({
      [ANALYSIS]: ['evidenced', '6 evidenced'],
      'risk-analysis': ['evidenced', 'nothing material has changed'],
    });
  });

  it('day 150: does an exception accept what fails, whose results go on failing?', async () => {
    year.cluster = { ...year.cluster, hasMigration: true };
    await year.reach(150);
    const failing = await year.failing('default-deny-');
    expect(failing.map(({ check }) => check).sort()).toEqual(['default-deny-egress', 'default-deny-ingress']);
    await keep(write.exception(150, failing, 210));
    await year.holds({
      'default-deny-network-policy': ['excepted', 'An exception in effect accepts 2 failing results'],
    });
    expect(await year.failing('default-deny-')).toEqual(failing);
  });

  it('day 170: is a key whose policy has passed overdue?', async () => {
    year.cluster = { ...year.cluster, restores: [year.at(83, 4), year.at(167, 4)] };
    await year.reach(170);
    await keep(write.restore(167, objective, 80));
    await year.holds({
      [ENCRYPTION]: ['failing', 'encryption-key-rotation'],
      'encryption-key-rotation': ['failing', 'overdue'],
      [ASSOCIATES]: ['evidenced', '2 evidenced'],
    });
    const ending = await year.work({ kind: 'expiring' });
    expect(ending.map(({ type, dueAt, records }) => [type, dueAt, records])).toContainEqual([
      'baa',
      year.instant(200, 0),
      [agreement],
    ]);
  });

  it('day 180: what has an incident to be followed by?', async () => {
    await year.reach(180);
    incident = await keep(write.incident(180, key));
    await year.holds({
      'encryption-key-rotation': ['failing', 'overdue'],
      [ASSOCIATES]: ['evidenced', '2 evidenced'],
    });
    const work = await year.work();
    expect(work.map(({ kind, type, records, dueAt }) => [kind, type, records, dueAt])).toEqual(
      expect.arrayContaining([
        ['failing', 'key_rotation_event', [key], year.instant(164, 9)],
        ['due', 'key_rotation_event', [key, incident], year.instant(180 + 30, 0)],
        ['due', 'incident_register', [incident], year.instant(180 + 123, 0)],
      ]),
    );
  });

  it('day 200: does an agreement that has ended fail, by the name of its vendor?', async () => {
    await year.reach(200);
    await year.holds({
      [ASSOCIATES]: ['failing', 'vendor-oversight-baa'],
      'vendor-oversight-baa': [
        'failing',
        `Lakeside Imaging handles ePHI and has no agreement in force: the last one ended`,
      ],
    });
  });

  it('day 211: do an exception and the days after an incident end by themselves?', async () => {
    await year.reach(211);
    await year.holds(
      {
        'default-deny-network-policy': ['failing', '2 results of 2 checks fail'],
        'encryption-key-rotation': ['failing', 'was not rotated after incident INC-7'],
        'vendor-oversight-baa': ['failing', 'no agreement in force'],
      },
      { 'vendor-oversight-baa': ['evidenced', 'an agreement is in force'] },
    );
  });

  it('day 220: is a key that was rotated after the incident what it was before?', async () => {
    await year.reach(220);
    year.rotations = [year.at(74, 9), year.at(218, 9)];
    await keep(write.rotation(218, key, 3, { reason: 'incident', incident, reencryption: 'done' }));
    await keep(write.reencryption(219, key));
    await keep(write.incidentRegister(0, 219, incident));
    await year.holds({
      [ENCRYPTION]: ['partial', 'encryption-key-rotation'],
      'encryption-key-rotation': ['partial', 'within its interval'],
    });
  });

  it('day 230: does an agreement that was renewed late fill the gap for who knows of it now?', async () => {
    await year.reach(230);
    const fields = write.agreementFields(200, vendor, 500);
    await year.keeper.revise(agreement, { effectiveFrom: year.instant(201, 0), fields });
    await year.holds({ [ASSOCIATES]: ['evidenced', '2 evidenced'] });
    await year.held(
      215,
      { 'vendor-oversight-baa': ['failing', 'Lakeside Imaging'], [ASSOCIATES]: ['failing', 'vendor-oversight-baa'] },
      { [ASSOCIATES]: ['evidenced', '2 evidenced'] },
    );
  });

  it('day 260: does a restore that took too long fail, and oblige to another?', async () => {
    year.cluster = { ...year.cluster, restores: [year.at(83, 4), year.at(167, 4), year.at(258, 4)] };
    await year.reach(260);
    failedRestore = await keep(write.restore(258, objective, 600));
    await year.holds({
      [RECOVERY]: ['failing', 'restore-testing'],
      [TESTING]: ['failing', 'restore-testing'],
      'restore-testing': ['failing', 'its result is failed'],
      'phi-workload-labels': ['evidenced', 'All 2 checks'],
    });
    const { body } = await year.officer.get(`${year.clinic.path}/records/${failedRestore}`).expect(200);
    expect(body.obligations).toMatchObject([{ type: 'restore_test', dueAt: year.instant(258 + 31, 4), metBy: null }]);
  });

  it('day 300: is what nobody scans any more stale from the ninth day on?', async () => {
    year.scansUntil = 260;
    await year.reach(290);
    const passed = await keep(write.restore(289, objective, 90, [{ kind: 'record', target: failedRestore }]));
    const { body } = await year.officer.get(`${year.clinic.path}/records/${failedRestore}`).expect(200);
    expect(body.obligations).toMatchObject([{ type: 'restore_test', metBy: passed }]);
    await year.reach(300);
    const LABELS = 'phi-workload-labels';
    for (const [hour, status] of [
      [5, 'evidenced'],
      [7, 'stale'],
    ] as const) {
      const { system } = await year.ask({ asOf: year.instant(267, hour) });
      expect([hour, system.practices.find(({ id }) => id === LABELS)?.status]).toEqual([hour, status]);
    }
    dossier = await requestPackage(year, {});
  });

  it('day 365: are trainings of before a year stale, and is compliance never said?', async () => {
    await year.reach(365);
    const { system, organization } = await year.holds({
      'workforce-training': ['stale', 'record `training_record` (Training) for 287 of 500'],
      [TRAINING]: ['partial', 'workforce-training'],
      'restore-testing': ['partial', 'What passed was last seen'],
      'volume-database-backup': ['failing', 'older than its RPO'],
      [OFFICIAL]: ['evidenced', 'record `policy`'],
    });
    for (const told of [system, organization]) {
      for (const { status, reason } of [...told.controls, ...told.practices]) {
        expect(STATUSES).toContain(status);
        expect(reason).not.toMatch(/\bcompliant\b/i);
      }
    }
  });

  it('does each of twenty days say at the end of the year what it said, as known then?', async () => {
    expect(year.days).toHaveLength(20);
    for (const { told } of year.days) {
      for (const { asOf, knownAt, systemId } of [told.system, told.organization]) {
        const again = await year.ask({ asOf, knownAt });
        if (systemId === null) expect(again.organization).toEqual(told.organization);
        else expect(again.system).toEqual(told.system);
      }
    }
  });

  it('does each of them say, as known now, what has become known of it; and is what is remembered what is evaluated?', async () => {
    for (const { told, later } of year.days) {
      await year.expects({ asOf: told.system.asOf }, later);
      await year.compareMemory(new Date(told.organization.asOf));
    }
  });

  it('does a package of day 300 stay what it was?', async () => {
    const before = await postureFiles(year, dossier);
    expect(before.size).toBeGreaterThan(1);
    const { body } = await year.officer.get(dossier).expect(200);
    const again = await requestPackage(year, { asOf: body.asOf, knownAt: body.knownAt });
    expect(await postureFiles(year, again)).toEqual(before);
  });
});
