import { describe, expect, it } from 'vitest';
import { effectiveRecord } from '../../test/support/effective.js';
import { newId } from '../kernel/ids.js';
import type { Candidate, Neighbour } from '../records/rules.js';
import { readRotation } from './fields.js';
import { keysRules, orderFaults } from './rules.js';

const NOW = new Date('2026-06-01T00:00:00Z');
const KEY = newId();
const KEY_FIELDS = {
  name: 'etcd',
  purpose: 'etcd-kms',
  custodian: newId(),
  provider: 'aws-kms',
  keyId: '11111111-2222-4333-8444-555555555555',
  createdOn: '2026-01-10',
  policyDays: 365,
  rotateAfterIncident: true,
};
const ROTATION = {
  key: KEY,
  fromVersion: '1',
  toVersion: '2',
  requestedBy: 'a',
  performedBy: 'b',
  performedAt: '2026-05-01T00:00:00Z',
  reason: 'scheduled',
  reencryption: 'done',
};

const candidate = (type: string, fields: Record<string, unknown>, kind: Candidate['kind'] = 'content'): Candidate => ({
  ...effectiveRecord(type, fields, { id: newId() }),
  kind,
  reason: null,
});
const neighbour = (type: string, fields: Record<string, unknown>, id: string = newId()): Neighbour => ({
  ...effectiveRecord(type, fields, { id }),
  effectiveTo: null,
});
const theKey = neighbour('key', KEY_FIELDS, KEY);

const pointers = (one: Candidate, ...neighbours: Neighbour[]) =>
  keysRules.faults(one, neighbours, NOW).map(({ pointer }) => pointer);
const rotation = (fields: Record<string, unknown> = {}) => candidate('key_rotation_event', { ...ROTATION, ...fields });

describe('which re-encryptions are refused?', () => {
  const reencrypted = (result: string, remaining: number) =>
    pointers(candidate('reencryption_record', { result, remaining }));

  it('those that call themselves complete and leave something', () => {
    expect(reencrypted('complete', 0)).toEqual([]);
    expect(reencrypted('incomplete', 12)).toEqual([]);
    expect(reencrypted('complete', 12)).toEqual(['/fields/remaining']);
  });
});

describe('which rotations are refused?', () => {
  it('none that can have been', () => {
    expect(pointers(rotation(), theKey)).toEqual([]);
    // Who asked for it did it: that is judged, for it happened.
    expect(pointers(rotation({ requestedBy: 'b' }), theKey)).toEqual([]);
    expect(pointers(rotation({ performedAt: '2026-01-10T00:00:00Z' }), theKey)).toEqual([]);
  });

  it('those before the key was there', () => {
    expect(pointers(rotation({ performedAt: '2026-01-09T23:59:59Z' }), theKey)).toEqual(['/fields/performedAt']);
  });

  it('those of a key that is not in effect', () => {
    expect(pointers(rotation())).toEqual(['/fields/key']);
    expect(pointers(rotation(), neighbour('key', KEY_FIELDS))).toEqual(['/fields/key']);
  });

  it('those to the version that it was, however it is written', () => {
    expect(pointers(rotation({ fromVersion: 'v2' }), theKey)).toEqual(['/fields/toVersion']);
  });

  it('those that are recorded already', () => {
    const other = neighbour('key_rotation_event', { ...ROTATION, toVersion: 'V2' });
    expect(keysRules.faults(rotation(), [theKey, other], NOW)).toMatchObject([
      { pointer: '/fields/toVersion', extra: { conflictsWith: other.id } },
    ]);
    expect(pointers(rotation(), theKey, neighbour('key_rotation_event', { ...ROTATION, key: newId() }))).toEqual([]);
  });

  it('those that do not go on from the version before', () => {
    const fields = readRotation(ROTATION)!;
    const before = { at: new Date('2026-03-01T00:00:00Z'), version: '7', event: null };
    expect(orderFaults(fields, [before])).toMatchObject([{ pointer: '/fields/fromVersion' }]);
    expect(orderFaults(fields, [{ ...before, version: 'v1' }])).toEqual([]);
    expect(orderFaults(fields, [{ ...before, version: null }, before])).toEqual([]);
    expect(orderFaults(fields, [{ ...before, at: new Date('2026-05-02T00:00:00Z') }])).toEqual([]);
    expect(orderFaults({ ...fields, fromVersion: null }, [before])).toEqual([]);
    expect(orderFaults(fields, [])).toEqual([]);
    // What its provider says of this rotation itself is not one before it.
    expect(orderFaults(fields, [{ at: new Date('2026-04-30T23:00:00Z'), version: '2', event: null }])).toEqual([]);
  });

  it('those that the next one does not go on from', () => {
    const fields = readRotation({ ...ROTATION, fromVersion: '7', toVersion: '8' })!;
    const after = (fromVersion: string | null, day = '2026-06-01') => ({
      at: new Date(`${day}T00:00:00Z`),
      version: '2',
      event: { fromVersion },
    });
    expect(orderFaults(fields, [after('1')])).toMatchObject([{ pointer: '/fields/toVersion' }]);
    expect(orderFaults(fields, [after('V8')])).toEqual([]);
    expect(orderFaults(fields, [after(null)])).toEqual([]);
    expect(orderFaults(fields, [{ ...after('1'), event: null }])).toEqual([]);
    // It is the next one that goes on from it, and none after that.
    expect(orderFaults(fields, [after('9', '2026-07-01'), after('8')])).toEqual([]);
  });

  it('nothing of an end', () => {
    expect(pointers(candidate('key_rotation_event', ROTATION, 'end'))).toEqual([]);
  });
});

describe('which keys are refused?', () => {
  it('one that is yet to be made', () => {
    const made = (createdOn: string) => pointers(candidate('key', { ...KEY_FIELDS, createdOn }));
    expect(made('2026-06-01')).toEqual([]);
    expect(made('2026-06-02')).toEqual(['/fields/createdOn']);
  });

  it('the second record of one reference', () => {
    const arn = `arn:aws:kms:eu-central-1:111122223333:key/${KEY_FIELDS.keyId}`;
    expect(pointers(candidate('key', { ...KEY_FIELDS, name: 'other', keyId: arn }), theKey)).toEqual(['/fields/keyId']);
    expect(pointers(candidate('key', { ...KEY_FIELDS, provider: 'gcp' }), theKey)).toEqual([]);
    expect(pointers(candidate('key', KEY_FIELDS))).toEqual([]);
  });
});
