import { describe, expect, it } from 'vitest';
import { effectiveRecord } from '../../test/support/effective.js';
import { newId } from '../kernel/ids.js';
import type { EffectiveRecord } from '../records/effective.js';
import { judgeKeys, type KeysInput } from './judge.js';
import { keyLedger } from './ledger.js';
import type { SeenKey } from './seen.js';

const day = (text: string): Date => new Date(`${text}T00:00:00Z`);
const AS_OF = day('2026-06-01');
const OWNER = '00000000-0000-4000-8000-00000000000c';

const key = (name: string, fields: Record<string, unknown> = {}, said: Partial<EffectiveRecord> = {}) =>
  effectiveRecord(
    'key',
    {
      name,
      purpose: 'volume',
      custodian: OWNER,
      provider: 'aws-kms',
      keyId: name,
      createdOn: '2026-01-01',
      policyDays: 365,
      rotateAfterIncident: true,
      ...fields,
    },
    { id: newId(), naturalKey: name, ownerId: OWNER, ...said },
  );
const rotation = (of: EffectiveRecord, performedAt: string, fields: Record<string, unknown> = {}) =>
  effectiveRecord(
    'key_rotation_event',
    {
      key: of.id,
      toVersion: '2',
      requestedBy: 'a',
      performedBy: 'b',
      performedAt,
      reason: 'scheduled',
      reencryption: 'not_needed',
      ...fields,
    },
    { id: newId() },
  );

const SEEN: SeenKey = {
  id: newId(),
  provider: 'aws-kms',
  keyId: 'somewhere',
  reference: 'somewhere',
  shortReference: null,
  managedBy: 'customer',
  state: null,
  enabled: true,
  deletedAt: null,
  isDeleted: false,
  expiresAt: null,
  createdAt: null,
  rotatesItself: null,
  latestVersion: null,
  tellings: [],
  listedSince: null,
  sources: ['aws-kms/describe-key'],
  series: [newId()],
};

const LIMITS: Record<string, number | null> = {
  'encryption-key-rotation/key_rotation_event': 366,
  'secret-rotation/secret_rotation_event': 92,
  'secrets-encryption-at-rest/reencryption_record': null,
  'central-key-management/key': null,
};

function judged(records: EffectiveRecord[], { seen = [] as SeenKey[], asOf = AS_OF, limits = LIMITS } = {}) {
  const input: KeysInput = {
    ledger: keyLedger({ records, seen, asOf }),
    records,
    limitOf: (practice, type) => {
      const days = limits[`${practice}/${type}`];
      return days === undefined ? undefined : { days };
    },
    asOf,
  };
  const all = judgeKeys(input);
  return (practice: string) => all.filter(({ about }) => 'practice' in about && about.practice === practice);
}

describe('is the rotation of keys shown?', () => {
  const of = (...given: Parameters<typeof judged>) => judged(...given)('encryption-key-rotation');

  it('not by silence', () => {
    expect(of([])).toEqual([]);
  });

  it('by all recorded keys within their interval, until the first is due', () => {
    const [one, two] = [key('one'), key('two', { policyDays: 200 })];
    expect(of([one, two])).toMatchObject([
      { says: 'met', need: 'key_rotation_event', until: day('2026-07-20') },
      { says: 'met', records: [two.id], work: { kind: 'due', dueAt: day('2026-07-20') } },
    ]);
    // Of an interval of 200 days it is soon in the last third, from 14 May on.
    expect(of([one, two], { asOf: day('2026-05-14') })).toHaveLength(1);
    expect(of([one, two], { asOf: day('2026-07-20') })).toMatchObject([
      { says: 'failing', records: [two.id], work: { kind: 'failing', ownerId: OWNER } },
    ]);
  });

  it('not for longer than the practice says, whatever interval people set', () => {
    const long = key('long', { policyDays: 3650 });
    expect(of([long])).toMatchObject([
      { says: 'met', reason: expect.stringContaining('the one recorded key is'), until: day('2027-01-02') },
    ]);
    expect(of([long], { asOf: day('2027-01-02') })).toMatchObject([
      { says: 'stale', reason: expect.stringContaining('long') },
    ]);
  });

  it('and is each that is soon due, or too old, work of its own owner and by its own day?', () => {
    const owners = [newId(), newId(), newId()];
    const [one, two, three] = [330, 340, 3650].map((policyDays, at) =>
      key(`key ${at}`, { policyDays }, { ownerId: owners[at]! }),
    ) as [EffectiveRecord, EffectiveRecord, EffectiveRecord];
    const due = (record: EffectiveRecord, ownerId: string, dueAt: Date) => ({
      says: 'met',
      records: [record.id],
      reason: expect.stringMatching(/is to be rotated by/),
      work: { kind: 'due', ownerId, dueAt },
    });
    const keys = [three, two, one];
    expect(of(keys, { asOf: day('2026-10-01') })).toMatchObject([
      { says: 'met', records: [one.id, two.id, three.id], again: day('2026-10-04') },
      due(one, owners[0]!, day('2026-11-27')),
      due(two, owners[1]!, day('2026-12-07')),
    ]);
    // Beside one that fails, and beside what is too old.
    expect(of(keys, { asOf: day('2026-12-05') })).toMatchObject([
      { says: 'failing', records: [one.id] },
      due(two, owners[1]!, day('2026-12-07')),
      due(three, owners[2]!, day('2027-01-02')),
    ]);
    const old = [key('a', { policyDays: 3650 }), key('b', { policyDays: 3650 })];
    expect(of(old, { asOf: day('2027-01-05') })).toMatchObject(
      old.map(({ id }) => ({ says: 'stale', records: [id], work: { kind: 'stale', dueAt: day('2027-01-02') } })),
    );
  });

  it('not while one fails, of which each says why', () => {
    const bad = key('bad');
    const said = of([key('good'), bad, rotation(bad, '2026-05-01T00:00:00Z', { performedBy: 'a' })]);
    expect(said).toMatchObject([{ says: 'failing', reason: expect.stringContaining('Key bad') }]);
  });

  it('not while a key is seen that nobody has recorded, but for certificates', () => {
    expect(of([key('good')], { seen: [SEEN] })).toMatchObject([
      { says: 'failing', series: SEEN.series, reason: expect.stringContaining('somewhere') },
    ]);
    expect(of([key('good')], { seen: [{ ...SEEN, provider: 'cert-manager' }] })).toMatchObject([{ says: 'met' }]);
    expect(of([], { seen: [{ ...SEEN, provider: 'cert-manager' }] })).toEqual([]);
  });

  it('and is a rotation after an incident work until it is failing?', () => {
    const one = key('one');
    const incident = effectiveRecord(
      'incident_record',
      { number: 'I-1', discoveredAt: '2026-05-20T00:00:00Z', keys: [one.id] },
      { id: newId(), naturalKey: 'I-1' },
    );
    expect(of([one, incident])).toMatchObject([
      { says: 'met', until: day('2026-06-19') },
      {
        says: 'met',
        reason: expect.stringContaining('not rotated after incident I-1'),
        work: { kind: 'due', dueAt: day('2026-06-19') },
      },
    ]);
    expect(of([one, incident], { asOf: day('2026-06-19') })).toMatchObject([{ says: 'failing' }]);
  });

  it('and is it so, with its own day, while the key is overdue, too old or soon due as well?', () => {
    const after = (policyDays: number, asOf: Date) => {
      const one = key('one', { policyDays });
      const fields = { number: 'I-1', discoveredAt: '2026-12-20T00:00:00Z', keys: [one.id] };
      const incident = effectiveRecord('incident_record', fields, { id: newId(), naturalKey: 'I-1' });
      return of([one, incident], { asOf });
    };
    const due = {
      says: 'met',
      reason: expect.stringContaining('I-1'),
      work: { kind: 'due', dueAt: day('2027-01-19') },
    };
    expect(after(300, day('2026-12-31'))).toMatchObject([{ says: 'failing' }, due]);
    expect(after(3650, day('2027-01-05'))).toMatchObject([{ says: 'stale' }, due]);
    expect(after(366, day('2026-12-31'))).toMatchObject([
      { says: 'met' },
      { says: 'met', work: { dueAt: day('2027-01-02') } },
      due,
    ]);
  });

  it('is what it says of no need where the practice does not ask for the type?', () => {
    const late = key('late', { policyDays: 1 });
    expect(of([late], { limits: {} })).toMatchObject([{ says: 'failing', need: null }]);
    expect(of([key('good')], { limits: {} })).toEqual([]);
  });
});

describe('is the rotation of secrets shown?', () => {
  const of = (...given: Parameters<typeof judged>) => judged(...given)('secret-rotation');
  const event = (goodFrom: string, more: Partial<EffectiveRecord> = {}) =>
    effectiveRecord('secret_rotation_event', {}, { id: newId(), goodFrom: day(goodFrom), ...more });

  it('by a fresh record, until it is too old', () => {
    expect(of([event('2026-01-01'), event('2026-05-01')])).toMatchObject([{ says: 'met', until: day('2026-08-01') }]);
    expect(of([event('2026-05-01')], { asOf: day('2026-08-01') })).toMatchObject([{ says: 'stale' }]);
    expect(of([])).toEqual([]);
  });

  it('not by one that is made later', () => {
    expect(of([event('2026-06-02')])).toEqual([]);
    expect(of([event('2026-01-01'), event('2026-06-02')])).toMatchObject([{ says: 'stale', until: day('2026-06-02') }]);
  });

  it('by the credentials of the ledger, where there are any', () => {
    expect(of([key('db', { purpose: 'database' }), event('2026-05-01')])).toMatchObject([{ says: 'stale' }]);
    expect(of([key('db', { purpose: 'database', createdOn: '2026-05-20' })])).toMatchObject([{ says: 'met' }]);
    expect(of([key('db', { purpose: 'database', policyDays: 30 }), event('2026-05-01')])).toMatchObject([
      { says: 'failing' },
    ]);
  });

  it('not by one after which the old secret is still in use', () => {
    const half = { fields: { consumersDone: false } };
    expect(of([event('2026-05-01', half)])).toMatchObject([
      { says: 'failing', reason: expect.stringContaining('consumers') },
    ]);
    expect(of([event('2026-05-01', half), event('2026-05-02', { fields: { consumersDone: true } })])).toMatchObject([
      { says: 'met' },
    ]);
  });

  it('not by one that failed or was disposed of', () => {
    expect(of([event('2026-05-01', { fails: true, outcome: 'bad' })])).toMatchObject([{ says: 'failing' }]);
    expect(of([event('2026-05-01', { disposed: true })])).toEqual([]);
  });
});

describe('is it shown that keys are kept in one place?', () => {
  const of = (...given: Parameters<typeof judged>) => judged(...given)('central-key-management');

  it('by records of all that are seen', () => {
    // When the key is to be rotated is no end of its custody: then it is only looked at again.
    expect(of([key('somewhere')], { seen: [SEEN] })).toMatchObject([
      { says: 'met', need: 'key', reason: expect.stringContaining('1 key is'), until: null, again: day('2027-01-01') },
    ]);
    expect(of([], { seen: [SEEN] })).toMatchObject([{ says: 'failing', need: 'key' }]);
    expect(of([])).toEqual([]);
  });

  it('not where one that is in use is disabled or to be deleted', () => {
    expect(of([key('somewhere')], { seen: [{ ...SEEN, enabled: false }] })).toMatchObject([{ says: 'failing' }]);
    expect(of([key('somewhere')], { seen: [{ ...SEEN, isDeleted: true }] })).toMatchObject([{ says: 'failing' }]);
  });
});

describe('is it shown that secrets of etcd are under the new key?', () => {
  const of = (...given: Parameters<typeof judged>) => judged(...given)('secrets-encryption-at-rest');
  const done = effectiveRecord('reencryption_record', {}, { id: newId(), goodFrom: day('2026-02-01') });

  it('by a record, of whatever age, unless a rotation since wants another', () => {
    expect(of([done])).toMatchObject([{ says: 'met', until: null }]);
    const etcd = key('etcd', { purpose: 'etcd-kms' });
    expect(of([done, etcd, rotation(etcd, '2026-05-01T00:00:00Z', { reencryption: 'pending' })])).toMatchObject([
      { says: 'failing', reason: expect.stringContaining('etcd') },
    ]);
  });

  it('not by what was encrypted anew under the key of a volume', () => {
    const [etcd, volume] = [key('etcd', { purpose: 'etcd-kms' }), key('volume')];
    const turned = rotation(volume, '2026-01-20T00:00:00Z');
    const under = (fields: Record<string, unknown>, ...targets: string[]) =>
      effectiveRecord('reencryption_record', fields, {
        id: newId(),
        goodFrom: day('2026-02-01'),
        links: targets.map((target) => ({ kind: 'record', target, note: '' })),
      });
    expect(of([etcd, volume, under({ key: volume.id }, volume.id)])).toEqual([]);
    expect(of([etcd, volume, turned, under({}, turned.id)])).toEqual([]);
    expect(of([etcd, volume, under({ key: newId() })])).toEqual([]);
    expect(of([etcd, volume, under({ key: etcd.id }, etcd.id)])).toMatchObject([{ says: 'met' }]);
    expect(of([etcd, volume, turned, under({}, newId())])).toMatchObject([{ says: 'met' }]);
  });
});
