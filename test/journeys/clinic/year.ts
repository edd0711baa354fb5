import { expect } from 'vitest';
import { Database } from '../../../src/kernel/db/database.js';
import { DAY_MS } from '../../../src/kernel/dates.js';
import { servicePrincipal } from '../../../src/kernel/principal.js';
import { PostureMemory } from '../../../src/posture/memory.service.js';
import type { OrganizationPosture } from '../../../src/posture/organization.schema.js';
import { PostureReader } from '../../../src/posture/posture.reader.js';
import type { Posture } from '../../../src/posture/posture.schema.js';
import { systemStates } from '../../../src/posture/states.js';
import type { Status } from '../../../src/posture/status.js';
import type { WorkItemView } from '../../../src/posture/work.schema.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../../support/app.js';
import { Keeper } from '../../support/keep.js';
import { settled, travel } from '../../support/time.js';
import { KEY_ARN, kmsAnswers, kubeBench, snapshot, type ClusterState } from './reports.js';

/** Everybody looks at the clinic at noon; its agent scans it in the morning of every seventh day. */
const NOON = 12;
const MORNING = 6;
const WEEK = 7;

/** The posture of the system and of the organisation, as the API told it. */
export interface Told {
  system: Posture;
  organization: OrganizationPosture;
}

/** One clinic and its year, which begins at the next midnight: both clocks are moved through it, day by day. */
export class ClinicYear {
  /** What was told at each of its instants while it was the present, and what is to be told of it at the end. */
  readonly days: { day: number; told: Told; expected: Expected; later: Expected }[] = [];
  /** What its agent finds. */
  cluster: ClusterState = { restores: [], hasMigration: false };
  /** Rotations that the key management answers with; null: nobody has asked it yet. */
  rotations: Date[] | null = null;
  /** The last day on which it is scanned. */
  scansUntil = Infinity;

  private constructor(
    readonly world: World,
    readonly clinic: Clinic,
    /** Of the two people who keep its records. Tokens last an hour: they are new on every day. */
    public keeper: Keeper,
    private readonly start: Date,
    private today: number,
  ) {}

  static async begin(): Promise<ClinicYear> {
    const world = await startApp();
    const start = new Date(Math.ceil(Date.now() / DAY_MS) * DAY_MS);
    await travel(world, new Date(start.getTime() + (NOON * DAY_MS) / 24));
    const clinic = await startClinic(world);
    const keeper = await Keeper.of(clinic, await clinic.member('compliance_officer'), await clinic.member('approver'));
    return new ClinicYear(world, clinic, keeper, start, 0);
  }

  /** An instant of a day, noon if nothing is said. */
  at = (day: number, hour = NOON): Date => new Date(this.start.getTime() + day * DAY_MS + (hour * DAY_MS) / 24);
  instant = (day: number, hour = NOON): string => this.at(day, hour).toISOString();
  date = (day: number): string => this.instant(day).slice(0, 10);

  get officer(): Caller {
    return this.keeper.officer;
  }

  /** Goes on to noon of a day; on the way its agent scans it week by week. */
  async reach(day: number): Promise<void> {
    for (let next = this.today + 1; next <= day; next++) {
      if (next % WEEK !== 0 || next > this.scansUntil) continue;
      await travel(this.world, this.at(next, MORNING));
      await this.scan();
    }
    await travel(this.world, this.at(day));
    this.today = day;
    const admin = await this.world.as('dev-admin');
    const officer = await this.world.as('dev-compliance-officer');
    this.clinic.admin = admin;
    this.keeper = await Keeper.of(this.clinic, officer, await this.world.as('dev-approver'));
  }

  /** The agent posts what it finds now. */
  async scan(): Promise<void> {
    await this.post(snapshot(new Date(), this.cluster), '', 'application/x-ndjson');
    await this.post(kubeBench({ '1.2.1': 'PASS', '1.2.2': 'PASS' }), `observedAt=${now()}&targets=node/master-1`);
    if (this.rotations !== null) await this.askKms();
  }

  /** What the key management answers now. */
  async askKms(): Promise<void> {
    const query = `observedAt=${now()}&targets=account/${KEY_ARN}`;
    await this.post(kmsAnswers(this.at(0), this.rotations ?? []), query);
  }

  private async post(report: string, query: string, contentType = 'application/json'): Promise<void> {
    const agent = await this.world.as('safeguard-agent');
    const sent = agent.post(`${this.clinic.systemPath}/scans?${query}`).set('Content-Type', contentType).send(report);
    await sent.expect((answer) => expect([200, 201], JSON.stringify(answer.body)).toContain(answer.status));
  }

  /** The posture now, or of an instant. */
  async ask(of: { asOf?: string; knownAt?: string } = {}): Promise<Told> {
    const query = new URLSearchParams(of).toString();
    const get = async (path: string): Promise<unknown> =>
      (await this.officer.get(`${path}/posture?${query}`).expect(200)).body;
    const system = (await get(this.clinic.systemPath)) as Posture;
    return { system, organization: (await get(this.clinic.path)) as OrganizationPosture };
  }

  /**
   * The posture of today, which has to be what is expected of it. It is kept: at the end of the year it is asked for again, as known today and as known then, when
   * `later` says what is known otherwise. Then waits until it is remembered, and holds memory to what is evaluated.
   */
  async holds(expected: Expected, later: Expected = {}): Promise<Told> {
    const told = await this.ask();
    expect(sayings(told, Object.keys(expected))).toEqual(matching(expected));
    // It has one system: what holds there holds of the organisation.
    expect(statuses(told.organization)).toEqual(statuses(told.system));
    this.days.push({ day: this.today, told, expected, later: { ...expected, ...later } });
    await settled(this.world);
    await this.compareMemory(new Date(told.organization.asOf));
    return told;
  }

  /** The statuses and reasons of a day's noon, as known then and as known now. */
  async held(day: number, then: Expected, now: Expected): Promise<void> {
    const asOf = this.instant(day);
    await this.expects({ asOf, knownAt: asOf }, then);
    await this.expects({ asOf }, now);
  }

  async expects(instant: { asOf: string; knownAt?: string }, expected: Expected): Promise<void> {
    const found = sayings(await this.ask(instant), Object.keys(expected));
    expect({ instant, found }).toEqual({ instant, found: matching(expected) });
  }

  /** What is remembered of the system is there, and it is what is evaluated. */
  async compareMemory(asOf: Date): Promise<void> {
    const { app } = this.world;
    const memory = app.get(PostureMemory, { strict: false });
    const reader = app.get(PostureReader, { strict: false });
    const principal = servicePrincipal('test', this.clinic.organizationId, 'test');
    const database = app.get(Database, { strict: false });
    const knownAt = await database.read(principal, (tx) => reader.present(tx, null));
    await database.readSnapshot(principal, async (tx) => {
      const question = await reader.question(tx, { systemId: null, asOf, knownAt });
      const { states, forgotten } = await memory.recall(tx, question);
      expect([asOf, forgotten]).toEqual([asOf, false]);
      for (const system of question.inScope) {
        const { evidence, part } = await reader.system(tx, question, system);
        expect(states.get(system.id), asOf.toISOString()).toEqual(systemStates(question.yardstick, evidence, part));
      }
    });
  }

  /** The checks whose names begin so and which have failing results. */
  async failing(prefix: string): Promise<{ source: string; check: string }[]> {
    const { body } = await this.officer.get(`${this.clinic.systemPath}/results?status=fail&limit=500`).expect(200);
    return (body.items as { source: string; check: string }[])
      .filter(({ check }) => check.startsWith(prefix))
      .map(({ source, check }) => ({ source, check }));
  }

  /** What is to be done, of the kinds asked for. */
  async work(query: Record<string, string> = {}): Promise<WorkItemView[]> {
    const asked = new URLSearchParams({ limit: '500', ...query }).toString();
    return (await this.officer.get(`${this.clinic.path}/work?${asked}`).expect(200)).body.items as WorkItemView[];
  }

  stop = (): Promise<void> => this.world.stop();
}

const now = (): string => new Date().toISOString();

/** Of items of the law and practices the status, and a part of its reason. */
export type Expected = Readonly<Record<string, readonly [status: Status, reason: string]>>;

const matching = (expected: Expected) =>
  Object.fromEntries(
    Object.entries(expected).map(([id, [status, reason]]) => [id, [status, expect.stringContaining(reason)]]),
  );

const statuses = ({ controls, practices }: Told[keyof Told]) =>
  [...controls, ...practices].map(({ id, status }) => [id, status]);

/** The same of what was told of the system. */
function sayings({ system }: Told, ids: readonly string[]) {
  const all = [...system.controls, ...system.practices];
  return Object.fromEntries(
    all.filter(({ id }) => ids.includes(id)).map(({ id, status, reason }) => [id, [status, reason]]),
  );
}
