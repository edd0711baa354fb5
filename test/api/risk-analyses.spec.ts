import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { canonicalJson, type JsonValue } from '../../src/kernel/crypto/canonical-json.js';
import { Database } from '../../src/kernel/db/database.js';
import { servicePrincipal } from '../../src/kernel/principal.js';
import { readXlsx } from '../../src/kernel/tables/xlsx-read.js';
import { XLSX_TYPE } from '../../src/kernel/tables/xlsx-write.js';
import type { Statement } from '../../src/records/statement.js';
import { RisksService } from '../../src/risks/risks.service.js';
import { verifyFiles } from '../../src/verify/verify.js';
import { readZip } from '../packages/read-zip.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { packagesRoom } from '../support/packages.js';
import { Superuser } from '../support/tampering.js';
import { inMemory, NOTHING_KNOWN } from '../verify/in-memory.js';
import { send } from './reports.js';
import { fixture } from '../fixtures/reports/load.js';

let world: World;
beforeAll(async () => {
  world = await startApp();
});
afterAll(() => world.stop());

interface Shown {
  id: string;
  revision: number;
  version: number;
  fields: Record<string, unknown>;
  documents: { evidenceId: string; role: string }[];
  decidedAt: string;
}

/** A clinic with its people, and what they do with records. */
async function office(name = 'dev-admin') {
  const clinic = await startClinic(world, { admin: name });
  const officer = await clinic.member('compliance_officer');
  const approver = await clinic.member('approver');
  const { body } = await clinic.admin.get(`${clinic.path}/members`).expect(200);
  const owner: string = body.items.find(({ role }: { role: string }) => role === 'compliance_officer').id;
  const records = `${clinic.path}/records`;
  const analyses = `${clinic.path}/risk-analyses`;
  const read = async (id: string): Promise<Shown> => (await officer.get(`${records}/${id}`).expect(200)).body;
  const etag = async (id: string): Promise<string> => `"${(await read(id)).revision}"`;
  const create = async (type: string, title: string, from: string, fields: object): Promise<Shown> =>
    (await officer.post(records, { type, title, ownerId: owner, effectiveFrom: from, fields, links: [] }).expect(201))
      .body;
  const edit = async (id: string, change: object): Promise<Shown> =>
    (
      await officer
        .patch(`${records}/${id}`, change)
        .set('If-Match', await etag(id))
        .expect(200)
    ).body;
  const submit = async (id: string, status = 200) =>
    (
      await officer
        .post(`${records}/${id}/submission`)
        .set('If-Match', await etag(id))
        .expect(status)
    ).body;
  const approve = async (id: string): Promise<Shown> => {
    await submit(id);
    const decided = approver.post(`${records}/${id}/decision`, { decision: 'approve' });
    return (await decided.set('If-Match', await etag(id)).expect(200)).body;
  };
  const document = async (id: string, role: string, text: string): Promise<Shown> => {
    const digest = createHash('sha256').update(text).digest('base64');
    const sent = officer
      .post(`${records}/${id}/documents?role=${role}&name=${role}.txt`)
      .set('Content-Type', 'text/plain')
      .set('Content-Digest', `sha-256=:${digest}:`)
      .set('If-Match', await etag(id))
      .send(text);
    return (await sent.expect(201)).body;
  };
  const freeze = async (id: string, query = ''): Promise<Shown> =>
    (
      await officer
        .post(`${analyses}/${id}/posture${query}`)
        .set('If-Match', await etag(id))
        .expect(200)
    ).body;
  const start = async (body: object) => (await officer.post(analyses, { ownerId: owner, ...body }).expect(201)).body;
  const risk = (number: string, analysis: string, from: string, fields: object = {}) =>
    create('risk', `Risk ${number}`, from, {
      ...{ number, analysis, asset: 'Record system', threat: 'Ransomware', vulnerability: 'No object lock' },
      ...{
        measures: 'None',
        likelihood: 3,
        impact: 5,
        treatment: 'mitigate',
        treatmentOwner: owner,
        dueOn: '2099-09-01',
      },
      ...fields,
    });
  /** An analysis that is approved, with one risk. */
  const analysed = async (title: string, from: string): Promise<Shown> => {
    const { analysis } = await start({ title, effectiveFrom: from });
    await edit(analysis.id, { fields: { ...analysis.fields, conclusion: 'One risk is high.' } });
    await approve((await risk('R-1', analysis.id, from)).id);
    await document(analysis.id, 'report', 'The report.');
    await freeze(analysis.id, `?asOf=${from}`);
    return approve(analysis.id);
  };
  const statements = (asOf = new Date(), knownAt = asOf): Promise<Statement[]> =>
    world.app
      .get(Database)
      .read(servicePrincipal('test', clinic.organizationId, 'test'), (tx) =>
        world.app.get(RisksService, { strict: false }).statements(tx, { asOf, knownAt }, null),
      );
  const said = async (asOf?: Date, knownAt?: Date): Promise<[string, string][]> =>
    (await statements(asOf, knownAt))
      .filter(({ need }) => need === 'risk_analysis')
      .map(({ says, reason }) => [says, reason]);
  return {
    ...{ clinic, officer, approver, owner, records, analyses, read, etag, create, edit, submit, approve, document },
    ...{ freeze, start, risk, analysed, said },
  };
}

/** The clinic's cluster at an instant, of a version. */
function snapshot(startedAt: string, gitVersion: string): string {
  const lines = fixture('cluster-snapshot/clinic.ndjson')
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(gitVersion) ?? [];
  Object.assign(lines[0]!, { startedAt, serverVersion: { major, minor, gitVersion, platform: 'linux/amd64' } });
  Object.assign(lines.at(-1)!, { finishedAt: new Date(Date.parse(startedAt) + 9_000).toISOString() });
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

const post = async (clinic: Clinic, text: string): Promise<void> => {
  const sent = clinic.agent.post(`${clinic.systemPath}/scans`).set('Content-Type', 'application/x-ndjson');
  await sent.send(text).expect(201);
};

const ago = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();

describe('what can a risk analysis start from?', () => {
  it('are the systems, what is failing, and the threats proposed?', async () => {
    const { clinic, officer, analyses } = await office();
    await post(clinic, snapshot(ago(1), 'v1.34.2'));
    const { body } = await officer.get(`${analyses}/proposal`).expect(200);
    expect(body.systems).toEqual([
      { id: clinic.systemId, name: 'emr-production', phiNamespaces: ['emr'], version: '1.34' },
    ]);
    expect(body.threats.length).toBeGreaterThanOrEqual(40);
    const [worst] = body.vulnerabilities;
    expect(worst).toMatchObject({ systemId: clinic.systemId, source: 'safeguard-checks' });
    expect(worst.practices.length).toBeGreaterThan(0);
    expect(worst.series.length).toBeGreaterThan(0);
    // What shows it is there to be read.
    await officer.get(`${clinic.systemPath}/results/${worst.series[0]}`).expect(200);
  });
});

describe('does a risk analysis move the posture?', () => {
  it('is it met from its approval on, and stale with the reason after a material change, as of then and as known then?', async () => {
    const { clinic, said, analysed } = await office();
    expect(await said()).toEqual([]);
    const approved = await analysed('Risk analysis', ago(2));
    const known = new Date(approved.decidedAt);
    expect((await said(known)).map(([says]) => says)).toEqual(['met']);
    expect((await said(new Date(Date.parse(ago(1))), known)).map(([says]) => says)).toEqual(['met']);
    expect(await said(new Date(known.getTime() - 1))).toEqual([]);

    await clinic.admin
      .post(`${clinic.path}/systems`, { name: 'dr', environment: 'recovery', phi: 'stores', phiNamespaces: [] })
      .expect(201);
    const [[says, reason] = []] = await said();
    expect([says, reason]).toEqual(['stale', expect.stringContaining('system dr is new in scope')]);
    // By what was known before, nothing had changed.
    expect((await said(known)).map(([says]) => says)).toEqual(['met']);
  });

  it('does what was written for an analysis that was abandoned, or is a draft still, speak for the one in effect?', async () => {
    const { start, edit, risk, approve, document, freeze, officer, records, etag, said } = await office();
    const from = ago(2);
    const abandoned = (await start({ title: 'Abandoned', effectiveFrom: from })).analysis.id;
    const draft = (await start({ title: 'Draft', effectiveFrom: from })).analysis.id;
    const { analysis } = await start({ title: 'Risk analysis', effectiveFrom: from });
    await edit(analysis.id, { fields: { ...analysis.fields, conclusion: 'No risk.' } });
    await document(analysis.id, 'report', 'The report.');
    await freeze(analysis.id, `?asOf=${from}`);
    await approve(analysis.id);
    for (const [number, id] of [
      ['R-1', abandoned],
      ['R-2', draft],
    ] as const) {
      await approve((await risk(number, id, from)).id);
    }
    await officer
      .post(`${records}/${abandoned}/abandonment`, { reason: 'Begun anew.' })
      .set('If-Match', await etag(abandoned))
      .expect(200);
    expect(await said()).toEqual([['failing', expect.stringContaining('has no risk in effect')]]);
    await approve((await risk('R-3', analysis.id, from)).id);
    expect((await said()).map(([says]) => says)).toEqual(['met']);
  });

  it('does a new vendor make it stale from the day on which it has come?', async () => {
    const { said, analysed, create, approve } = await office();
    await analysed('Risk analysis', ago(2));
    const fields = { name: 'Lakeside Imaging', role: 'business_associate', ephi: true, services: 'Image archive' };
    await approve((await create('vendor', 'Lakeside Imaging', ago(0.5), fields)).id);
    expect(await said()).toEqual([['stale', expect.stringContaining('vendor Lakeside Imaging is a new vendor')]]);
    expect((await said(new Date(ago(1)), new Date())).map(([says]) => says)).toEqual(['met']);
  });

  it('does another minor version of the cluster make it stale, and a patch not?', async () => {
    const { clinic, said, analysed } = await office();
    await post(clinic, snapshot(ago(5), 'v1.34.2'));
    await analysed('Risk analysis', ago(4));
    await post(clinic, snapshot(ago(3), 'v1.34.9'));
    expect((await said()).map(([says]) => says)).toEqual(['met']);
    await post(clinic, snapshot(ago(1), 'v1.35.0'));
    const [[says, reason] = []] = await said();
    expect([says, reason]).toEqual([
      'stale',
      expect.stringContaining('the cluster of emr-production runs Kubernetes 1.35, before 1.34'),
    ]);
    expect((await said(new Date(ago(2)), new Date())).map(([says]) => says)).toEqual(['met']);
    // A late snapshot of the time between takes its true place.
    await post(clinic, snapshot(ago(2.5), 'v1.35.0'));
    expect((await said(new Date(ago(2)), new Date())).map(([says]) => says)).toEqual(['stale']);
  });
});

describe('what does an analysis need to be submitted?', () => {
  it('is one without a posture of the service refused, and one that somebody has written himself?', async () => {
    const { start, edit, document, submit, freeze } = await office();
    const { analysis } = await start({ title: 'Risk analysis', effectiveFrom: ago(0.9) });
    const { id, fields } = analysis;
    await edit(id, { fields: { ...fields, conclusion: 'None.' } });
    await document(id, 'report', 'The report.');
    await document(id, 'evidence', 'Something else.');
    expect(await submit(id, 422)).toMatchObject({ pointer: '/documents' });
    await document(id, 'posture', 'All is well.');
    const refused = await submit(id, 422);
    expect(refused).toMatchObject({ pointer: '/documents' });
    expect(refused.detail).toContain('the service froze');
    // Of an instant too long ago neither.
    await freeze(id, `?asOf=${ago(2)}`);
    expect((await submit(id, 422)).detail).toContain('the service froze');
    await freeze(id);
    await submit(id);
  });

  it('is one refused that would count from before the posture that it rests on?', async () => {
    const { start, edit, document, submit, freeze } = await office();
    const effectiveFrom = ago(30);
    const { analysis } = await start({ title: 'Risk analysis', effectiveFrom });
    const { id, fields } = analysis;
    await edit(id, { fields: { ...fields, conclusion: 'None.' } });
    await document(id, 'report', 'The report.');
    await freeze(id);
    expect(await submit(id, 422)).toMatchObject({
      pointer: '/documents',
      detail: expect.stringContaining(effectiveFrom),
    });
    await freeze(id, `?asOf=${effectiveFrom}`);
    await submit(id);
  });

  it('is a system in scope that it does not name refused, until it is left out by name?', async () => {
    const { clinic, start, edit, document, submit, freeze } = await office();
    const { analysis } = await start({ title: 'Risk analysis', effectiveFrom: ago(0.9) });
    const { id } = analysis;
    const fields = { ...analysis.fields, conclusion: 'None.', systems: [], namespaces: [] };
    await edit(id, { fields });
    await document(id, 'report', 'The report.');
    await freeze(id);
    expect(await submit(id, 422)).toMatchObject({ pointer: '/fields/systems', systemId: clinic.systemId });
    await edit(id, { fields: { ...fields, leftOut: [{ what: 'emr-production', why: 'It is analysed apart.' }] } });
    await submit(id);
  });

  it('is the same posture the same bytes?', async () => {
    const { start, freeze } = await office();
    const { analysis } = await start({ title: 'Risk analysis', effectiveFrom: ago(0.9) });
    const at = new Date().toISOString();
    const evidence = async () =>
      (await freeze(analysis.id, `?asOf=${at}&knownAt=${at}`)).documents.map(({ evidenceId }) => evidenceId);
    const first = await evidence();
    expect(first).toHaveLength(1);
    expect(await evidence()).toEqual(first);
  });

  it('is a package about one system whole that is of before a document of it was frozen, and does it withhold it?', async () => {
    const { clinic, officer, risk, document, approve, start, freeze } = await office();
    const at = new Date().toISOString();
    const asked = `?asOf=${at}&knownAt=${at}`;
    const { body: posture } = await officer.get(`${clinic.path}/posture${asked}`).expect(200);
    const { analysis } = await start({ title: 'Risk analysis', effectiveFrom: ago(0.9) });
    const { id: riskId } = await risk('R-1', analysis.id, ago(0.9));
    const { documents } = await document(riskId, 'evidence', canonicalJson(posture as JsonValue));
    await approve(riskId);
    const knownAt = new Date();
    const frozen = await freeze(analysis.id, asked);
    expect(frozen.documents[0]?.evidenceId).toBe(documents[0]?.evidenceId);
    const packages = packagesRoom(`${clinic.path}/packages`, officer);
    const { id } = await packages.request({ scope: { systemId: clinic.systemId }, asOf: knownAt, knownAt });
    expect((await packages.settled(id)).status).toBe('ready');
    const entries = await readZip(await packages.bytes(id));
    const files = new Map(entries.map(({ path, bytes }) => [path.slice(path.indexOf('/') + 1), bytes]));
    const { fault, lines } = await verifyFiles(() => Promise.resolve(inMemory(files)), NOTHING_KNOWN);
    expect(fault).toBeNull();
    expect(lines.find(({ check }) => check === 'complete')?.text).toContain('1 withheld evidence are such postures');
  });
});

describe('are the nine elements of the guidance on risk analysis (HHS, 14 July 2010) in one that was issued?', () => {
  it('is each of them in what is approved and kept?', async () => {
    const { clinic, officer, records, analyses, start, edit, approve, risk, document, freeze, read } = await office();
    await post(clinic, snapshot(ago(3), 'v1.34.2'));
    const first = await start({ title: 'The one before', effectiveFrom: ago(2) });
    const flows = [{ from: 'emr', to: 'Imaging', what: 'Orders' }];
    await edit(first.analysis.id, { fields: { ...first.analysis.fields, flows, conclusion: 'A start.' } });
    await approve((await risk('R-1', first.analysis.id, ago(2), { measures: 'Separate account, MFA' })).id);
    await document(first.analysis.id, 'report', 'The report.');
    await freeze(first.analysis.id, `?asOf=${ago(2)}`);
    await approve(first.analysis.id);
    const next = await start({ title: 'Risk analysis', effectiveFrom: ago(0.9), fromPrevious: first.analysis.id });
    const { id } = next.analysis;
    await edit(id, { fields: { ...next.analysis.fields, conclusion: 'One risk is high.' } });
    const [taken = ''] = next.risks;
    await approve(taken);
    await document(id, 'report', 'The second report.');
    await freeze(id);
    await approve(id);

    const issued = await read(id);
    const { body: treated } = await officer.get(`${records}/${taken}`).expect(200);
    const { body: compared } = await officer.get(`${analyses}/${id}/comparison`).expect(200);
    const posture = issued.documents.find(({ role }) => role === 'posture')!.evidenceId;
    const download = officer.get(`${records}/${id}/versions/1/documents/${posture}`).responseType('blob');
    const frozen = JSON.parse((await download.expect(200)).body.toString('utf8'));
    const elements: Record<string, unknown> = {
      '1 scope': issued.fields['systems'],
      '2 data collection': [issued.fields['assets'], issued.fields['flows'], issued.fields['namespaces']].flat(),
      '3 threats and vulnerabilities': [treated.fields.threat, treated.fields.vulnerability],
      '4 current measures': [treated.fields.measures, ...frozen.practices],
      '5 likelihood': [treated.fields.likelihood],
      '6 impact': [treated.fields.impact],
      '7 level of risk': [treated.fields.treatment, ...Object.values(issued.fields['matrix'] as object)],
      '8 documentation': issued.documents.map(({ role }) => role),
      '9 review': [issued.fields['previous'], compared.risks.unchanged],
    };
    for (const [element, said] of Object.entries(elements)) {
      expect([element, said]).toEqual([element, expect.arrayContaining([expect.anything()])]);
      expect(said, element).not.toContain(undefined);
    }
    expect(elements['8 documentation']).toEqual(['report', 'posture']);
    expect(elements['9 review']).toEqual([first.analysis.id, 1]);
    expect(elements['1 scope']).toEqual([{ systemId: clinic.systemId, version: '1.34' }]);
    // The posture that it rests on says of which instants it is, and stays what it was.
    expect(frozen).toMatchObject({ organizationId: clinic.organizationId, systemId: null });
  });
});

describe('does the next analysis start from the last?', () => {
  it('are its parts and risks taken over, and is what changed shown?', async () => {
    const { start, analysed, read, edit, approve, risk, officer, analyses, document, freeze, said } = await office();
    const first = await analysed('Risk analysis 1', ago(10));
    const begun = await start({ title: 'Risk analysis 2', effectiveFrom: ago(0.9), fromPrevious: first.id });
    const { analysis, risks, left, handedOver } = begun;
    expect([left, handedOver]).toEqual([[], []]);
    expect(risks).toHaveLength(1);
    expect(analysis.fields).toMatchObject({ previous: first.id, assets: first.fields['assets'] });
    const [taken = ''] = risks;
    const draft = await read(taken);
    expect(draft).toMatchObject({ version: 2, state: 'draft', fields: { number: 'R-1', analysis: analysis.id } });
    await edit(taken, { fields: { ...draft.fields, likelihood: 5 } });
    await risk('R-2', analysis.id, ago(1));
    await edit(analysis.id, { fields: { ...analysis.fields, conclusion: 'Two risks.', volumes: ['emr/new'] } });
    const compare = async () => (await officer.get(`${analyses}/${analysis.id}/comparison`).expect(200)).body;
    const expected = {
      before: first.id,
      after: analysis.id,
      risks: {
        gone: [],
        changed: [{ number: 'R-1', before: { level: 'high' }, after: { level: 'critical' } }],
        unchanged: 0,
      },
      scope: { volumes: { added: ['emr/new'], gone: [] } },
    };
    expect(await compare()).toMatchObject(expected);

    await approve(taken);
    // What is written for the next one takes nothing from the one in effect.
    expect((await said()).map(([says]) => says)).toEqual(['met']);
    await document(analysis.id, 'report', 'The second report.');
    await freeze(analysis.id);
    await approve(analysis.id);
    expect(await compare()).toMatchObject(expected);
    expect((await said()).map(([says]) => says)).toEqual(['met']);
  });

  it('is a risk that somebody works on left, and said so?', async () => {
    const { start, analysed, officer, records, etag } = await office();
    const first = await analysed('Risk analysis 1', ago(10));
    const { body } = await officer.get(`${records}?type=risk`).expect(200);
    const { id } = body.items[0];
    await officer
      .post(`${records}/${id}/versions`)
      .set('If-Match', await etag(id))
      .expect(201);
    const begun = await start({ title: 'Risk analysis 2', effectiveFrom: ago(0.9), fromPrevious: first.id });
    expect(begun).toMatchObject({ risks: [], left: [{ recordId: id }] });
  });

  it('is a risk in which a secret was approved once left, and said so, and the analysis begun?', async () => {
    const { start, analysed, officer, records } = await office();
    const first = await analysed('Risk analysis 1', ago(10));
    const { body } = await officer.get(`${records}?type=risk`).expect(200);
    const { id } = body.items[0];
    const secret = '{"vulnerability": "postgres://emr:hunter2@db:5432/emr"}';
    const superuser = await Superuser.of(world);
    const edit = `update record_version set fields = fields || '${secret}' where record_id = '${id}'`;
    await superuser.unguarded('record_version', edit);
    await superuser.end();
    const begun = await start({ title: 'Risk analysis 2', effectiveFrom: ago(0.9), fromPrevious: first.id });
    const why = expect.stringMatching(/^\/fields\/vulnerability: .*form of a key/) as string;
    expect(begun).toMatchObject({ risks: [], left: [{ recordId: id, why }] });
    expect(JSON.stringify(begun)).not.toContain('hunter2');
  });

  it('does whoever owns it answer for a risk whose owner has left, and is that said?', async () => {
    const { clinic, start, analysed, officer, records, edit, approve, etag, read, owner } = await office();
    const first = await analysed('Risk analysis 1', ago(10));
    const { body } = await officer.get(`${records}?type=risk`).expect(200);
    const { id } = body.items[0];
    await clinic.member('auditor');
    const { body: members } = await clinic.admin.get(`${clinic.path}/members`).expect(200);
    const leaver = members.items.find(({ role }: { role: string }) => role === 'auditor').id;
    await officer
      .post(`${records}/${id}/versions`)
      .set('If-Match', await etag(id))
      .expect(201);
    await edit(id, { ownerId: leaver, effectiveFrom: ago(2) });
    await approve(id);
    await clinic.admin.delete(`${clinic.path}/members/${leaver}`).expect(204);

    const begun = await start({ title: 'Risk analysis 2', effectiveFrom: ago(0.9), fromPrevious: first.id });
    expect(begun).toMatchObject({ risks: [id], left: [], handedOver: [{ recordId: id, before: leaver }] });
    expect(await read(id)).toMatchObject({ version: 3, state: 'draft', ownerId: owner });
    await approve(id);
  });
});

describe('the risk register of an analysis', () => {
  it('does it come out as people have it, change nothing when it comes in again, and take what was changed?', async () => {
    const { clinic, officer, approver, analysed, analyses } = await office();
    const { id } = await analysed('Risk analysis', ago(2));
    const register = `${analyses}/${id}/register`;
    const rowsOf = async (bytes: Buffer): Promise<Record<string, unknown>[]> => {
      const { columns, rows } = await readXlsx(bytes);
      const all: Record<string, unknown>[] = [];
      for await (const { cells } of rows) all.push(Object.fromEntries(columns.map((name, at) => [name, cells[at]])));
      return all;
    };
    const exported = async (): Promise<Buffer> => {
      const { status, bytes } = await send(world.url, officer, 'GET', register);
      expect(status, bytes.toString()).toBe(200);
      return bytes;
    };
    const imported = async (body: Buffer | string, mediaType: string) => {
      const digest = createHash('sha256').update(body).digest('base64');
      const sent = await send<{ id: string }>(world.url, officer, 'POST', register, {
        headers: { 'Content-Type': mediaType, 'Content-Digest': `sha-256=:${digest}:` },
        body: Buffer.from(body as string),
      });
      expect(sent.status, sent.bytes.toString()).toBe(202);
      return vi.waitUntil(
        async () => {
          const { body: found } = await officer.get(`${clinic.path}/imports/${sent.body.id}`).expect(200);
          return found.status === 'received' ? false : found;
        },
        { timeout: 20_000, interval: 100 },
      );
    };

    const bytes = await exported();
    expect(await rowsOf(bytes)).toEqual([
      expect.objectContaining({
        ...{ ID: 'R-1', Asset: 'Record system', Threat: 'Ransomware', Vulnerability: 'No object lock' },
        ...{ Likelihood: 3, Impact: 5, Treatment: 'mitigate', Owner: 'compliance_officer', Status: 'Open' },
        'Due date': new Date('2099-09-01T00:00:00Z'),
        'Risk level': expect.stringMatching(/^(low|moderate|high|critical)$/),
      }),
    ]);
    const again = await imported(bytes, XLSX_TYPE);
    expect(again, JSON.stringify(again.faults)).toMatchObject({
      status: 'applied',
      register: id,
      rows: 1,
      unchanged: 1,
    });

    const table = (...rows: string[]): string =>
      [
        'ID,Asset,Threat,Vulnerability,Existing controls,Likelihood,Impact,Treatment,Owner,Due date,Status',
        ...rows,
        '',
      ].join('\n');
    const done = await imported(
      table('R-1,Record system,Ransomware,No object lock,Backups,3,5,mitigate,compliance_officer,2099-09-01,Done'),
      'text/csv',
    );
    expect(done.faults).toEqual([{ row: 2, column: 'Status', detail: expect.stringContaining('Done on') }]);
    const changed = await imported(
      table(
        'R-1,Record system,Ransomware,No object lock,Backups,2,5,mitigate,compliance_officer,2099-10-01,Open',
        'R-2,Record system,Theft,Unlocked room,None,1,2,accept,compliance_officer,,',
      ),
      'text/csv',
    );
    expect(changed, JSON.stringify(changed.faults)).toMatchObject({ status: 'applied', changed: 1, created: 1 });
    await approver.post(`${clinic.path}/imports/${changed.id}/decision`, { decision: 'approve' }).expect(200);
    expect(await rowsOf(await exported())).toMatchObject([
      { ID: 'R-1', Likelihood: 2, Status: 'Open' },
      { ID: 'R-2', Treatment: 'accept', Status: 'Accepted' },
    ]);
    await officer.get(`${analyses}/${clinic.systemId}/register`).expect(404);
  });
});

describe('who may do what?', () => {
  it('does another organisation see none of it, and an agent neither?', async () => {
    const ours = await office();
    const theirs = await office('other-admin');
    const { analysis } = await ours.start({ title: 'Risk analysis', effectiveFrom: ago(0.9) });
    const foreign = `${theirs.analyses}/${analysis.id}`;
    await theirs.officer.get(`${foreign}/comparison`).expect(404);
    await theirs.officer.post(`${foreign}/posture`).set('If-Match', '"1"').expect(404);
    const from = { title: 'Theirs', ownerId: theirs.owner, effectiveFrom: ago(0.9), fromPrevious: analysis.id };
    await theirs.officer.post(theirs.analyses, from).expect(404);
    // Whoever is no member of ours.
    await theirs.clinic.admin.get(`${ours.analyses}/proposal`).expect(404);
    const refused = async (caller: Caller) => {
      await caller.get(`${ours.analyses}/proposal`).expect(403);
      await caller.post(`${ours.analyses}/${analysis.id}/posture`).set('If-Match', '"1"').expect(403);
    };
    await refused(ours.clinic.agent);
    await ours.approver.post(`${ours.analyses}/${analysis.id}/posture`).set('If-Match', '"1"').expect(403);
  });

  it('is a posture frozen for a draft alone, at the revision that was read?', async () => {
    const { analysed, officer, analyses, start } = await office();
    const { analysis } = await start({ title: 'Another', effectiveFrom: ago(0.9) });
    await officer.post(`${analyses}/${analysis.id}/posture`).set('If-Match', '"7"').expect(412);
    const approved = await analysed('Risk analysis', ago(2));
    const refused = officer.post(`${analyses}/${approved.id}/posture`).set('If-Match', `"${approved.revision}"`);
    expect((await refused.expect(409)).body.type).toBe('/problems/move-refused');
  });
});
