import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { effectiveRecord } from '../../test/support/effective.js';
import { DAY_MS } from '../kernel/dates.js';
import { newId } from '../kernel/ids.js';
import { judgeKeys } from './judge.js';
import { keyLedger } from './ledger.js';

const BEGIN = Date.UTC(2026, 0, 1);
const at = (day: number): Date => new Date(BEGIN + day * DAY_MS);
const text = (day: number): string => at(day).toISOString();

/** Keys with events, all in effect throughout: what they say is changed by dates alone. */
const KEY = fc.record({
  purpose: fc.constantFrom('volume', 'database', 'etcd-kms'),
  createdOn: fc.integer({ min: 0, max: 20 }),
  policyDays: fc.integer({ min: 1, max: 120 }),
  rotations: fc.array(
    fc.record({
      day: fc.integer({ min: 0, max: 100 }),
      reencryption: fc.constantFrom('done', 'pending', 'not_needed'),
      performedBy: fc.constantFrom('a', 'b'),
    }),
    { maxLength: 3 },
  ),
  incidents: fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 2 }),
  reencrypted: fc.option(fc.integer({ min: 0, max: 100 })),
});

function recordsOf(keys: readonly (typeof KEY extends fc.Arbitrary<infer Key> ? Key : never)[]) {
  return keys.flatMap(({ purpose, createdOn, policyDays, rotations, incidents, reencrypted }, index) => {
    const id = newId();
    const name = `key ${index}`;
    return [
      effectiveRecord(
        'key',
        {
          name,
          purpose,
          custodian: newId(),
          provider: 'other',
          keyId: name,
          createdOn: text(createdOn).slice(0, 10),
          policyDays,
          rotateAfterIncident: true,
        },
        { id },
      ),
      ...rotations.map(({ day, reencryption, performedBy }, number) =>
        effectiveRecord(
          'key_rotation_event',
          {
            key: id,
            toVersion: `${number}`,
            requestedBy: 'a',
            performedBy,
            performedAt: text(day),
            reason: 'other',
            reencryption,
          },
          { id: newId() },
        ),
      ),
      ...incidents.map((day) =>
        effectiveRecord('incident_record', { number: `${day}`, discoveredAt: text(day), keys: [id] }, { id: newId() }),
      ),
      ...(reencrypted === null
        ? []
        : [
            effectiveRecord(
              'reencryption_record',
              {},
              { id: newId(), goodFrom: at(reencrypted), links: [{ kind: 'record', target: id, note: '' }] },
            ),
          ]),
    ];
  });
}

const judged = (records: ReturnType<typeof recordsOf>, asOf: Date) =>
  judgeKeys({ ledger: keyLedger({ records, seen: [], asOf }), records, limitOf: () => ({ days: 45 }), asOf });

const shown = (statements: ReturnType<typeof judged>) =>
  statements
    .map(({ about, need, says, reason, records }) => JSON.stringify([about, need, says, reason, records]))
    .sort();

describe('does a statement stay what it is until the instant that it names?', () => {
  it('whatever keys, rotations and incidents there are', () => {
    fc.assert(
      fc.property(
        fc.array(KEY, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 0, max: 150 }),
        fc.integer({ min: 0, max: 100 }),
        (keys, start, length) => {
          const records = recordsOf(keys);
          const now = judged(records, at(start));
          const untils = now.flatMap(({ until, again }) => [until, again]).flatMap((until) => until?.getTime() ?? []);
          for (const until of untils) expect(until).toBeGreaterThan(at(start).getTime());
          const end = Math.min(at(start + length).getTime(), ...untils.map((until) => until - 1));
          expect(shown(judged(records, new Date(end)))).toEqual(shown(now));
        },
      ),
      { numRuns: 1000 },
    );
  });
});
