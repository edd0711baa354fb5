import { describe, expect, it } from 'vitest';
import { effectiveRecord } from '../../test/support/effective.js';
import { factsOf as facts } from '../../test/support/facts.js';
import { newId } from '../kernel/ids.js';
import type { EffectiveRecord } from '../records/effective.js';
import type { ListedFact } from '../results/listed-fact.js';
import { keyLedger, type LedgerKey } from './ledger.js';
import { seenKeys } from './seen.js';

const ID = '11111111-2222-4333-8444-555555555555';
const ARN = `arn:aws:kms:eu-central-1:111122223333:key/${ID}`;
const KEY = '00000000-0000-4000-8000-000000000001';

const day = (text: string): Date => new Date(`${text}T00:00:00Z`);
const AS_OF = day('2026-06-01');

const key = (fields: Record<string, unknown> = {}, more: Partial<EffectiveRecord> = {}) =>
  effectiveRecord(
    'key',
    {
      name: 'etcd',
      purpose: 'etcd-kms',
      custodian: '00000000-0000-4000-8000-00000000000a',
      provider: 'aws-kms',
      keyId: ARN,
      createdOn: '2025-06-15',
      policyDays: 365,
      rotateAfterIncident: true,
      ...fields,
    },
    { id: KEY, naturalKey: 'etcd', ...more },
  );

const rotation = (performedAt: string, fields: Record<string, unknown> = {}) =>
  effectiveRecord(
    'key_rotation_event',
    {
      key: KEY,
      toVersion: '2',
      requestedBy: 'M. Alvarez',
      performedBy: 'T. Nguyen',
      performedAt,
      reason: 'scheduled',
      reencryption: 'not_needed',
      ...fields,
    },
    { id: newId(), subject: KEY, goodFrom: new Date(performedAt) },
  );

const incident = (discoveredAt: string, fields: Record<string, unknown> = {}) =>
  effectiveRecord(
    'incident_record',
    { number: 'I-7', discoveredAt, keys: [KEY], ...fields },
    { id: newId(), naturalKey: 'I-7' },
  );

const described = (more: object = {}) => ({
  KeyMetadata: {
    KeyId: ID,
    Arn: ARN,
    Enabled: true,
    KeyState: 'Enabled',
    KeyManager: 'CUSTOMER',
    CreationDate: '2025-06-15T00:00:00Z',
    ...more,
  },
});
const rotated = (...dates: string[]) => ({
  Rotations: dates.map((RotationDate) => ({ KeyId: ARN, RotationDate })),
  Truncated: false,
});

function ledger(records: readonly EffectiveRecord[], told: readonly ListedFact[] = [], asOf = AS_OF): LedgerKey[] {
  return keyLedger({ records, seen: seenKeys(told), asOf });
}

function theOne(records: readonly EffectiveRecord[], told: readonly ListedFact[] = [], asOf = AS_OF): LedgerKey {
  const all = ledger(records, told, asOf);
  expect(all).toHaveLength(1);
  const [one] = all;
  if (one === undefined) throw new Error('no key');
  return one;
}

const states = ({ findings }: LedgerKey) => findings.map(({ state }) => state);

describe('the golden ledger: one key told by hand, by three answers of KMS, and a certificate by cert-manager', () => {
  const answers = [
    described(),
    { KeyId: ARN, KeyRotationEnabled: true },
    rotated('2025-09-01T08:00:00Z', '2026-03-01T08:00:00Z'),
  ];
  const certificate = {
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    metadata: { namespace: 'emr', name: 'portal' },
    spec: { secretName: 'portal-tls', issuerRef: { name: 'internal' }, privateKey: { rotationPolicy: 'Always' } },
    status: {
      revision: 4,
      notBefore: '2026-05-01T00:00:00Z',
      notAfter: '2026-08-01T00:00:00Z',
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
  const told = [...facts(answers, day('2026-05-01'), `account/${ARN}`), ...facts(certificate, day('2026-05-01'))];
  const tls = '00000000-0000-4000-8000-000000000002';
  const records = [
    key(),
    rotation('2025-09-01T20:00:00Z', { toVersion: '2' }),
    rotation('2026-03-02T07:00:00Z', { fromVersion: '2', toVersion: '3' }),
    key(
      {
        name: 'portal',
        purpose: 'tls',
        provider: 'cert-manager',
        keyId: 'emr/portal',
        policyDays: 90,
        createdOn: '2025-06-15',
      },
      { id: tls, naturalKey: 'portal' },
    ),
    rotation('2026-05-01T09:00:00Z', { key: tls, toVersion: '4' }),
  ];

  it('has each key and each rotation once, with everything that tells of it', () => {
    const all = ledger(records, told);
    const shown = all.map(({ name, state, rotations, seen }) => ({
      name,
      state,
      sources: seen?.sources,
      rotations: rotations.map(({ at, version, tellings }) => [
        at.toISOString(),
        version,
        tellings.map(({ by }) => (by.kind === 'fact' ? by.source : 'by hand')).sort(),
      ]),
    }));
    expect(shown).toEqual([
      {
        name: 'etcd',
        state: 'ok',
        sources: ['aws-kms/describe-key', 'aws-kms/get-key-rotation-status', 'aws-kms/list-key-rotations'],
        rotations: [
          ['2026-03-01T08:00:00.000Z', '3', ['aws-kms/list-key-rotations', 'by hand']],
          ['2025-09-01T08:00:00.000Z', '2', ['aws-kms/list-key-rotations', 'by hand']],
        ],
      },
      {
        name: 'portal',
        state: 'ok',
        sources: ['cert-manager/Certificate'],
        rotations: [['2026-05-01T00:00:00.000Z', '4', ['by hand', 'cert-manager/Certificate']]],
      },
    ]);
  });

  it('and without the records, both are seen: the key as unrecorded, the certificate as renewed by itself', () => {
    const all = ledger([], told);
    expect(all.map(({ record, state, seen }) => [record, state, seen?.keyId])).toEqual([
      [null, 'unrecorded', ARN],
      [null, 'ok', 'emr/portal'],
    ]);
    const [certificateAlone] = ledger(
      [],
      facts({ ...certificate, spec: { ...certificate.spec, privateKey: {} } }, AS_OF),
    );
    expect([certificateAlone?.state, certificateAlone?.rotations]).toEqual(['unrecorded', []]);
  });
});

describe('what state is a key in?', () => {
  it('ok within its interval, from when it was made or last rotated', () => {
    expect(theOne([key()])).toMatchObject({ state: 'ok', dueAt: day('2026-06-15'), lastRotatedAt: null });
    const fresh = theOne([key({ createdOn: '2020-01-01' }), rotation('2026-01-01T00:00:00Z')]);
    expect(fresh).toMatchObject({ state: 'ok', dueAt: day('2027-01-01') });
  });

  it('never_rotated, or overdue, from the instant on at which its interval is over', () => {
    const before = theOne([key()], [], new Date(day('2026-06-15').getTime() - 1));
    expect([before.state, before.changesAt]).toEqual(['ok', day('2026-06-15')]);
    expect(theOne([key()], [], day('2026-06-15')).state).toBe('never_rotated');
    const old = [key({ policyDays: 30 }), rotation('2026-04-01T00:00:00Z')];
    expect(theOne(old).state).toBe('overdue');
    expect(theOne(old).findings[0]?.reason).toContain('etcd is overdue: last rotated on 2026-04-01, due on 2026-05-01');
  });

  it('by the earliest of what record and provider say of when it was made', () => {
    const told = facts(described({ CreationDate: '2025-01-01T00:00:00Z' }), AS_OF);
    expect(theOne([key()], told).state).toBe('never_rotated');
  });

  it('a rotation that is yet to come, or that is no rotation that can be read, is none', () => {
    expect(theOne([key({ policyDays: 30 }), rotation('2026-06-02T00:00:00Z')]).state).toBe('never_rotated');
    expect(theOne([key({ policyDays: 30 }), rotation('2026-05-30T00:00:00Z', { toVersion: 7 })]).state).toBe(
      'never_rotated',
    );
    expect(theOne([key({ policyDays: 30 }), rotation('2026-05-30T00:00:00Z', { key: newId() })]).state).toBe(
      'never_rotated',
    );
  });

  it('overdue where its record cannot be read', () => {
    expect(theOne([key({ policyDays: 'often' })])).toMatchObject({ state: 'overdue', fields: null });
  });

  it('ok by what its provider did by itself; that it would is not enough', () => {
    const due = key({ policyDays: 30 });
    expect(theOne([due], facts(rotated('2026-05-20T00:00:00Z'), AS_OF, `account/${ARN}`)).state).toBe('ok');
    const willing = theOne([due], facts({ KeyId: ARN, KeyRotationEnabled: true }, AS_OF));
    expect(willing.state).toBe('never_rotated');
    expect(willing.findings[0]?.reason).toContain('post the list of its rotations');
  });

  it('not ok by a rotation that the provider does not have in a list of all', () => {
    const records = [key({ policyDays: 100 }), rotation('2026-04-01T00:00:00Z')];
    const told = facts(rotated('2025-09-01T00:00:00Z'), day('2026-05-01'), `account/${ARN}`);
    const denied = theOne(records, told);
    expect(denied.state).toBe('overdue');
    expect(denied.findings[0]?.reason).toContain('does not count');
    expect(denied.rotations.map((one) => one.denied)).toEqual([true, false]);
    // The list may be older than the rotation, or not all.
    expect(theOne(records, facts(rotated('2025-09-01T00:00:00Z'), day('2026-03-01'), `account/${ARN}`)).state).toBe(
      'ok',
    );
    const cut = { ...rotated('2025-09-01T00:00:00Z'), Truncated: true };
    expect(theOne(records, facts(cut, day('2026-05-01'), `account/${ARN}`)).state).toBe('ok');
  });

  it('rotated_by_requester by its last rotation alone', () => {
    const by = { requestedBy: 'T. Nguyen', performedBy: ' t. nguyen' };
    expect(theOne([key(), rotation('2026-05-01T00:00:00Z', by)]).state).toBe('rotated_by_requester');
    // The same person, however the name is written.
    for (const performedBy of ['T.\u00a0 Nguyen', 't. NGUYEN ']) {
      const same = { requestedBy: 'T. Nguyen', performedBy };
      expect(theOne([key(), rotation('2026-05-01T00:00:00Z', same)]).state).toBe('rotated_by_requester');
    }
    const since = [rotation('2026-05-01T00:00:00Z', by), rotation('2026-05-10T00:00:00Z', { toVersion: '3' })];
    expect(theOne([key(), ...since]).state).toBe('ok');
  });

  it('not_rotated_after_incident when 30 days have passed, and due until then', () => {
    const records = [key(), rotation('2026-05-01T00:00:00Z'), incident('2026-05-02T00:00:00Z')];
    const within = theOne(records, [], day('2026-05-31'));
    expect(within).toMatchObject({ state: 'ok', dueAt: day('2026-06-01'), changesAt: day('2026-06-01') });
    expect(within.dueAfter?.record.naturalKey).toBe('I-7');
    expect(theOne(records, [], day('2026-06-01')).state).toBe('not_rotated_after_incident');
    expect(
      theOne([...records, rotation('2026-05-02T01:00:00Z', { toVersion: '3' })], [], day('2026-06-01')).state,
    ).toBe('ok');
    expect(theOne([key({ rotateAfterIncident: false }), records[1]!, records[2]!]).state).toBe('ok');
    expect(theOne([key(), records[1]!, incident('2026-05-02T00:00:00Z', { keys: [newId()] })]).state).toBe('ok');
  });

  it('not_rotated_after_incident also where a link of the incident names it', () => {
    const linked: EffectiveRecord = {
      ...incident('2026-05-02T00:00:00Z', { keys: undefined }),
      links: [{ kind: 'record', target: KEY, note: 'its key leaked' }],
    };
    const records = [key(), rotation('2026-05-01T00:00:00Z'), linked];
    expect(theOne(records, [], day('2026-06-01')).state).toBe('not_rotated_after_incident');
  });

  it('reencryption_pending until a record of it links to the key or the rotation', () => {
    const pending = rotation('2026-05-01T12:00:00Z', { reencryption: 'pending' });
    const later = rotation('2026-05-20T00:00:00Z', { toVersion: '3' });
    expect(theOne([key(), pending]).state).toBe('reencryption_pending');
    // What needs none itself does not finish what the one before began.
    expect(theOne([key(), pending, later]).state).toBe('reencryption_pending');
    expect(
      theOne([key(), pending, rotation('2026-05-20T00:00:00Z', { toVersion: '3', reencryption: 'done' })]).state,
    ).toBe('ok');
    const done = (target: string, goodFrom: string, more: Partial<EffectiveRecord> = {}) =>
      effectiveRecord(
        'reencryption_record',
        {},
        {
          id: newId(),
          goodFrom: day(goodFrom),
          links: [{ kind: 'record', target, note: '' }],
          ...more,
        },
      );
    expect(theOne([key(), pending, done(KEY, '2026-05-01')]).state).toBe('ok');
    expect(theOne([key(), pending, done(pending.id, '2026-05-03')]).state).toBe('ok');
    expect(theOne([key(), pending, done(newId(), '2026-05-03')]).state).toBe('reencryption_pending');
    expect(theOne([key(), pending, done(KEY, '2026-04-30')]).state).toBe('reencryption_pending');
    expect(theOne([key(), pending, done(KEY, '2026-05-03', { fails: true })]).state).toBe('reencryption_pending');
  });

  it('disabled, or to be deleted, by what its provider says', () => {
    expect(theOne([key()], facts(described({ Enabled: false, KeyState: 'Disabled' }), AS_OF)).state).toBe('disabled');
    const dying = described({ Enabled: false, KeyState: 'PendingDeletion', DeletionDate: '2026-06-20T00:00:00Z' });
    expect(states(theOne([key()], facts(dying, AS_OF)))).toEqual(['deletion_scheduled']);
    const expired = theOne([key()], facts(described({ ValidTo: '2026-06-01T00:00:00Z' }), AS_OF));
    expect(expired.state).toBe('disabled');
    expect(theOne([key()], facts(described({ ValidTo: '2026-06-02T00:00:00Z' }), AS_OF)).changesAt).toEqual(
      day('2026-06-02'),
    );
    // Nobody has to record what can no longer be used.
    expect(states(theOne([], facts(dying, AS_OF)))).toEqual(['deletion_scheduled']);
  });

  it('several at once, the gravest first', () => {
    const records = [
      key({ policyDays: 10 }),
      rotation('2026-03-01T00:00:00Z', { reencryption: 'pending', performedBy: 'M. Alvarez' }),
      incident('2026-04-01T00:00:00Z'),
    ];
    expect(states(theOne(records, facts(described({ Enabled: false }), AS_OF)))).toEqual([
      'not_rotated_after_incident',
      'disabled',
      'overdue',
      'reencryption_pending',
      'rotated_by_requester',
    ]);
  });
});

describe('which key is it?', () => {
  it.each([
    ['aws-kms', ID],
    ['AWS KMS', ARN],
    ['aws', ` ${ARN} `],
  ])('%s %s', (provider, keyId) => {
    expect(theOne([key({ provider, keyId })], facts(described(), AS_OF)).seen?.keyId).toBe(ARN);
  });

  it('another provider’s, or another id, is not', () => {
    expect(ledger([key({ provider: 'gcp-kms' })], facts(described(), AS_OF))).toHaveLength(2);
    expect(ledger([key({ keyId: 'another' })], facts(described(), AS_OF))).toHaveLength(2);
  });

  const transit = {
    data: {
      name: 'phi',
      type: 'aes256-gcm96',
      keys: { '1': 1767225600, '2': 1779926400 },
      latest_version: 2,
      min_decryption_version: 1,
    },
  };
  it('a name that two mounts have is no name', () => {
    const one = facts(transit, AS_OF, 'account/east');
    const two = [...one, ...facts(transit, AS_OF, 'account/west')];
    const named = (keyId: string, told: readonly ListedFact[]) =>
      ledger([key({ provider: 'vault', keyId })], told).map(({ record, seen }) => [
        record?.id ?? null,
        seen?.reference ?? null,
      ]);
    expect(named('phi', one)).toEqual([[KEY, 'east/phi']]);
    expect(named('phi', two)).toEqual([
      [KEY, null],
      [null, 'east/phi'],
      [null, 'west/phi'],
    ]);
    expect(named('west/keys/phi', two)).toEqual([
      [KEY, 'west/phi'],
      [null, 'east/phi'],
    ]);
  });

  it('are versions of a transit key its rotations, but for the first?', () => {
    const one = theOne([key({ provider: 'vault', keyId: 'phi' })], facts(transit, AS_OF, 'account/east'));
    expect(one.rotations.map(({ at, version }) => [at.toISOString(), version])).toEqual([
      ['2026-05-28T00:00:00.000Z', '2'],
    ]);
  });

  it('is a multi-region key one in each region?', () => {
    const of = (region: string) => ({
      KeyId: `arn:aws:kms:${region}:111122223333:key/mrk-1`,
      KeyRotationEnabled: true,
    });
    const told = facts([of('eu-central-1'), of('us-east-1')], AS_OF);
    const all = ledger([key({ keyId: of('us-east-1').KeyId })], told);
    expect(all.map(({ record, seen }) => [record?.id ?? null, seen?.reference])).toEqual([
      [KEY, 'us-east-1/mrk-1'],
      [null, 'eu-central-1/mrk-1'],
    ]);
  });

  it('are keys that a provider manages nobody’s to record?', () => {
    expect(theOne([], facts(described({ KeyManager: 'AWS' }), AS_OF)).state).toBe('ok');
  });
});
