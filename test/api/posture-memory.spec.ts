import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { API_AUDIENCE } from '../../src/development/provider.js';
import { Database } from '../../src/kernel/db/database.js';
import { servicePrincipal } from '../../src/kernel/principal.js';
import { PostureMemory } from '../../src/posture/memory.service.js';
import { PostureReader } from '../../src/posture/posture.reader.js';
import { PostureService } from '../../src/posture/posture.service.js';
import { systemStates } from '../../src/posture/states.js';
import { TimelineStore } from '../../src/posture/timeline.store.js';
import { writeTimeline } from '../../src/posture/timeline.js';
import { startApp, type Caller, type Clinic, type World } from '../support/app.js';
import { startKeeping, type Keeper, type Kept } from '../support/keep.js';
import { trivy } from './reports.js';

const DAY = 86_400_000;
const HOUR = DAY / 24;
const MINUTE = 60_000;
const WAIT = { timeout: 20_000, interval: 20 };

let world: World;
let database: Database;
let memory: PostureMemory;
let reader: PostureReader;
let posture: PostureService;
let timelines: TimelineStore;

beforeAll(async () => {
  world = await startApp();
  database = world.app.get(Database, { strict: false });
  memory = world.app.get(PostureMemory, { strict: false });
  reader = world.app.get(PostureReader, { strict: false });
  posture = world.app.get(PostureService, { strict: false });
  timelines = world.app.get(TimelineStore, { strict: false });
});
afterAll(() => world.stop());

/** A clinic of two systems and the two people who keep its records. */
class Life {
  readonly now = Date.now();
  readonly paths: string[] = [];
  readonly systemIds: string[] = [];
  readonly ended = new Set<string>();
  readonly records: string[] = [];
  private number = 0;

  private constructor(
    readonly clinic: Clinic,
    readonly officer: Caller,
    readonly keeper: Keeper,
  ) {}

  static async begin(): Promise<Life> {
    const { clinic, officer, keeper } = await startKeeping(world);
    const life = new Life(clinic, officer, keeper);
    const { body } = await clinic.admin
      .post(`${clinic.path}/systems`, { name: 'billing', environment: 'production', phi: 'processes' })
      .expect(201);
    await clinic.admin
      .post(`${clinic.path}/agents`, {
        name: 'scanner of billing',
        systemId: String(body.id),
        kind: 'client_credentials',
        issuer: world.provider.issuer,
        audience: API_AUDIENCE,
        subjectPattern: 'safeguard-agent',
      })
      .expect(201);
    life.systemIds.push(clinic.systemId, String(body.id));
    life.paths.push(clinic.systemPath, `${clinic.path}/systems/${String(body.id)}`);
    return life;
  }

  ago = (days: number): string => new Date(this.now - days * DAY).toISOString();
  day = (days: number): string => this.ago(days).slice(0, 10);

  get principal() {
    return servicePrincipal('test', this.clinic.organizationId, 'test');
  }

  async scan(system: number, text: string, days: number, targets: string, partial = false): Promise<void> {
    await this.clinic.agent
      .post(`${this.paths[system]!}/scans?observedAt=${this.ago(days)}&targets=${targets}&partial=${partial}`)
      .set('Content-Type', 'application/json')
      .send(text)
      .expect((answer) => expect([200, 201]).toContain(answer.status));
  }

  async keep(record: Kept): Promise<void> {
    this.records.push(await this.keeper.keep({ title: `${record.type} ${++this.number}`, ...record }));
  }

  private readonly objectives: (string | null)[] = [null, null];

  /** An objective of the system, or a backup or a restore test of what it has. */
  async recover(system: number, days: number, minutes: number): Promise<void> {
    const common = { systemIds: [this.systemIds[system]!], effectiveFrom: this.ago(days) };
    const objective = this.objectives[system] ?? null;
    if (objective === null) {
      const fields = { scope: `all of ${system}`, rtoMinutes: 240, rpoMinutes: minutes, criticality: 'high' };
      await this.keep({ type: 'recovery_objective', fields, ...common });
      this.objectives[system] = this.records.at(-1)!;
      return;
    }
    const completedAt = this.ago(days);
    await this.keep({
      type: 'restore_test',
      fields: {
        backup: 'emr-daily',
        startedAt: this.ago(days + 0.01),
        completedAt,
        result: minutes === 60 ? 'failed' : 'passed',
        measuredRtoMinutes: minutes / 10,
        measuredRpoMinutes: 30,
        objective,
      },
      document: 'report',
      ...common,
    });
  }

  async settings(settings: object): Promise<void> {
    const { headers } = await this.clinic.admin.get(this.clinic.path).expect(200);
    await this.clinic.admin.patch(this.clinic.path, { settings }).set('If-Match', headers['etag']!).expect(200);
  }

  async change(system: number, change: object): Promise<void> {
    const { headers } = await this.clinic.admin.get(this.paths[system]!).expect(200);
    await this.clinic.admin.patch(this.paths[system]!, change).set('If-Match', headers['etag']!).expect(200);
  }

  /** Until nothing is left to be remembered: the program's own worker may be at it as well. */
  async remember(): Promise<void> {
    for (let tries = 0; tries < 20; tries++) {
      await memory.refresh(this.principal, null);
      if (!(await this.recalled(new Date(this.now))).forgotten) return;
    }
    throw new Error('it is never remembered');
  }

  recalled = (asOf: Date, knownAt?: Date) =>
    database.readSnapshot(this.principal, async (tx) => {
      const question = await reader.question(tx, { systemId: null, asOf, knownAt: knownAt ?? (await this.present()) });
      return memory.recall(tx, question);
    });

  present = () => database.read(this.principal, (tx) => reader.present(tx, null));

  /** That memory, where it answers, says what is evaluated; and which systems it answers for. */
  async compare(asOf: Date, knownAt?: Date): Promise<string[]> {
    const known = knownAt ?? (await this.present());
    return database.readSnapshot(this.principal, async (tx) => {
      const question = await reader.question(tx, { systemId: null, asOf, knownAt: known });
      const { states } = await memory.recall(tx, question);
      for (const system of question.inScope) {
        const remembered = states.get(system.id);
        if (remembered === undefined) continue;
        const { evidence, part } = await reader.system(tx, question, system);
        expect(remembered, `${system.name} at ${asOf.toISOString()}`).toEqual(
          systemStates(question.yardstick, evidence, part),
        );
      }
      return [...states.keys()];
    });
  }

  /** That items are counted, of the organisation and of each system, as they are evaluated. */
  async compareCounts(instants: readonly Date[]): Promise<void> {
    const knownAt = await this.present();
    for (const systemId of [null, ...this.systemIds]) {
      const counts = await posture.countsAt(this.principal, { systemId, knownAt }, instants, () => Promise.resolve());
      for (const [at, asOf] of instants.entries()) {
        const { document } = await posture.evaluateNow(this.principal, { systemId, asOf, knownAt });
        expect(counts[at], `${systemId ?? 'all'} at ${asOf.toISOString()}`).toEqual(document.counts.controls);
      }
    }
  }
}

const kubeBench = (status: string): string =>
  JSON.stringify({
    Controls: [
      {
        id: '4',
        version: 'cis-1.12',
        node_type: 'node',
        tests: [
          {
            section: '4.1',
            results: [{ test_number: '4.1.1', test_desc: 'Files (Automated)', status, scored: true }],
          },
        ],
      },
    ],
  });

type Step = (life: Life) => Promise<void>;

/** Whole days and odd ones: many of them are equal, and some lie where another ends. */
const days = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.double({ min: 1, max: 60, noNaN: true }));
const system = fc.constantFrom(0, 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(system, days, fc.subarray(['KSV038', 'KSV-0014', 'KSV-0001']), fc.constantFrom(false, false, true))
      .map(
        ([of, at, ids, partial]): Step =>
          (life) =>
            life.scan(of, trivy(...ids), at, 'cluster/cluster', partial),
      ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(system, days, fc.constantFrom('PASS', 'FAIL', 'WARN')).map(
      ([of, at, status]): Step =>
        (life) =>
          life.scan(of, kubeBench(status), at, 'node/worker-1'),
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(system, days, fc.integer({ min: 0, max: 500 }), fc.constantFrom('workload-mtls', 'phi-segmentation'))
      .map(
        ([of, at, age, practice]): Step =>
          (life) =>
            life.keep({
              type: 'implementation_statement',
              fields: {
                practice,
                how: 'A mesh in strict mode.',
                where: 'istio-system/PeerAuthentication default',
                verifiedOn: life.day(at + age),
                verifiedBy: 'T. Nguyen',
                result: age % 5 === 0 ? 'not_in_place' : 'in_place',
              },
              systemIds: [life.systemIds[of]!],
              effectiveFrom: life.ago(at),
            }),
      ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(system, days, fc.constantFrom(30, 60, 365)).map(
      ([of, at, policyDays]): Step =>
        (life) =>
          life.keep({
            type: 'key',
            fields: {
              name: `key-${at}-${of}-${policyDays}`,
              purpose: 'etcd-kms',
              custodian: life.keeper.owner,
              provider: 'aws-kms',
              keyId: `alias/${at}-${of}-${policyDays}`,
              createdOn: life.day(at),
              policyDays,
              rotateAfterIncident: true,
            },
            systemIds: [life.systemIds[of]!],
            effectiveFrom: life.ago(at),
          }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(system, days, fc.integer({ min: 2, max: 60 })).map(
      ([of, at, left]): Step =>
        (life) =>
          life.keep({
            type: 'exception',
            fields: {
              practices: ['default-deny-network-policy', 'read-only-root-filesystem'],
              reason: 'A migration is under way.',
              compensating: 'The mesh refuses it.',
              until: life.ago(-left),
            },
            systemIds: [life.systemIds[of]!],
            effectiveFrom: life.ago(at),
            document: 'evidence',
          }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(system, days, fc.constantFrom(60, 1440, 14_400)).map(
      ([of, at, minutes]): Step =>
        (life) =>
          life.recover(of, at, minutes),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(), days).map(([which, at]): Step => async (life) => {
      const open = life.records.filter((id) => !life.ended.has(id));
      const id = open[which % Math.max(1, open.length)];
      if (id === undefined) return;
      life.ended.add(id);
      await life.keeper.end(id, life.ago(at));
    }),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 20, max: 400 })).map(
      ([freshness, statement]): Step =>
        (life) =>
          life.settings({
            freshness: { 'read-only-root-filesystem': freshness },
            recordFreshness: { 'workload-mtls/implementation_statement': statement },
          }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(system, fc.subarray(['emr', 'billing', 'lab'])).map(
      ([of, phiNamespaces]): Step =>
        (life) =>
          life.change(of, { phiNamespaces }),
    ),
  },
);

const histories = fc.array(step, { minLength: 12, maxLength: 12 });
/** Before now and after it, whole days and odd ones, and a little beside. */
const instants = fc.array(
  fc.tuple(
    fc.oneof(fc.double({ min: -70, max: 75, noNaN: true }), fc.integer({ min: -70, max: 75 })),
    fc.constantFrom(0, 0, 1, -1, MINUTE, HOUR),
  ),
  { minLength: 10, maxLength: 10 },
);

describe('is what is remembered what is evaluated?', () => {
  // The walk itself is tried at many more histories, without a database, in src/posture/walk.spec.ts.
  it('at random instants of a random history, told late, backdated, and by other settings', async () => {
    const seed = 22;
    const [steps = []] = fc.sample(histories, { seed, numRuns: 1 });
    const asked = fc.sample(instants, { seed, numRuns: steps.length });
    const life = await Life.begin();
    let compared = 0;
    for (const [at, take] of steps.entries()) {
      const before = await life.present();
      await take(life);
      await life.remember();
      for (const [back, off] of asked[at] ?? []) {
        const asOf = new Date(life.now - back * DAY + off);
        compared += (await life.compare(asOf)).length;
        // What was known before the step is another question.
        await life.compare(asOf, before);
      }
    }
    expect(compared).toBe(2 * 10 * steps.length);
    await life.compareCounts((asked[0] ?? []).map(([back, off]) => new Date(life.now - back * DAY + off)));
  }, 300_000);

  it('at the last instant of an age, and at the first after it', async () => {
    const life = await Life.begin();
    await life.scan(0, trivy('KSV038'), 20, 'cluster/cluster');
    await life.scan(0, kubeBench('PASS'), 15, 'node/worker-1');
    await life.remember();
    for (const days of [20, 15]) {
      for (const limit of [0, 8, 31, 92, 365]) {
        for (const off of [-1, 0, 1, 2]) {
          expect(await life.compare(new Date(Date.parse(life.ago(days)) + limit * DAY + off))).toHaveLength(2);
        }
      }
    }
  });
});

describe('is what is remembered brought to what is known', () => {
  it.each([
    ['all of it, while a job has time', 9_999, 2, 0],
    ['as far as a job has time, and the rest behind the jobs of others', 10_000, 1, 1],
  ])('of many systems, %s?', async (_how, milliseconds, remembered, asked) => {
    const life = await Life.begin();
    await life.remember();
    const admin = new pg.Client({ connectionString: world.database.urls.admin });
    await admin.connect();
    try {
      await vi.waitFor(async () => {
        const jobs = await admin.query(`select from queue.job where name = 'posture' and state < 'completed'`);
        expect(jobs.rowCount).toBe(0);
      }, WAIT);
      await admin.query('delete from posture_timeline where organization_id = $1', [life.clinic.organizationId]);
    } finally {
      await admin.end();
    }
    // Each system takes so long.
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    const replace = timelines.replace.bind(timelines);
    const replacing = vi.spyOn(timelines, 'replace').mockImplementation(async (...row) => {
      now += milliseconds;
      return replace(...row);
    });
    const asking = vi.spyOn(memory, 'askFor').mockResolvedValue();
    try {
      await memory.refresh(life.principal, null);
      expect(asking).toHaveBeenCalledTimes(asked);
    } finally {
      for (const spy of [asking, replacing, clock]) spy.mockRestore();
    }
    expect((await life.recalled(new Date(life.now))).states.size).toBe(remembered);
  });
});

describe('does what is no longer known to be right ever answer?', () => {
  it('not while the job that would mend it is held back; and the answer is the right one all the while', async () => {
    const life = await Life.begin();
    await life.scan(0, trivy(), 2, 'cluster/cluster');
    await life.remember();
    const status = async (): Promise<string> => {
      const { body } = await life.officer.get(`${life.clinic.path}/posture`).expect(200);
      const practice = body.practices.find(({ id }: { id: string }) => id === 'default-deny-network-policy');
      return practice.places.find(({ systemId }: { systemId: string }) => systemId === life.systemIds[0]).status;
    };
    expect(await status()).toBe('evidenced');

    const holder = new pg.Client({ connectionString: world.database.urls.admin });
    await holder.connect();
    try {
      await holder.query('begin');
      await holder.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
        `posture/${life.clinic.organizationId}/${life.systemIds[0]!}`,
      ]);
      await life.scan(0, trivy('KSV038'), 1, 'cluster/cluster');
      const { states, forgotten } = await life.recalled(new Date(life.now));
      expect([...states.keys()]).toEqual([life.systemIds[1]]);
      expect(forgotten).toBe(true);
      expect(await status()).toBe('failing');
    } finally {
      await holder.query('rollback');
      await holder.end();
    }
    await life.remember();
    expect(await life.compare(new Date(life.now))).toHaveLength(2);
    expect(await status()).toBe('failing');
  });

  it.each<[string, Step]>([
    ['a scan of a time before', (life) => life.scan(0, trivy('KSV038'), 30, 'cluster/cluster')],
    [
      'a record of the system',
      (life) =>
        life.keep({
          type: 'key',
          fields: {
            name: 'etcd',
            purpose: 'etcd-kms',
            custodian: life.keeper.owner,
            provider: 'aws-kms',
            keyId: 'alias/etcd',
            createdOn: '2025-01-01',
            policyDays: 365,
            rotateAfterIncident: true,
          },
          systemIds: [life.systemIds[0]!],
        }),
    ],
    ['settings', (life) => life.settings({ freshness: { 'read-only-root-filesystem': 3 } })],
    ['another version of the system', (life) => life.change(0, { phiNamespaces: ['lab'] })],
  ])('%s makes it forgotten in the same moment', async (_name, change) => {
    const life = await Life.begin();
    await life.remember();
    const holder = new pg.Client({ connectionString: world.database.urls.admin });
    await holder.connect();
    try {
      await holder.query('begin');
      for (const id of life.systemIds) {
        await holder.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
          `posture/${life.clinic.organizationId}/${id}`,
        ]);
      }
      const before = await life.present();
      await change(life);
      const { states } = await life.recalled(new Date(life.now));
      expect([...states.keys()]).not.toContain(life.systemIds[0]);
      // Of what was known before, it does not answer either: it was made of what is known.
      expect((await life.recalled(new Date(life.now), before)).states.has(life.systemIds[0]!)).toBe(false);
    } finally {
      await holder.query('rollback');
      await holder.end();
    }
    await life.remember();
    const asOf = new Date(life.now);
    expect(await life.compare(asOf)).toHaveLength(2);
    expect(await life.compare(asOf, new Date(life.now - DAY))).toEqual([]);
  });

  it('what is remembered no longer in the database, or otherwise, is forgotten by a process that keeps it', async () => {
    const life = await Life.begin();
    await life.remember();
    const all = life.systemIds.toSorted();
    expect(await life.compare(new Date(life.now))).toEqual(all);
    const admin = new pg.Client({ connectionString: world.database.urls.admin });
    await admin.connect();
    try {
      const gone = 'delete from posture_timeline where organization_id = $1 and place_id = $2';
      await admin.query(gone, [life.clinic.organizationId, all[0]]);
      expect(await life.compare(new Date(life.now))).toEqual([all[1]]);
      const other =
        'update posture_timeline set settings_version = 99, revision = revision + 1 where organization_id = $1';
      await admin.query(other, [life.clinic.organizationId]);
      expect(await life.compare(new Date(life.now))).toEqual([]);
    } finally {
      await admin.end();
    }
    await life.remember();
    expect(await life.compare(new Date(life.now))).toEqual(all);
  });

  it('what is older than all that is kept of a system is evaluated', async () => {
    const life = await Life.begin();
    await life.scan(0, trivy('KSV038'), 30, 'cluster/cluster');
    await life.scan(0, trivy(), 2, 'cluster/cluster');
    await life.remember();
    const [past, now] = [new Date(life.now - 20 * DAY), new Date(life.now)];
    const statusAt = async (asOf: Date): Promise<string> => {
      const { body } = await life.officer.get(`${life.clinic.path}/posture?asOf=${asOf.toISOString()}`).expect(200);
      return body.practices.find(({ id }: { id: string }) => id === 'default-deny-network-policy').status;
    };
    const said = [await statusAt(past), await statusAt(now)];
    const [id] = life.systemIds;
    const kept = await database.readSnapshot(life.principal, (tx) => timelines.find(tx, id!));
    const late = kept!.timeline.before(now).filter(({ starts }) => starts > past);
    expect(late.length).toBeGreaterThan(0);
    const admin = new pg.Client({ connectionString: world.database.urls.admin });
    await admin.connect();
    try {
      await admin.query(
        'update posture_timeline set segments = $3, revision = revision + 1 where organization_id = $1 and place_id = $2',
        [life.clinic.organizationId, id, writeTimeline(late)],
      );
    } finally {
      await admin.end();
    }
    expect(await life.compare(past)).not.toContain(id);
    // Nothing is forgotten: no job could remember more.
    expect((await life.recalled(past)).forgotten).toBe(false);
    expect([await statusAt(past), await statusAt(now)]).toEqual(said);
  });
});
