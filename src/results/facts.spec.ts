import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { pino } from 'pino';
import { from as copyFrom } from 'pg-copy-streams';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DataSource } from 'typeorm';
import { copyOf } from '../../test/support/copy.js';
import { holdFact, type HeldFact } from '../../test/support/held.js';
import { createTestDatabase, type TestDatabase } from '../../test/support/postgres.js';
import { openDataSource } from '../kernel/db/data-source.js';
import { Database } from '../kernel/db/database.js';
import { newId } from '../kernel/ids.js';
import { servicePrincipal } from '../kernel/principal.js';
import type { FactKind, FactValue } from './fact.js';
import { FactsStore, type FactFilter } from './facts.store.js';
import type { ListedFact } from './listed-fact.js';
import { factId, targetId } from './series.js';
import { copyFact, FACT_STAGING_COLUMNS, valueDigest } from './staged-fact.js';

const ORGANIZATION = newId();
const principal = servicePrincipal('test', ORGANIZATION, 'test');
const facts = new FactsStore();
let testDatabase: TestDatabase;
let source: DataSource;
let database: Database;
let admin: pg.Client;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  source = await openDataSource(testDatabase.urls.server, { max: 4, statementTimeout: 30_000 });
  database = new Database(source, pino({ enabled: false }));
  admin = new pg.Client({ connectionString: testDatabase.urls.admin });
  await admin.connect();
});

afterAll(async () => {
  await source.destroy();
  await admin.end();
  await testDatabase.drop();
});

/** A system of its own for each case. */
let systemId: string;
beforeEach(async () => {
  systemId = await newSystem(ORGANIZATION);
});

const CLUSTER = targetId('cluster', 'cluster');
const NODE = targetId('node', 'n1');

async function newSystem(organizationId: string): Promise<string> {
  const id = newId();
  await admin.query(`insert into organization values ($1, 'clinic', '{}', 1, now(), now()) on conflict do nothing`, [
    organizationId,
  ]);
  await admin.query(`insert into system values ($1, $2, $3, 'production', 'stores', '{}', 1, now(), now(), null)`, [
    organizationId,
    id,
    id,
  ]);
  await admin.query(
    `insert into target values ($1, $2, $3, 'cluster', 'cluster'), ($1, $2, $4, 'node', 'n1'), ($1, $2, $5, 'account', 'aws/1')`,
    [organizationId, id, CLUSTER, NODE, targetId('account', 'aws/1')],
  );
  return id;
}

const day = (number: number): Date => new Date(Date.UTC(2026, 0, 1 + number));

const driver = (name: string): FactValue<'volume-snapshot-class'> => ({ driver: name, deletionPolicy: null });

/** In this case's system, if nothing else is said. */
const hold = (said: Partial<HeldFact>, of = { organizationId: ORGANIZATION, systemId }): Promise<string> =>
  holdFact(admin, of, { from: day(1), knownFrom: day(1), value: driver('x'), ...said });

const listed = (filter: Partial<FactFilter> = {}, asOf = day(100), knownAt = day(100)): Promise<ListedFact[]> =>
  database.read(principal, (tx) => facts.list(tx, systemId, { asOf, knownAt }, { after: null, limit: 100, ...filter }));

const subjects = (found: readonly ListedFact[]): string[] => found.map(({ subject }) => subject).sort();

describe('which facts are shown at an instant?', () => {
  it('those that had begun and not ended, with what was said then', async () => {
    await hold({ from: day(1), to: day(3), endedKnown: day(3), value: driver('before') });
    await hold({ from: day(3), knownFrom: day(3), value: driver('after') });
    expect(await listed({}, day(0))).toEqual([]);
    expect(await listed({}, day(2))).toMatchObject([{ value: driver('before'), observedTo: day(3) }]);
    expect(await listed({}, day(3))).toMatchObject([{ value: driver('after'), observedTo: null }]);
  });

  it('by what was known at another: an end that was not known yet is neither an end nor told', async () => {
    await hold({ from: day(1), knownFrom: day(2), to: day(3), endedKnown: day(5) });
    expect(await listed({}, day(4), day(1))).toEqual([]);
    expect(await listed({}, day(4), day(4))).toMatchObject([{ observedFrom: day(1), observedTo: null }]);
    expect(await listed({}, day(2), day(4))).toMatchObject([{ observedTo: null }]);
    expect(await listed({}, day(2), day(5))).toMatchObject([{ observedTo: day(3) }]);
    expect(await listed({}, day(4), day(5))).toEqual([]);
  });

  it('without what was known to be wrong by then', async () => {
    await hold({ knownTo: day(5) });
    await hold({ knownFrom: day(5), value: driver('corrected') });
    expect(await listed({}, day(9), day(4))).toMatchObject([{ value: driver('x') }]);
    expect(await listed({}, day(9), day(5))).toMatchObject([{ value: driver('corrected') }]);
  });

  it('of this system alone, and of no other organisation', async () => {
    await hold({ subject: 'mine' });
    await hold(
      { subject: 'of another system' },
      { organizationId: ORGANIZATION, systemId: await newSystem(ORGANIZATION) },
    );
    const foreign = newId();
    const theirs = await newSystem(foreign);
    await hold({ subject: 'foreign' }, { organizationId: foreign, systemId: theirs });
    expect(subjects(await listed())).toEqual(['mine']);
    const instant = { asOf: day(100), knownAt: day(100) };
    const asked = await database.read(principal, (tx) => facts.list(tx, theirs, instant, { after: null, limit: 10 }));
    expect(asked).toEqual([]);
  });

  it('that fit every filter', async () => {
    await hold({ subject: 'a', source: 'one', namespace: 'emr' });
    await hold({ subject: 'b', source: 'two', namespace: 'emr' });
    await hold({ subject: 'c', source: 'two', targetId: NODE });
    const value: FactValue<'secret-store'> = { provider: 'vault', ready: true, reason: null };
    await hold({ subject: 'd', source: 'two', kind: 'secret-store', namespace: 'lab', value });
    await hold({ subject: 'e', targetId: targetId('account', 'aws/1') });
    expect(subjects(await listed({ source: 'two' }))).toEqual(['b', 'c', 'd']);
    expect(subjects(await listed({ namespace: 'emr' }))).toEqual(['a', 'b']);
    expect(subjects(await listed({ kind: 'secret-store' }))).toEqual(['d']);
    expect(subjects(await listed({ subject: 'c' }))).toEqual(['c']);
    expect(subjects(await listed({ target: 'node/n1' }))).toEqual(['c']);
    expect(subjects(await listed({ target: 'account/aws/1' }))).toEqual(['e']);
    expect(subjects(await listed({ source: 'two', namespace: 'emr', kind: 'volume-snapshot-class' }))).toEqual(['b']);
    expect(await listed({ source: 'two', namespace: 'emr', kind: 'secret-store' })).toEqual([]);
  });

  it('each once, page after page', async () => {
    const all: string[] = [];
    for (let number = 0; number < 23; number++) all.push(await hold({ subject: `subject ${number}` }));
    const seen: string[] = [];
    for (let after: string | null = null; ;) {
      const page: ListedFact[] = await listed({ after, limit: 5 });
      seen.push(...page.map(({ series }) => series));
      after = page.at(-1)?.series ?? null;
      if (page.length < 5) break;
    }
    expect(seen).toEqual(all.sort());
  });
});

describe('which facts were so in a period?', () => {
  const overlapping = (from: Date, to: Date, knownAt = day(100), kinds: FactKind[] = ['volume-snapshot-class']) =>
    database.read(principal, (tx) => facts.overlapping(tx, systemId, kinds, { from, to, knownAt }, 100));

  it('those that began before its end and had not ended at its beginning, in all their intervals', async () => {
    await hold({ from: day(1), to: day(3), endedKnown: day(3), value: driver('first') });
    await hold({ from: day(3), knownFrom: day(3), to: day(5), endedKnown: day(5), value: driver('second') });
    await hold({ subject: 'open', from: day(4), knownFrom: day(4) });
    const values = async (from: number, to: number) =>
      (await overlapping(day(from), day(to))).map(({ value, subject }) => [subject, value]);
    expect(await values(2, 3)).toEqual([
      ['planted', driver('first')],
      ['planted', driver('second')],
    ]);
    expect(await values(3, 3)).toEqual([['planted', driver('second')]]);
    expect(await values(5, 9)).toEqual([['open', driver('x')]]);
    expect(await values(-3, 0)).toEqual([]);
  });

  it('at one instant: those that are visible then', async () => {
    await hold({ from: day(1), to: day(3), endedKnown: day(6) });
    await hold({ subject: 'wrong', from: day(1), knownTo: day(5) });
    for (const known of [0, 1, 4, 5, 6]) {
      for (const instant of [0, 1, 2, 3, 4]) {
        const visible = await listed({}, day(instant), day(known));
        const found = await overlapping(day(instant), day(instant), day(known));
        expect(found.map(({ series }) => series)).toEqual(visible.map(({ series }) => series));
        expect(found.map(({ observedTo }) => observedTo)).toEqual(visible.map(({ observedTo }) => observedTo));
      }
    }
  });

  it('of these kinds, and of this organisation, alone', async () => {
    await hold({});
    await hold({ subject: 'other', kind: 'secret-store', value: { provider: 'vault', ready: true, reason: null } });
    expect(subjects(await overlapping(day(1), day(9)))).toEqual(['planted']);
    expect(subjects(await overlapping(day(1), day(9), day(9), ['secret-store', 'volume-snapshot-class']))).toEqual([
      'other',
      'planted',
    ]);
    const foreign = newId();
    const theirs = await newSystem(foreign);
    await hold({}, { organizationId: foreign, systemId: theirs });
    const period = { from: day(1), to: day(9), knownAt: day(9) };
    const asked = await database.read(principal, (tx) =>
      facts.overlapping(tx, theirs, ['volume-snapshot-class'], period, 10),
    );
    expect(asked).toEqual([]);
  });
});

describe('what has been said of one fact?', () => {
  it('every interval, corrections included, in the order in which they became known', async () => {
    const series = await hold({ from: day(1), knownFrom: day(1), knownTo: day(9), value: driver('wrong') });
    await hold({ from: day(1), knownFrom: day(9), to: day(4), endedKnown: day(9), value: driver('early') });
    await hold({ from: day(4), knownFrom: day(9), value: driver('late') });
    await hold({ subject: 'another' });
    const history = await database.read(principal, (tx) => facts.history(tx, systemId, series, 10));
    expect(
      history.map(({ value, observedFrom, observedTo, knownFrom, knownTo }) => [
        value,
        observedFrom,
        observedTo,
        knownFrom,
        knownTo,
      ]),
    ).toEqual([
      [driver('wrong'), day(1), null, day(1), day(9)],
      [driver('early'), day(1), day(4), day(9), null],
      [driver('late'), day(4), null, day(9), null],
    ]);
    expect(await database.read(principal, (tx) => facts.history(tx, systemId, series, 2))).toHaveLength(2);
  });
});

describe('does a staged fact arrive as it was?', () => {
  it.each([
    ['plain', null],
    ['with tab\tand\nline\r\nend', 'emr'],
    ['with back\\slash, \\N and \\.', '\\N'],
    ['with "quotes", ünïcödé and 🩺', ''],
  ])('%j', async (subject, namespace) => {
    const value: FactValue<'mutual-tls-policy'> = {
      mode: subject,
      selector: { [subject]: 'x\\n"' },
      portModes: {},
      createdAt: null,
    };
    const series = factId(CLUSTER, 'istio', 'mutual-tls-policy', subject);
    const fact = {
      series,
      targetId: CLUSTER,
      source: 'istio',
      kind: 'mutual-tls-policy',
      subject,
      namespace,
      value,
    } as const;
    const rows = await database.write(principal, async (tx) => {
      tx.withoutAudit('a test of the staging alone');
      await tx.query(`create temporary table staging_fact (${FACT_STAGING_COLUMNS}) on commit drop`);
      const copy = (await tx.client()).query(copyFrom('copy staging_fact from stdin (format binary)'));
      await pipeline(Readable.from([copyOf([fact], copyFact)], { objectMode: false }), copy);
      return tx.query<object>('select * from staging_fact');
    });
    expect(rows).toEqual([
      {
        series,
        target_id: CLUSTER,
        source: 'istio',
        kind: 'mutual-tls-policy',
        subject,
        namespace,
        value,
        value_digest: valueDigest(value),
      },
    ]);
  });

  it('and do values differ exactly where they say different things, in whatever order?', () => {
    const policy = (selector: Record<string, string>) =>
      valueDigest({ mode: 'STRICT', selector, portModes: {}, createdAt: null });
    expect(policy({ a: '1', b: '2' })).toBe(policy({ b: '2', a: '1' }));
    expect(policy({ a: '1', b: '2' })).not.toBe(policy({ a: '2', b: '1' }));
    expect(valueDigest(driver('1'))).not.toBe(valueDigest({ driver: '1', deletionPolicy: '' }));
  });
});

describe('what may the app do to a fact?', () => {
  it('end it or correct it, once, and nothing else', async () => {
    await hold({});
    const app = new pg.Client({ connectionString: testDatabase.urls.server });
    await app.connect();
    try {
      await app.query(`select set_config('app.organization_id', $1, false)`, [ORGANIZATION]);
      await expect(app.query('delete from fact')).rejects.toThrow(/permission denied/);
      await expect(app.query(`update fact set value = '{}'`)).rejects.toThrow(/permission denied/);
      const end = `update fact set observed_to = '2026-02-01', ended_known = '2026-02-01' where system_id = $1`;
      await app.query(end, [systemId]);
      await expect(app.query(end.replaceAll('02-01', '03-01'), [systemId])).rejects.toThrow(/not changed again/);
      await app.query(`update fact set known_to = '2026-03-01' where system_id = $1`, [systemId]);
      await expect(app.query(`update fact set known_to = null where system_id = $1`, [systemId])).rejects.toThrow(
        /not changed again/,
      );
    } finally {
      await app.end();
    }
    await expect(admin.query('delete from fact where system_id = $1', [systemId])).rejects.toThrow(/append-only/);
  });
});
