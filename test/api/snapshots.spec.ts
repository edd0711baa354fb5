import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { servicePrincipal } from '../../src/kernel/principal.js';
import { newId } from '../../src/kernel/ids.js';
import type { Posture } from '../../src/posture/posture.schema.js';
import { Reevaluation } from '../../src/scans/reevaluation.service.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { ownCheck } from '../support/checks.js';
import { fixture } from '../fixtures/reports/load.js';

type Line = Record<string, unknown>;
interface Listed {
  check: string;
  resource: string;
  status: string;
  severity: string;
  message: string;
  scanId: string;
}
interface ScanSeen {
  id: string;
  evidenceId: string;
  status: string;
  toolVersion: string;
  observedAt: string;
  receivedAt: string;
  knownAt: string;
  postedBy: string;
  cause: { ruleSet: string; replaces: string } | null;
  notes: string[];
  flags: { code: string }[];
  counts: { total: number; facts: { total: number } };
}

const LINES = fixture('cluster-snapshot/clinic.ndjson')
  .toString('utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Line);

/** The clinic's cluster at another instant, perhaps otherwise. */
function snapshot(startedAt: string, change: (lines: Line[]) => unknown = () => undefined): string {
  const lines = structuredClone(LINES);
  lines[0]!['startedAt'] = startedAt;
  lines.at(-1)!['finishedAt'] = new Date(Date.parse(startedAt) + 9_000).toISOString();
  change(lines);
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

const PRACTICE = ownCheck.practice;
const DAY = 86_400_000;
const now = Date.now();
const ago = (days: number): string => new Date(now - days * DAY).toISOString();

let world: World;
beforeAll(async () => {
  world = await startApp();
});
afterAll(() => world.stop());

/** One organisation for each case: rules are an organisation's. */
async function clinicOf(): Promise<{ clinic: Clinic; officer: Caller }> {
  const clinic = await startClinic(world);
  return { clinic, officer: await clinic.member('compliance_officer') };
}

const post = async (clinic: Clinic, text: string, status = 201): Promise<ScanSeen> => {
  const { body } = await clinic.agent
    .post(`${clinic.systemPath}/scans`)
    .set('Content-Type', 'application/x-ndjson')
    .send(text)
    .expect(status);
  return body as ScanSeen;
};
/** Of what the organisation judges by itself: the catalogue's own checks come and go with its versions. */
const results = async (clinic: Clinic, officer: Caller, query: Record<string, string> = {}): Promise<Listed[]> => {
  const asked = new URLSearchParams({ source: 'safeguard-checks', limit: '500', ...query }).toString();
  const { body } = await officer.get(`${clinic.systemPath}/results?${asked}`).expect(200);
  return (body.items as Listed[]).filter(({ check }) => check.startsWith('org/'));
};
const said = (listed: readonly Listed[]): string[] =>
  listed.map(({ resource, status }) => `${resource} ${status}`).sort();
const scans = async (clinic: Clinic, officer: Caller): Promise<ScanSeen[]> => {
  const { body } = await officer.get(`${clinic.systemPath}/scans?format=cluster-snapshot`).expect(200);
  return body.items as ScanSeen[];
};
/** Scans that nobody posted, once there are so many. */
const reread = (clinic: Clinic, officer: Caller, count: number): Promise<ScanSeen[]> =>
  vi.waitFor(
    async () => {
      const found = (await scans(clinic, officer)).filter(({ cause }) => cause !== null);
      expect(found).toHaveLength(count);
      return found;
    },
    { timeout: 30_000, interval: 200 },
  );
const put = (clinic: Clinic, officer: Caller, definition: { id: string; title: string }, version: number) => {
  const request = officer.put(`${clinic.path}/checks/${encodeURIComponent(definition.id)}`, { definition });
  return version === 0 ? request.set('If-None-Match', '*') : request.set('If-Match', `"${version}"`);
};

describe('what does a posted snapshot become?', () => {
  it('facts that are known and closed as those of single lists, and results of what the organisation judges by', async () => {
    const { clinic, officer } = await clinicOf();
    await put(clinic, officer, ownCheck, 0).expect(200);
    // What a list of kubectl said before it, of a namespace that is no more.
    const gone = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'gone' } };
    await clinic.agent
      .post(`${clinic.systemPath}/scans?observedAt=${ago(3)}&targets=cluster/cluster`)
      .set('Content-Type', 'application/json')
      .send(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [gone] }))
      .expect(201);
    const scan = await post(clinic, snapshot(ago(2)));
    expect(scan).toMatchObject({
      format: 'cluster-snapshot',
      tool: 'safeguard-checks',
      clusterName: 'clinic-prod',
      cause: null,
      counts: { facts: { closed: 1 } },
    });
    expect(scan.toolVersion).toMatch(/^\d{4}\.\d+\.\d+\+[0-9a-f]{12}$/);
    expect(said(await results(clinic, officer))).toEqual(['emr/Deployment/portal fail']);
    const { body } = await officer.get(`${clinic.systemPath}/facts?source=kubernetes/Namespace`).expect(200);
    expect((body.items as { subject: string }[]).map(({ subject }) => subject).sort()).toEqual([
      'Namespace/emr',
      'Namespace/kube-system',
      'Namespace/web',
    ]);
    // The same bytes again are the same scan.
    expect((await post(clinic, snapshot(ago(2)), 200)).id).toBe(scan.id);
  });

  it('secrets in it are dropped at the door, and it is judged all the same', async () => {
    const { clinic } = await clinicOf();
    const scan = await post(
      clinic,
      snapshot(ago(2), (lines) => {
        for (const line of lines) {
          if (line['kind'] === 'Secret' || line['kind'] === 'ConfigMap') line['data'] = { a: 'not-to-be-kept' };
        }
      }),
    );
    expect(scan).toMatchObject({ status: 'stored', format: 'cluster-snapshot' });
    expect(scan.notes.filter((note) => /dropped before the report was kept/.test(note))).not.toEqual([]);
  });

  it('one that was cut passes nothing and closes nothing', async () => {
    const { clinic, officer } = await clinicOf();
    await put(clinic, officer, ownCheck, 0).expect(200);
    const owned = (lines: Line[]) =>
      ((lines.find(({ kind }) => kind === 'Deployment')!['metadata'] as Line)['labels'] = { owner: 'portal' });
    await post(clinic, snapshot(ago(3), owned));
    expect(said(await results(clinic, officer))).toEqual(['emr/Deployment/portal pass']);
    const cut = await post(
      clinic,
      snapshot(ago(2), (lines) => [owned(lines), (lines.at(-1)!['kind'] = 'Nothing')]),
    );
    expect(cut.notes).toContainEqual(expect.stringContaining('it was cut'));
    expect(said(await results(clinic, officer))).toEqual(['cluster error', 'emr/Deployment/portal pass']);
    const { body } = await officer.get(`${clinic.systemPath}/posture`).expect(200);
    // The pass is as old as the last whole snapshot, and the error says that more is not known.
    const practice = (body as Posture).practices.find(({ id }) => id === PRACTICE)!;
    expect(practice.counts).toMatchObject({ error: expect.any(Number) });
    expect(practice.counts.error).toBeGreaterThan(0);
    expect(practice.status).not.toBe('evidenced');
  });

  it('a large one, whose rows leave while it is read, the same', async () => {
    const { clinic, officer } = await clinicOf();
    const COUNT = 25_000;
    await put(clinic, officer, ownCheck, 0).expect(200);
    const large = snapshot(ago(2), (lines) => {
      const many = Array.from({ length: COUNT }, (_, index) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: `settings-${index}`, namespace: 'emr', uid: `uid-${index}`, labels: { of: 'x'.repeat(60) } },
      }));
      lines.splice(5, 0, ...many);
      const ended = lines.at(-1)!['lists'] as { kind: string; count: number }[];
      ended.find(({ kind }) => kind === 'ConfigMap')!.count += COUNT;
    });
    expect(large.length).toBeGreaterThan(4 * 2 ** 20);
    const scan = await post(clinic, large);
    expect(scan.counts.facts.total).toBeGreaterThan(COUNT);
    expect(said(await results(clinic, officer))).toEqual(['emr/Deployment/portal fail']);
    const severe = { ...ownCheck, severity: 'high' };
    await put(clinic, officer, severe, 1).expect(200);
    const [anew] = await reread(clinic, officer, 1);
    expect(anew?.counts).toMatchObject({
      changed: 1,
      facts: { total: scan.counts.facts.total, new: 0, changed: 0, closed: 0 },
    });
  });

  it('one of another cluster than the last one is taken and flagged', async () => {
    const { clinic } = await clinicOf();
    await post(clinic, snapshot(ago(3)));
    const other = await post(
      clinic,
      snapshot(ago(2), (lines) => {
        const kubeSystem = lines.find(({ metadata }) => (metadata as Line | undefined)?.['name'] === 'kube-system')!;
        (kubeSystem['metadata'] as Line)['uid'] = 'another';
        (lines[0]!['cluster'] as Line)['uid'] = 'another';
      }),
    );
    expect(other).toMatchObject({ flags: [{ code: 'cluster-uid-differs' }] });
  });

  it('reports of two clusters for one system are told by its posture, while both are fresh, and of one they are not', async () => {
    const { clinic, officer } = await clinicOf();
    const seen = async (query = ''): Promise<{ uid: string; lastSeen: string }[]> =>
      (await officer.get(`${clinic.systemPath}/posture${query}`).expect(200)).body.blindSpots.clusters;
    const another = (lines: Line[]): void => {
      const kubeSystem = lines.find(({ metadata }) => (metadata as Line | undefined)?.['name'] === 'kube-system')!;
      (kubeSystem['metadata'] as Line)['uid'] = 'another';
      (lines[0]!['cluster'] as Line)['uid'] = 'another';
    };
    const [long, first, second] = [ago(30), ago(3), ago(2)];
    await post(clinic, snapshot(long, another));
    await post(clinic, snapshot(first));
    expect(await seen()).toEqual([]);
    await post(clinic, snapshot(second, another));
    expect(await seen()).toMatchObject([{ uid: 'another', lastSeen: second }, { lastSeen: first }]);
    expect(await seen(`?asOf=${first}`)).toEqual([]);
  });

  it.each([
    ['without its time', (lines: Line[]) => delete lines[0]!['startedAt'], 'malformed-report'],
    ['of a version to come', (lines: Line[]) => (lines[0]!['apiVersion'] = 'safeguard.dev/v2'), 'malformed-report'],
    ['from ahead', (lines: Line[]) => (lines[0]!['startedAt'] = ago(-1)), 'observed-in-future'],
  ])('one %s is refused and kept', async (_, change, reason) => {
    const { clinic } = await clinicOf();
    expect(await post(clinic, snapshot(ago(2), change), 422)).toMatchObject({ reason, evidenceId: expect.any(String) });
  });
});

describe('what does a change of the rules do to what was collected before?', () => {
  it('the latest snapshot is judged anew as of its instant, known from then on, and what was known before stays so', async () => {
    const { clinic, officer } = await clinicOf();
    // The catalogue's own of the practice say nothing here.
    for (const id of ['phi-workload-labelled', 'phi-label-required']) {
      const off = { enabled: false, reason: 'Said by a check of our own.' };
      await officer.put(`${clinic.path}/checks/${id}`, off).set('If-None-Match', '*').expect(200);
    }
    const first = await post(clinic, snapshot(ago(3)));
    const latest = await post(clinic, snapshot(ago(2)));
    expect(await results(clinic, officer)).toEqual([]);
    const posture = async (query: Record<string, string>): Promise<Posture> =>
      (await officer.get(`${clinic.systemPath}/posture?${new URLSearchParams(query).toString()}`).expect(200))
        .body as Posture;
    const statusOf = (of: Posture) => of.practices.find(({ id }) => id === PRACTICE)!.status;
    const known = new Date().toISOString();
    const then = { asOf: ago(1), knownAt: known };
    const before = await posture(then);
    expect(statusOf(before)).toBe('missing');

    await put(clinic, officer, ownCheck, 0).expect(200);
    const [scan] = await reread(clinic, officer, 1);
    expect(scan).toMatchObject({
      evidenceId: latest.evidenceId,
      observedAt: latest.observedAt,
      receivedAt: latest.receivedAt,
      postedBy: 'reevaluation',
      cause: { kind: 'rules', replaces: latest.id, ruleSet: scan!.toolVersion },
    });
    expect(scan!.toolVersion).not.toBe(latest.toolVersion);

    // From now on it was so since the snapshot, and not before it.
    expect(said(await results(clinic, officer))).toEqual(['emr/Deployment/portal fail']);
    expect(said(await results(clinic, officer, { asOf: latest.observedAt }))).toEqual(['emr/Deployment/portal fail']);
    expect(await results(clinic, officer, { asOf: new Date(Date.parse(latest.observedAt) - 1).toISOString() })).toEqual(
      [],
    );
    expect(await results(clinic, officer, { asOf: first.observedAt })).toEqual([]);
    expect(statusOf(await posture({}))).toBe('failing');
    expect(statusOf(await posture({ asOf: latest.observedAt }))).toBe('failing');
    expect(statusOf(await posture({ asOf: ago(2.5) }))).toBe('missing');

    // What was known then was known so then, whatever is asked for.
    expect(await results(clinic, officer, then)).toEqual([]);
    expect(await posture(then)).toEqual(before);
    expect(statusOf(await posture({ asOf: latest.observedAt, knownAt: known }))).toBe('missing');
    // Facts are what they were: nothing was collected again.
    expect(scan!.counts).toMatchObject({ facts: { new: 0, changed: 0, closed: 0 } });

    // The log says why.
    const { body } = await officer.get(`${clinic.path}/audit-events?limit=100`).expect(200);
    const events = body.items as { action: string; object: { id: string }; details: Line }[];
    expect(
      events.find(({ object, action }) => object.id === scan!.id && action === 'scan.stored')?.details,
    ).toMatchObject({
      cause: { kind: 'rules', replaces: latest.id },
    });
  });

  it('another version of a check changes its results, and a check that is switched off or withdrawn has none', async () => {
    const { clinic, officer } = await clinicOf();
    await put(clinic, officer, ownCheck, 0).expect(200);
    const posted = await post(clinic, snapshot(ago(2)));
    const failing = (await results(clinic, officer))[0]!;
    expect(failing).toMatchObject({ status: 'fail', scanId: posted.id });
    const lax = {
      ...ownCheck,
      pass: 'true || object.kind == ""',
      where: "object.metadata.name != 'bad'",
      examples: {
        pass: ownCheck.examples.pass,
        // Nothing fails by it but what cannot be judged.
        fail: [{ name: 'never', objects: [] }],
      },
    };
    // An example that does not come out so keeps it from being taken.
    await put(clinic, officer, lax, 1).expect(422);
    const other = { ...ownCheck, pass: "object.metadata.name == 'portal'", examples: examplesFor('portal', 'web') };
    const known = new Date().toISOString();
    await put(clinic, officer, other, 1).expect(200);
    const [second] = await reread(clinic, officer, 1);
    expect(second?.notes).toContain(`Checks as the organisation has changed them: ${ownCheck.id} version 2.`);
    expect(said(await results(clinic, officer))).toEqual(['emr/Deployment/portal pass']);
    expect(said(await results(clinic, officer, { knownAt: known, asOf: known }))).toEqual([
      'emr/Deployment/portal fail',
    ]);

    const path = `${clinic.path}/checks/${encodeURIComponent(ownCheck.id)}`;
    await officer.put(path, { enabled: false, reason: 'The mesh does it.' }).set('If-Match', '"2"').expect(200);
    const off = await reread(clinic, officer, 2);
    expect(await results(clinic, officer)).toEqual([]);
    // Back to what judged before: a reading of its own, though the rules are those of an earlier one.
    await put(clinic, officer, other, 3).expect(200);
    const again = await reread(clinic, officer, 3);
    expect(said(await results(clinic, officer))).toEqual(['emr/Deployment/portal pass']);
    expect(new Set([...off, ...again].map(({ id }) => id)).size).toBe(3);
    await officer.delete(path).expect(204);
    await reread(clinic, officer, 4);
    expect(await results(clinic, officer)).toEqual([]);
    // Each names the one before it.
    const all = (await scans(clinic, officer)).sort((a, b) => (a.knownAt < b.knownAt ? -1 : 1));
    expect(all.slice(1).map(({ cause }) => cause?.replaces)).toEqual(all.slice(0, -1).map(({ id }) => id));
  });

  it('a check of the catalogue that an organisation makes weaker passes what failed, and posture says whose words it is', async () => {
    const { clinic, officer } = await clinicOf();
    // The one check of its practice, which a machine can see all of.
    const id = 'secret-environment';
    const practice = async () => {
      const { body } = await officer.get(`${clinic.systemPath}/posture`).expect(200);
      return (body as Posture).practices.find((one) => one.id === 'secrets-as-files')!;
    };
    const env = [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'database-password', key: 'password' } } }];
    await post(
      clinic,
      snapshot(ago(2), (lines) => {
        const portal = lines.find(({ kind }) => kind === 'Deployment')! as { spec: { template: { spec: Line } } };
        for (const container of portal.spec.template.spec['containers'] as Line[]) container['env'] = env;
      }),
    );
    expect(await practice()).toMatchObject({ status: 'failing' });

    const path = `${clinic.path}/checks/${id}`;
    const { body: original } = await officer.get(path).expect(200);
    const weaker = {
      id,
      title: (original as { title: string }).title,
      practices: (original as { practices: string[] }).practices,
      severity: 'low',
      each: 'Workload',
      pass: "object.metadata.name != 'never'",
      message: 'It is.',
      examples: {
        pass: [{ name: 'this', objects: [workload('portal')] }],
        fail: [{ name: 'that', objects: [workload('never')] }],
      },
    };
    const changed = await officer.put(path, { definition: weaker }).set('If-None-Match', '*').expect(200);
    expect(changed.body).toMatchObject({ origin: 'catalog', state: 'overridden', version: 1 });
    const [scan] = await reread(clinic, officer, 1);
    expect(scan!.toolVersion).toMatch(/\+[0-9a-f]{12}$/);
    const weakened = await practice();
    expect(weakened.status).toBe('evidenced');
    expect(weakened.reason).toContain('1 check of them is in the organisation’s own words.');

    // As the catalogue has it, it fails again.
    await officer.delete(path).expect(204);
    await reread(clinic, officer, 2);
    expect(await practice()).toMatchObject({ status: 'failing' });
    // Switched off, it makes nothing evidenced.
    await officer.put(path, { enabled: false, reason: 'The mesh does it.' }).set('If-Match', '"2"').expect(200);
    await reread(clinic, officer, 3);
    expect((await practice()).status).toBe('missing');
  });

  it('so do what the system lists as holding PHI, and the labels that say so', async () => {
    const { clinic, officer } = await clinicOf();
    const phi = {
      ...ownCheck,
      id: 'org/phi',
      where: 'holdsPhi(object)',
      examples: examplesFor('portal', 'web', ['emr']),
      pass: "object.metadata.name == 'portal'",
    };
    await put(clinic, officer, phi, 0).expect(200);
    await post(clinic, snapshot(ago(2)));
    expect(said(await results(clinic, officer))).toEqual(['emr/Deployment/portal pass']);
    await clinic.admin
      .patch(clinic.systemPath, { phiNamespaces: ['web'] })
      .set('If-Match', '"1"')
      .expect(200);
    await reread(clinic, officer, 1);
    // Its namespace is labelled: the list adds to that.
    expect(said(await results(clinic, officer))).toEqual(['emr/Deployment/portal pass']);
    const labels = [{ key: 'clinic.example/data', values: ['phi'] }];
    await officer
      .patch(clinic.path, { settings: { phiLabels: labels } })
      .set('If-Match', '"1"')
      .expect(200);
    await reread(clinic, officer, 2);
    expect(said(await results(clinic, officer))).toEqual(['cluster skip']);
    // What changes nothing of it judges nothing anew.
    await officer
      .patch(clinic.path, { settings: { phiLabels: labels, freshness: { [PRACTICE]: 30 } } })
      .set('If-Match', '"2"')
      .expect(200);
    await clinic.admin.patch(clinic.systemPath, { environment: 'staging' }).set('If-Match', '"2"').expect(200);
    await put(clinic, officer, { ...phi, title: 'Said otherwise' }, 1).expect(200);
    await reread(clinic, officer, 3);
  });

  it('what was noticed of it when it came is still said of it', async () => {
    const { clinic, officer } = await clinicOf();
    await post(clinic, snapshot(ago(3)));
    const other = await post(
      clinic,
      snapshot(ago(2), (lines) => {
        const kubeSystem = lines.find(({ metadata }) => (metadata as Line | undefined)?.['name'] === 'kube-system')!;
        (kubeSystem['metadata'] as Line)['uid'] = 'another';
        (lines[0]!['cluster'] as Line)['uid'] = 'another';
      }),
    );
    expect(other).toMatchObject({ flags: [{ code: 'cluster-uid-differs' }] });
    await put(clinic, officer, ownCheck, 0).expect(200);
    const [scan] = await reread(clinic, officer, 1);
    expect(scan).toMatchObject({ flags: [{ code: 'cluster-uid-differs' }] });
    const severe = { ...ownCheck, severity: 'high' };
    await put(clinic, officer, severe, 1).expect(200);
    const all = await reread(clinic, officer, 2);
    for (const { flags } of all) expect(flags).toHaveLength(1);
  });

  it('what breaks in the middle leaves nothing of it, and is done when it can be', async () => {
    const { clinic, officer } = await clinicOf();
    const posted = await post(clinic, snapshot(ago(2)));
    const admin = new pg.Client({ connectionString: world.database.urls.admin });
    await admin.connect();
    try {
      await admin.query(
        `create function break_off() returns trigger language plpgsql as $$ begin raise exception 'the disk is full'; end $$`,
      );
      // The last that is written but for the audit event.
      await admin.query('create trigger break_off before update on snapshot for each row execute function break_off()');
      const failures = () => world.logs.filter((line) => line.includes('"queue":"reevaluation"')).length;
      const before = failures();
      await put(clinic, officer, ownCheck, 0).expect(200);
      await vi.waitFor(() => expect(failures()).toBeGreaterThan(before), { timeout: 30_000, interval: 100 });
      expect((await scans(clinic, officer)).map(({ id }) => id)).toEqual([posted.id]);
      expect(await results(clinic, officer)).toEqual([]);
    } finally {
      await admin.query('drop trigger if exists break_off on snapshot');
      await admin.query('drop function if exists break_off()');
      await admin.end();
    }
    const [scan] = await reread(clinic, officer, 1);
    expect(scan?.cause?.replaces).toBe(posted.id);
    expect(said(await results(clinic, officer))).toEqual(['emr/Deployment/portal fail']);
  });

  it('however often it is asked for, and by however many at once, it is done once', async () => {
    const { clinic, officer } = await clinicOf();
    await post(clinic, snapshot(ago(2)));
    await put(clinic, officer, ownCheck, 0).expect(200);
    const reevaluation = world.app.get(Reevaluation, { strict: false });
    const worker = () => servicePrincipal('reevaluation', clinic.organizationId, newId());
    await Promise.all(Array.from({ length: 6 }, () => reevaluation.run(worker(), clinic.systemId)));
    await reevaluation.run(worker(), clinic.systemId);
    await reread(clinic, officer, 1);
    // A system that has no snapshot, or is no more, has nothing to judge.
    await clinic.admin.post(`${clinic.systemPath}/retire`).expect(200);
    await officer.delete(`${clinic.path}/checks/${encodeURIComponent(ownCheck.id)}`).expect(204);
    await reevaluation.run(worker(), clinic.systemId);
    await reread(clinic, officer, 1);
  });

  it('a snapshot that comes while the rules change is judged by them in the end', async () => {
    const { clinic, officer } = await clinicOf();
    await post(clinic, snapshot(ago(9)));
    let version = 0;
    const severities = ['low', 'medium', 'high', 'critical'];
    for (const [index, severity] of severities.entries()) {
      const day = 8 - index;
      const definition = { ...ownCheck, severity };
      const [changed] = await Promise.all([
        put(clinic, officer, definition, version),
        post(clinic, snapshot(ago(day))),
        post(clinic, snapshot(ago(day - 0.5))),
      ]);
      expect(changed.status).toBe(200);
      version = (changed.body as { version: number }).version;
    }
    await vi.waitFor(
      async () => {
        expect((await results(clinic, officer)).map(({ severity }) => severity)).toEqual(['critical']);
      },
      { timeout: 30_000, interval: 200 },
    );
  });

  it('another organisation’s changes touch nothing', async () => {
    const { clinic, officer } = await clinicOf();
    await post(clinic, snapshot(ago(2)));
    const other = await startClinic(world, { admin: 'other-admin', agent: 'other-agent' });
    const { body: members } = await other.admin
      .post(`${other.path}/members`, {
        issuer: world.provider.issuer,
        subject: 'dev-approver',
        name: 'x',
        role: 'compliance_officer',
      })
      .expect(201);
    expect(members).toMatchObject({ role: 'compliance_officer' });
    const theirs = await world.as('dev-approver');
    await theirs
      .put(`${other.path}/checks/org%2Fown`, { definition: { ...ownCheck, id: 'org/own' } })
      .set('If-None-Match', '*')
      .expect(200);
    await world.app
      .get(Reevaluation, { strict: false })
      .run(servicePrincipal('reevaluation', clinic.organizationId, newId()), clinic.systemId);
    expect((await scans(clinic, officer)).filter(({ cause }) => cause !== null)).toEqual([]);
    await theirs.get(`${clinic.path}/checks`).expect(404);
  });

  it('what cannot be read any more is told once, and what was known stays', async () => {
    const { clinic, officer } = await clinicOf();
    await put(clinic, officer, ownCheck, 0).expect(200);
    const scan = await post(clinic, snapshot(ago(2)));
    const admin = new pg.Client({ connectionString: world.database.urls.admin });
    await admin.connect();
    try {
      // As if this version of the program took it for something else.
      await admin.query('set session_replication_role = replica');
      await admin.query('update scan set evidence_id = $2 where id = $1', [scan.id, await unreadable(clinic)]);
    } finally {
      await admin.end();
    }
    await put(clinic, officer, { ...ownCheck, title: 'Other' }, 1).expect(200);
    await vi.waitFor(
      async () => {
        const { body } = await officer.get(`${clinic.systemPath}/scans?status=refused`).expect(200);
        expect(body.items).toMatchObject([{ cause: null }, { cause: { replaces: scan.id } }]);
      },
      { timeout: 30_000, interval: 200 },
    );
    await world.app
      .get(Reevaluation, { strict: false })
      .run(servicePrincipal('reevaluation', clinic.organizationId, newId()), clinic.systemId);
    expect((await officer.get(`${clinic.systemPath}/scans?status=refused`).expect(200)).body.items).toHaveLength(2);
    expect(said(await results(clinic, officer))).toEqual(['emr/Deployment/portal fail']);
  });
});

/** Evidence of something that is no snapshot. */
async function unreadable(clinic: Clinic): Promise<string> {
  const { body } = await clinic.agent
    .post(`${clinic.systemPath}/scans`)
    .set('Content-Type', 'application/json')
    .send('{"nothing": "known"}')
    .expect(422);
  return (body as { evidenceId: string }).evidenceId;
}

const workload = (name: string): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'emr' },
  spec: { template: { spec: { containers: [{ name: 'web' }] } } },
});

function examplesFor(good: string, bad: string, phi?: string[]): typeof ownCheck.examples {
  const objects = (name: string) => [
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: 'emr' } },
  ];
  const more = phi === undefined ? {} : { phi };
  return {
    pass: [{ name: 'this', objects: objects(good), ...more }],
    fail: [{ name: 'that', objects: objects(bad), ...more }],
  };
}
