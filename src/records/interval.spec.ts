import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { growthByClock } from '../../test/support/growth.js';
import { day, FAR, RecordHistory, type Version } from '../../test/support/record-history.js';
import { differences } from '../audit/account.js';
import { joinByHash } from '../kernel/db/join-by-hash.js';
import { newId } from '../kernel/ids.js';
import { AccountsStore } from './accounts.store.js';
import type { EndedRecord, NeedLimit } from './effective.js';

const history = new RecordHistory();
const { organizationId, stores } = history;
const BOTH = Object.values(stores);
const intervals = stores.database;
const accounts = new AccountsStore();

beforeAll(() => history.open());
afterAll(() => history.close());

const DAY = 86_400_000;
const SYSTEMS = [newId(), newId()];

interface Told extends Version {
  recordId: string;
  version: number;
  known: Date;
}

const step = fc.integer({ min: 0, max: 9 });
const VERSION = fc.record({
  record: fc.nat({ max: 2 }),
  ends: fc.constantFrom(false, false, true),
  from: step,
  systems: fc.constantFrom<number[]>([], [], [0], [1], [0, 1]),
  age: fc.integer({ min: -3, max: 4 }),
  lasts: fc.option(fc.integer({ min: 1, max: 4 })),
  fails: fc.constantFrom(false, false, false, true),
  subject: fc.constantFrom(null, 'ada', 'ben'),
  about: fc.constantFrom<string[]>([], ['x'], ['x', 'y'], ['z']),
});
/** Each batch is decided by one statement. */
const HISTORY = fc.array(fc.array(VERSION, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 7 });

/** Writes a history of records of a type of their own. */
async function tell(type: string, batches: typeof HISTORY extends fc.Arbitrary<infer H> ? H : never): Promise<Told[]> {
  const ids = [newId(), newId(), newId()];
  const told: Told[] = [];
  for (const batch of batches) {
    await history.write(async (tx) => {
      const decided: Omit<Told, 'known'>[] = [];
      for (const { record, ends, from, systems, age, lasts, fails, subject, about } of batch) {
        const recordId = ids[record] ?? '';
        // One version of a record is open at most.
        if (decided.some((other) => other.recordId === recordId)) continue;
        const earlier = told.filter((other) => other.recordId === recordId);
        const version = {
          kind: ends && earlier.length > 0 ? ('end' as const) : ('content' as const),
          from: day(from),
          goodFrom: day(from - age),
          expiresAt: lasts === null ? null : day(from + lasts),
          fails,
          systemIds: systems.map((index) => SYSTEMS[index] ?? ''),
          subject: earlier[0]?.subject ?? subject,
          about,
        };
        await history.submit(tx, type, recordId, earlier.length + 1, version);
        decided.push({ ...version, recordId, version: earlier.length + 1 });
      }
      const known = await history.approve(tx, decided);
      told.push(...decided.map((version) => ({ ...version, known })));
    });
  }
  return told;
}

/** The rule in one line: of what was known, the last version that begins by then; none where it ends the record. */
function inEffect(told: readonly Told[], asOf: Date, knownAt: Date): Told[] {
  return [...new Set(told.map(({ recordId }) => recordId))].flatMap((recordId) => {
    const last = told.filter((v) => v.recordId === recordId && v.known <= knownAt && v.from <= asOf).at(-1);
    return last === undefined || last.kind === 'end' ? [] : [last];
  });
}

const named = (versions: readonly { version: number; recordId?: string; id?: string }[]): string[] =>
  versions.map(({ id, recordId, version }) => `${id ?? recordId}/${version}`).sort();

/** Every pair that can tell anything apart. */
function instantsOf(told: readonly Told[]): { asOf: Date; knownAt: Date }[] {
  return rowsOf(told).flat();
}

/** Those of one instant of knowledge are a row. */
function rowsOf(told: readonly Told[]): { asOf: Date; knownAt: Date }[][] {
  const known = [...new Set(told.map((version) => version.known.getTime()))];
  const knownAts = [...known, ...known.map((at) => at - 1), FAR.getTime()].map((at) => new Date(at));
  return knownAts.map((knownAt) => Array.from({ length: 12 }, (_, at) => ({ asOf: day(at - 1), knownAt })));
}

/** Null: no system, which is all of them or the organisation itself, as one asks. */
const PLACES = [null, ...SYSTEMS];

/**
 * Every pair with one of the places, which take turns along the rows and along the columns. What is wrong of an interval is so from where it begins to where it ends, at pairs that lie
 * beside each other: so more histories tell more than each place at every pair.
 */
function turnsOf(told: readonly Told[]): { instant: { asOf: Date; knownAt: Date }; systemId: string | null }[] {
  return rowsOf(told).flatMap((row, at) =>
    row.map((instant, column) => ({ instant, systemId: PLACES[(at + column) % PLACES.length] ?? null })),
  );
}

describe('do intervals say what versions say?', () => {
  it('at every pair of instants, of any history: the last approved version that begins by then', async () => {
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(HISTORY, async (batches) => {
        const type = `t_${newId()}`;
        const told = await tell(type, batches);
        await history.readSnapshot(async (tx) => {
          for (const { instant, systemId } of turnsOf(told)) {
            const expected = inEffect(told, instant.asOf, instant.knownAt).filter(
              ({ systemIds }) => systemId === null || systemIds.includes(systemId),
            );
            const filter = { types: [type], ...(systemId === null ? {} : { systemId }) };
            for (const store of BOTH) {
              expect(named(await store.effective(tx, instant, filter))).toEqual(named(expected));
            }
            asked += expected.length;
          }
        });
      }),
      { numRuns: 20 },
    );
    expect(asked).toBeGreaterThan(500);
  }, 120_000);

  it('are they those that a replay of the versions gives, one by one?', async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(HISTORY, async (batches) => {
        const ids = [...new Set((await tell(`t_${newId()}`, batches)).map(({ recordId }) => recordId))];
        await history.readSnapshot(async (tx) => {
          const rows = await accounts.rows(tx, ids);
          expect(differences(rows, await accounts.due(tx, ids))).toEqual([]);
          compared += rows.length;
        });
      }),
      { numRuns: 25 },
    );
    expect(compared).toBeGreaterThan(50);
  }, 120_000);

  it('what has ended is the last that was in effect, with the instant from which it was not', async () => {
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(HISTORY, async (batches) => {
        const type = `t_${newId()}`;
        const told = await tell(type, batches);
        await history.readSnapshot(async (tx) => {
          for (const { asOf, knownAt } of instantsOf(told)) {
            const ids = new Set(told.map(({ recordId }) => recordId));
            const expected = [...ids].flatMap((recordId) => {
              const of = told.filter((version) => version.recordId === recordId);
              if (inEffect(of, asOf, knownAt).length > 0) return [];
              // Nothing begins within a day: the last day on which something was in effect tells when it ended.
              for (let back = asOf.getTime() - DAY; back >= day(0).getTime(); back -= DAY) {
                const [last] = inEffect(of, new Date(back), knownAt);
                if (last !== undefined) return [[`${recordId}/${last.version}`, new Date(back + DAY)]];
              }
              return [];
            });
            for (const store of BOTH) {
              const found = await store.ended(tx, { asOf, knownAt }, { types: [type] });
              expect(found.map(({ id, version, endedAt }) => [`${id}/${version}`, endedAt])).toEqual(expected.sort());
            }
            asked += expected.length;
          }
        });
      }),
      { numRuns: 30 },
    );
    expect(asked).toBeGreaterThan(20);
  }, 120_000);

  it('what is past is every version that was in effect, and what is to end ends when nothing of it goes on', async () => {
    let [past, ending] = [0, 0];
    await fc.assert(
      fc.asyncProperty(HISTORY, async (batches) => {
        const type = `t_${newId()}`;
        const told = await tell(type, batches);
        await history.readSnapshot(async (tx) => {
          for (const instant of instantsOf(told)) {
            const was = new Map<string, Date>();
            for (let at = day(0); at < instant.asOf; at = new Date(at.getTime() + DAY)) {
              for (const one of inEffect(told, at, instant.knownAt)) {
                was.set(`${one.recordId}/${one.version}`, new Date(at.getTime() + DAY));
              }
            }
            const present = inEffect(told, instant.asOf, instant.knownAt);
            for (const one of named(present)) was.delete(one);
            const endings = present.flatMap((one): [string, Date][] => {
              const end = endOf(told, one, instant);
              const goesOn = inEffect(told, end ?? FAR, instant.knownAt).some(
                ({ recordId }) => recordId === one.recordId,
              );
              return end === null || goesOn ? [] : [[one.recordId, end]];
            });
            for (const store of BOTH) {
              const found: EndedRecord[] = [];
              for await (const version of store.past(tx, instant, [type])) found.push(version);
              expect(new Map(found.map(({ id, version, endedAt }) => [`${id}/${version}`, endedAt]))).toEqual(was);
              expect(await store.endings(tx, instant, [type])).toEqual(new Map(endings));
            }
            past += was.size;
            ending += endings.length;
          }
        });
      }),
      { numRuns: 15 },
    );
    // Of fifteen histories that are drawn by lot some have any.
    expect(past).toBeGreaterThan(0);
    expect(ending).toBeGreaterThan(0);
  }, 120_000);

  it('needs count, for each subject, the one that speaks for it', async () => {
    let [spoken, ended] = [0, 0];
    await fc.assert(
      fc.asyncProperty(HISTORY, async (batches) => {
        const type = `t_${newId()}`;
        const told = await tell(type, batches);
        const limits = [
          ...[0, 3, null].map((days): NeedLimit => ({ type, days })),
          { type, days: 3, about: ['y', 'z'] },
        ];
        await history.readSnapshot(async (tx) => {
          for (const { instant, systemId } of turnsOf(told)) {
            const speakingAt = (asOf: Date, about: readonly string[] | undefined) =>
              inEffect(told, asOf, instant.knownAt).filter(
                (one) =>
                  one.goodFrom <= asOf &&
                  (systemId === null ? one.systemIds.length === 0 : one.systemIds.includes(systemId)) &&
                  about?.some((id) => one.about.includes(id)) !== false,
              );
            const expected = limits.flatMap((limit) => {
              const speaking = speakingAt(instant.asOf, limit.about);
              if (speaking.length === 0) return [];
              const ends = speakersOf(speaking, instant.asOf).map((speaker) => {
                const end = endOf(told, speaker, instant);
                const goesOn =
                  end !== null && speakingAt(end, limit.about).some(({ subject }) => subject === speaker.subject);
                return goesOn ? null : end;
              });
              const endsAt = ends.includes(null) ? null : (ends.sort((a, b) => Number(b) - Number(a))[0] ?? null);
              ended += endsAt === null ? 0 : 1;
              return [{ limit, systemId, ...summaryOf(speaking, limit.days, instant.asOf), endsAt }];
            });
            for (const store of BOTH) expect(await store.needs(tx, instant, systemId, limits)).toEqual(expected);
            spoken += expected.length;
          }
        });
      }),
      { numRuns: 16 },
    );
    expect(spoken).toBeGreaterThan(500);
    expect(ended).toBeGreaterThan(20);
  }, 120_000);

  it('of two records of one day, does the failing one speak?', async () => {
    // By what is asked next, which is in effect from later, the other one would; and whichever was decided on first.
    const both = { ends: false, systems: [], lasts: null, subject: 'ada' as const, about: [] };
    const passed = { ...both, record: 0, from: 1, age: 1, fails: false };
    const failed = { ...both, record: 1, from: 0, age: 0, fails: true };
    for (const batches of [[[passed], [failed]], [[failed], [passed]], [[passed, failed]]]) {
      const type = `t_${newId()}`;
      const told = await tell(type, batches);
      const speaks = told.find(({ fails }) => fails)?.recordId;
      expect(told.map(({ goodFrom }) => goodFrom)).toEqual([day(0), day(0)]);
      await history.readSnapshot(async (tx) => {
        const instant = { asOf: day(2), knownAt: FAR };
        for (const store of BOTH) {
          expect(await store.needs(tx, instant, null, [{ type, days: 3 }])).toMatchObject([
            { subjects: 1, failing: 1, fresh: 0, records: [speaks] },
          ]);
        }
      });
    }
  });

  it('between two change points of a place nothing of it changes', async () => {
    let points = 0;
    await fc.assert(
      fc.asyncProperty(HISTORY, fc.constantFrom(null, SYSTEMS[0] ?? null), async (batches, systemId) => {
        const type = `t_${newId()}`;
        await tell(type, batches);
        const limits = [{ type, days: 3 }];
        const [since, until] = [day(-5), day(30)];
        const said = (asOf: Date) =>
          history.readSnapshot(async (tx) => {
            const instant = { asOf, knownAt: FAR };
            return {
              effective: named(
                await intervals.effective(tx, instant, { types: [type], ...(systemId === null ? {} : { systemId }) }),
              ),
              needs: await intervals.needs(tx, instant, systemId, limits),
            };
          });
        const changes = await history.readSnapshot((tx) => intervals.changePoints(tx, systemId, since, until, limits));
        const own = changes.filter((at) => at > since && at <= until);
        expect(own).toEqual(changes);
        // Of an organisation that has been told of other histories too: so only what these days say is compared.
        let before = await said(new Date(since.getTime() + 1));
        for (let at = since.getTime() + HALF_DAY; at < until.getTime(); at += HALF_DAY) {
          const now = await said(new Date(at));
          const changed = changes.some((point) => point.getTime() > at - HALF_DAY && point.getTime() <= at);
          if (!changed) expect(now).toEqual(before);
          before = now;
        }
        points += changes.length;
      }),
      { numRuns: 5 },
    );
    expect(points).toBeGreaterThan(10);
  }, 120_000);

  it('twenty-five thousand approvals are one statement, and take no longer each than a few would', async () => {
    // As after any look of Postgres at tables that were small: what is planned by that has to hold for many.
    await history.asAdmin('analyze');
    let [type, known] = ['', FAR];
    const approved = (count: number): Promise<void> =>
      history.write(async (tx) => {
        type = `t_${newId()}`;
        await tx.execute(
          `insert into record
         select $1, ($2 || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, $3, '', 1, 1, null, 1, now(), 'test'
         from generate_series(1, $4::integer) n`,
          [organizationId, newId().slice(0, 13), type, count],
        );
        await tx.execute(
          `insert into record_version (organization_id, record_id, version, kind, state, type, type_version, title, owner_id, fields, system_ids,
           effective_from, good_from, natural_key, subject, subject_id, fails, about, links, documents, hands, created_at, created_by, submitted_at, submitted_by)
         select $1, id, 1, 'content', 'submitted', $2, 'test', '', 'test', '{"person": "somebody"}', '{}', $3, $3, '', id::text, id, false, '{}',
           '[{"kind": "practice", "target": "training", "note": ""}]', '[]', array[$4::uuid], now(), 'test', now(), 'test'
         from record where organization_id = $1 and type = $2`,
          [organizationId, type, day(0), history.author],
        );
        const refs = await tx.query<{ recordId: string; version: number }>(
          'select record_id as "recordId", version from record_version where organization_id = $1 and type = $2',
          [organizationId, type],
        );
        await joinByHash(tx, true);
        known = await history.approve(tx, refs);
      });
    expect(await growthByClock(approved, 1_000, 25, 1)).toBeLessThan(100);
    const instant = { asOf: day(1), knownAt: known };
    const [summary] = await history.readSnapshot((tx) => intervals.needs(tx, instant, null, [{ type, days: 365 }]));
    expect(summary).toMatchObject({ subjects: 25_000, fresh: 25_000, failing: 0, expired: 0 });
    // More than a judge can hold: an error, and no list that ends early.
    await expect(history.readSnapshot((tx) => intervals.effective(tx, instant, { types: [type] }))).rejects.toThrow(
      'more than 20000 records',
    );
    // What was in effect adds up without end, and is read as it is taken.
    await history.asAdmin(
      'update record_interval set effective_to = $3, ended_known = known_from where organization_id = $1 and type = $2',
      [organizationId, type, day(1)],
    );
    await history.readSnapshot(async (tx) => {
      let past = 0;
      for await (const { endedAt } of intervals.past(tx, instant, [type])) past += endedAt <= day(1) ? 1 : 0;
      expect(past).toBe(25_000);
    });
  });
});

const HALF_DAY = 12 * 3_600_000;

/** When a version that is in effect is no more, by what was known; null: never. */
function endOf(
  told: readonly Told[],
  { recordId, version }: Told,
  instant: { asOf: Date; knownAt: Date },
): Date | null {
  const of = told.filter((one) => one.recordId === recordId);
  const days = Array.from({ length: 14 }, (_, at) => new Date(instant.asOf.getTime() + (at + 1) * DAY));
  return days.find((at) => inEffect(of, at, instant.knownAt)[0]?.version !== version) ?? null;
}

const isExpired =
  (asOf: Date) =>
  ({ expiresAt }: Told): boolean =>
    expiresAt !== null && expiresAt <= asOf;

/** Of each subject the one that speaks for it. */
function speakersOf(there: readonly Told[], asOf: Date): Told[] {
  const expired = isExpired(asOf);
  return [...new Set(there.map(({ subject }) => subject))].map(
    (subject) =>
      there
        .filter((version) => version.subject === subject)
        .sort(
          (a, b) =>
            Number(expired(a)) - Number(expired(b)) ||
            b.goodFrom.getTime() - a.goodFrom.getTime() ||
            Number(b.fails) - Number(a.fails) ||
            b.from.getTime() - a.from.getTime() ||
            (a.recordId < b.recordId ? -1 : 1),
        )[0]!,
  );
}

/** What NeedSummary says of itself, but for `endsAt`. */
function summaryOf(there: readonly Told[], days: number | null, asOf: Date) {
  const expired = isExpired(asOf);
  const speakers = speakersOf(there, asOf);
  const well = speakers.filter((speaker) => !speaker.fails && !expired(speaker));
  const least = (dates: Date[]): Date | null => dates.sort((a, b) => a.getTime() - b.getTime())[0] ?? null;
  return {
    subjects: speakers.length,
    failing: speakers.filter(({ fails }) => fails).length,
    expired: speakers.filter((speaker) => !speaker.fails && expired(speaker)).length,
    fresh: well.filter(({ goodFrom }) => days === null || goodFrom.getTime() + days * DAY >= asOf.getTime()).length,
    newestGoodFrom: well.map(({ goodFrom }) => goodFrom).sort((a, b) => b.getTime() - a.getTime())[0] ?? null,
    oldestGoodFrom: least(well.map(({ goodFrom }) => goodFrom)),
    firstExpires: least(well.flatMap(({ expiresAt }) => (expiresAt === null ? [] : [expiresAt]))),
    records: speakers
      .sort(
        (a, b) =>
          Number(b.fails) - Number(a.fails) ||
          Number(expired(b)) - Number(expired(a)) ||
          a.goodFrom.getTime() - b.goodFrom.getTime() ||
          (a.recordId < b.recordId ? -1 : 1),
      )
      .slice(0, 5)
      .map(({ recordId }) => recordId),
  };
}
