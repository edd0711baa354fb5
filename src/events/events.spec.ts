import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { pino } from 'pino';
import { from as copyFrom } from 'pg-copy-streams';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DataSource } from 'typeorm';
import { copyOf } from '../../test/support/copy.js';
import { createTestDatabase, type TestDatabase } from '../../test/support/postgres.js';
import { Clock } from '../kernel/clock.js';
import { openDataSource } from '../kernel/db/data-source.js';
import { Database } from '../kernel/db/database.js';
import { newId } from '../kernel/ids.js';
import { servicePrincipal } from '../kernel/principal.js';
import { EVENT_CATEGORIES, EVENT_SEVERITIES, type SecurityEvent } from './event.js';
import type { EventRow } from './events.entity.js';
import { EventsService } from './events.service.js';
import { EventsStore, type EventFilter } from './events.store.js';
import { EVENT_STAGING, EVENT_STAGING_COLUMNS, copyEvent, eventId } from './staged-event.js';

const ORGANIZATION = newId();
const events = new EventsService(new EventsStore(), new Clock());
let testDatabase: TestDatabase;
let source: DataSource;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  source = await openDataSource(testDatabase.urls.server, { max: 4, statementTimeout: 30_000 });
  database = new Database(source, pino({ enabled: false }));
});

afterAll(async () => {
  await source.destroy();
  await testDatabase.drop();
});

/** A system of its own for each case; nothing here asks whether it exists. */
let systemId: string;
beforeEach(() => {
  systemId = newId();
});

const hour = (number: number): Date => new Date(Date.UTC(2026, 0, 1, number));
const NEVER = new Date('2100-01-01');

const exec = (said: Partial<SecurityEvent> = {}): SecurityEvent => ({
  source: 'kubernetes-audit',
  id: 'a/ResponseComplete',
  at: hour(1).toISOString(),
  category: 'exec',
  severity: 'medium',
  actor: 'alice',
  action: 'create',
  resource: 'emr/pods/portal/exec',
  namespace: 'emr',
  statusCode: 101,
  sourceIp: '10.0.0.1',
  ...said,
});

async function deliver(
  said: readonly SecurityEvent[],
  { known = hour(10), scanId = newId(), evidenceId = newId(), organizationId = ORGANIZATION } = {},
): Promise<number> {
  return database.write(servicePrincipal('test', organizationId, 'test'), async (tx) => {
    tx.withoutAudit('a test of the store alone');
    await tx.query(`create temporary table ${EVENT_STAGING} (${EVENT_STAGING_COLUMNS}) on commit drop`);
    const copy = (await tx.client()).query(copyFrom(`copy ${EVENT_STAGING} from stdin (format binary)`));
    await pipeline(Readable.from([copyOf(said, copyEvent)], { objectMode: false }), copy);
    return events.keep(tx, { systemId, scanId, evidenceId }, known);
  });
}

const found = (filter: Partial<EventFilter> = {}, organizationId = ORGANIZATION): Promise<EventRow[]> =>
  database.read(servicePrincipal('test', organizationId, 'test'), (tx) =>
    events.findEvents(tx, systemId, { knownAt: null, before: null, limit: 100, ...filter }),
  );

const ids = (rows: readonly EventRow[]): string[] => rows.map(({ nativeId }) => nativeId);

describe('is an event kept once?', () => {
  it('however often it comes, in one report or in several, with what delivered it first', async () => {
    const [scanId, evidenceId] = [newId(), newId()];
    expect(await deliver([exec(), exec(), exec({ id: 'b' })], { scanId, evidenceId })).toBe(2);
    expect(await deliver([exec({ id: 'b' }), exec({ id: 'c' })], { known: hour(11) })).toBe(1);
    expect(await deliver([exec()], { known: hour(12) })).toBe(0);
    const rows = await found();
    expect(ids(rows).sort()).toEqual(['a/ResponseComplete', 'b', 'c']);
    expect(rows.find(({ nativeId }) => nativeId === 'b')).toMatchObject({ scanId, evidenceId, knownAt: hour(10) });
  });

  it('also where two reports deliver it at the same time', async () => {
    const said = Array.from({ length: 50 }, (_, index) => exec({ id: `${index}` }));
    const counts = await Promise.all([deliver(said), deliver(said), deliver(said)]);
    expect(counts.reduce((sum, count) => sum + count)).toBe(50);
    expect(await found()).toHaveLength(50);
  });

  it('and is none hidden behind another that was given its id?', async () => {
    const others: Partial<SecurityEvent>[] = [
      { source: 'falco' },
      { at: hour(2).toISOString() },
      { actor: 'mallory' },
      { action: 'get' },
      { resource: 'emr/secrets/db' },
      { namespace: null },
      { statusCode: 403 },
      { statusCode: null },
      { sourceIp: '10.0.0.2' },
    ];
    expect(await deliver([exec(), ...others.map(exec)])).toBe(1 + others.length);
  });

  it('whatever a later reader makes of it', () => {
    expect(eventId(exec({ category: 'alert', severity: 'low' }))).toBe(eventId(exec()));
  });

  it('by each organisation and each system for itself', async () => {
    const foreign = newId();
    expect(await deliver([exec()])).toBe(1);
    expect(await deliver([exec(), exec({ id: 'theirs' })], { organizationId: foreign })).toBe(2);
    expect(ids(await found())).toEqual(['a/ResponseComplete']);
    systemId = newId();
    expect(await deliver([exec()])).toBe(1);
  });
});

describe('does a staged event arrive as it was?', () => {
  it.each([
    exec(),
    exec({ namespace: null, statusCode: null, actor: '', resource: '', sourceIp: '' }),
    exec({ id: 'tab\tline\nend\r\\N', actor: '\\N', action: '\\.', resource: 'ünïcödé 🩺', namespace: '' }),
    ...EVENT_CATEGORIES.map((category) => exec({ category })),
    ...EVENT_SEVERITIES.map((severity) => exec({ severity })),
  ])('%j', async (said) => {
    const [scanId, evidenceId] = [newId(), newId()];
    await deliver([said], { scanId, evidenceId });
    const { id: nativeId, at, ...same } = said;
    expect(await found()).toEqual([
      {
        ...same,
        organizationId: ORGANIZATION,
        systemId,
        id: eventId(said),
        nativeId,
        at: new Date(at),
        scanId,
        evidenceId,
        knownAt: hour(10),
      },
    ]);
  });
});

describe('which events are shown?', () => {
  it('the newest first, each once, page after page, also of one millisecond', async () => {
    const said = Array.from({ length: 23 }, (_, index) =>
      exec({ id: `${index}`, at: hour(Math.floor(index / 7)).toISOString() }),
    );
    await deliver(said);
    const seen: EventRow[] = [];
    for (let before: EventFilter['before'] = null; ;) {
      const page: EventRow[] = await found({ before, limit: 5 });
      seen.push(...page);
      const last = page.at(-1);
      if (page.length < 5 || last === undefined) break;
      before = [last.at.toISOString(), last.id];
    }
    expect(seen).toHaveLength(23);
    expect(new Set(ids(seen)).size).toBe(23);
    const times = seen.map(({ at }) => at.getTime());
    expect(times).toEqual([...times].sort((a, b) => b - a));
  });

  it('those that fit every filter', async () => {
    await deliver([
      exec({ id: 'a' }),
      exec({ id: 'b', category: 'denied', severity: 'low' }),
      exec({ id: 'c', source: 'falco', category: 'alert', severity: 'critical', namespace: null }),
      exec({ id: 'd', severity: 'low', namespace: 'lab' }),
    ]);
    const shown = async (filter: Partial<EventFilter>) => ids(await found(filter)).sort();
    expect(await shown({ category: 'exec' })).toEqual(['a', 'd']);
    expect(await shown({ severity: 'low' })).toEqual(['b', 'd']);
    expect(await shown({ source: 'falco' })).toEqual(['c']);
    expect(await shown({ namespace: 'emr' })).toEqual(['a', 'b']);
    expect(await shown({ category: 'exec', severity: 'low' })).toEqual(['d']);
    expect(await shown({ category: 'rbac-change' })).toEqual([]);
  });

  it('from one instant until before another', async () => {
    await deliver([1, 2, 3, 4].map((number) => exec({ id: `${number}`, at: hour(number).toISOString() })));
    expect(ids(await found({ from: hour(2), to: hour(4) }))).toEqual(['3', '2']);
    expect(ids(await found({ from: hour(4) }))).toEqual(['4']);
    expect(ids(await found({ to: hour(1) }))).toEqual([]);
  });

  it('as known at an instant: what was delivered later is left out, however old it is', async () => {
    await deliver([exec({ id: 'first' })], { known: hour(10) });
    await deliver([exec({ id: 'late', at: hour(0).toISOString() })], { known: hour(20) });
    expect(ids(await found({ knownAt: hour(9) }))).toEqual([]);
    expect(ids(await found({ knownAt: hour(10) }))).toEqual(['first']);
    expect(ids(await found({ knownAt: hour(20) }))).toEqual(['first', 'late']);
  });
});

describe('what may the app do to an event?', () => {
  it('nothing but keep it', async () => {
    await deliver([exec()]);
    for (const [url, refusal] of [
      [testDatabase.urls.server, /permission denied/],
      [testDatabase.urls.admin, /append-only/],
    ] as const) {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      try {
        await client.query(`select set_config('app.organization_id', $1, false)`, [ORGANIZATION]);
        await expect(client.query('delete from event')).rejects.toThrow(refusal);
        await expect(client.query(`update event set actor = ''`)).rejects.toThrow(refusal);
        await expect(client.query('truncate event')).rejects.toThrow(refusal);
      } finally {
        await client.end();
      }
    }
  });

  it('and is «now» never before what has just been known?', async () => {
    const principal = servicePrincipal('test', ORGANIZATION, 'test');
    const behind = new EventsService(new EventsStore(), { now: () => hour(0) });
    const ahead = new EventsService(new EventsStore(), { now: () => NEVER });
    const before = Date.now();
    const [told, untold] = await database.read(principal, async (tx) => [
      await behind.present(tx),
      await ahead.present(tx),
    ]);
    expect(told.getTime()).toBeGreaterThan(before - 60_000);
    expect(untold).toEqual(NEVER);
  });
});
