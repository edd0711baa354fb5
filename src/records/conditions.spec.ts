import { describe, expect, it } from 'vitest';
import { currentCatalog } from '../catalog/load.js';
import { growth } from '../../test/support/growth.js';
import { conditionFaults, orderFaults } from './conditions.js';

const catalog = currentCatalog();

/** The example of a type, changed, held to what holds of its fields together. */
function pointers(type: string, change: Record<string, unknown> = {}, documents = 1): string[] {
  const { holds, example } = catalog.recordType(type)!;
  const fields = { ...example.fields, ...change };
  return conditionFaults(holds, { fields, documents: Array<null>(documents).fill(null) }).map(({ pointer }) => pointer);
}

describe('does a record that contradicts itself pass?', () => {
  it.each(catalog.recordTypes.map(({ type }) => type))('not the example of %s, for it does not', (type) => {
    expect(pointers(type)).toEqual([]);
  });

  it.each([
    ['mfa_report', { enrolled: 500 }, 'people'],
    ['disk_encryption_evidence', { encrypted: 30 }, 'encrypted'],
    ['kms_access_review', { both: 1 }, 'both'],
    ['reencryption_record', { remaining: 1 }, 'remaining'],
    ['integrity_check', { mismatches: 1 }, 'mismatches'],
    ['integrity_verification', { failed: 1 }, 'failed'],
    ['log_gap_report', { gaps: [{ from: '2026-10-26T00:00:00Z', to: '2026-10-26T01:00:00Z' }] }, 'gaps'],
    ['redaction_test', { hits: 1 }, 'hits'],
    ['time_sync_report', { largestOffsetMs: 100.1 }, 'largestOffsetMs'],
    ['isolation_test', { leaks: 1 }, 'leaks'],
    ['tls_scan', { lowest: 'TLS 1.1 or lower' }, 'lowest'],
    ['image_secret_scan', { found: 1 }, 'found'],
    ['immutability_evidence', { lockDays: 0 }, 'lockDays'],
    ['leaver_reconciliation', { stillThere: 1 }, 'stillThere'],
    ['workforce_coverage', { covered: 511 }, 'covered'],
    ['sanction_record', { cases: undefined }, 'applied'],
    ['phi_return', { method: 'infeasible_protected' }, 'remains'],
    ['phi_return', { remains: 'The tapes.' }, 'remains'],
    ['vulnerability_scan', { unscanned: 212 }, 'unscanned'],
    ['patch_record', { nodes: 3, outstanding: 3 }, 'outstanding'],
    ['scan_result', { passed: 0, failed: 0 }, 'passed'],
    ['backup_report', { succeeded: 0 }, 'succeeded'],
    ['backup_report', { failed: 14 }, 'failed'],
    ['backup_report', { gaps: 'All of it' }, 'gaps'],
    ['vulnerability_scan', { unscanned: 213 }, 'unscanned'],
    ['vulnerability_scan', { databaseOn: '2019-01-01' }, 'scannedAt'],
    ['patch_record', { outstanding: 3000 }, 'outstanding'],
    ['termination_record', { devicesReturned: false }, 'devicesReturned'],
    ['access_review', { removed: 62 }, 'removed'],
    ['access_review', { result: 'nothing_to_change', removed: 0 }, 'changed'],
    ['console_access_review', { removed: 10 }, 'removed'],
    ['facility_access_review', { removed: 8 }, 'removed'],
    ['identity_provider_export', { disabled: 557 }, 'disabled'],
    ['kms_access_review', { result: 'overlap', both: 3 }, 'both'],
    ['mfa_report', { result: 'gaps', enrolled: 513 }, 'enrolled'],
    ['disposal_record', { witness: 'SHRED\u00a0 partners' }, 'witness'],
    ['policy_change_record', { reviewer: 't. nguyen' }, 'reviewer'],
    ['workstation_policy', { encrypted: 144 }, 'encrypted'],
    ['implementation_statement', { open: 'The gateway.' }, 'open'],
    ['alert_review', { incidents: 38 }, 'incidents'],
    ['alert_test', { alertedAt: undefined }, 'alertedAt'],
    ['alert_test', { result: 'not_raised' }, 'alertedAt'],
    ['reencryption_record', { result: 'incomplete', remaining: 1835 }, 'remaining'],
    ['disk_encryption_evidence', { result: 'gaps', encrypted: 32 }, 'encrypted'],
    ['integrity_check', { result: 'altered', mismatches: 812_045 }, 'mismatches'],
    ['integrity_verification', { result: 'altered', failed: 745 }, 'failed'],
    ['log_gap_report', { result: 'explained' }, 'gaps'],
    ['log_gap_report', { result: 'explained', gaps: [{ why: 'Restart.' }, {}] }, 'gaps/1/why'],
    ['firewall_export', { fromAnywhere: 13 }, 'fromAnywhere'],
    ['isolation_test', { blocked: 1201 }, 'blocked'],
    ['clearance_record', { decision: 'refused' }, 'accessFrom'],
    ['leaver_reconciliation', { late: 4 }, 'late'],
    ['workforce_coverage', { result: 'gaps', covered: 513 }, 'covered'],
    ['workforce_coverage', { lacking: 'Three people.' }, 'lacking'],
  ])('not %s with %j', (type, change, field) => {
    expect(pointers(type, change)).toEqual([`/fields/${field}`]);
  });

  it('does it pass where it says itself that it is not good?', () => {
    expect(pointers('disk_encryption_evidence', { encrypted: 30, result: 'gaps' })).toEqual([]);
    expect(pointers('mfa_report', { enrolled: 500, result: 'gaps' })).toEqual([]);
    expect(pointers('vulnerability_scan', { databaseOn: '2026-10-21', database: 'outdated' })).toEqual([]);
    expect(catalog.recordType('vulnerability_scan')?.outcome?.fails).toEqual(['outdated']);
    expect(pointers('mfa_report', { enrolled: 511, exempt: ['break-glass-1: sealed, by two persons'] })).toEqual([]);
  });
});

describe('does a record whose dates are out of their order pass?', () => {
  const unordered = (type: string, change: Record<string, unknown> = {}) => {
    const { not_before: pairs, example } = catalog.recordType(type)!;
    return orderFaults(pairs, { ...example.fields, ...change }).map(({ pointer }) => pointer);
  };
  const elevation = (from: string, until: string) => ({ elevations: [{ from, until }] });

  it.each(catalog.recordTypes.map(({ type }) => type))('not the example of %s, for they are in it', (type) => {
    expect(unordered(type)).toEqual([]);
  });

  it('holds entry by entry, in a time that grows with their number, and not with its square', async () => {
    const look = (count: number): void => {
      const entries = Array.from({ length: count }, () => ({ from: '2026-01-02', until: '2026-01-03' }));
      expect(orderFaults([['entries[].from', 'entries[].until']], { entries })).toEqual([]);
    };
    expect(await growth(look, 2_000, 8)).toBeLessThan(40);
  });

  it.each([
    ['access_request', { until: '2026-01-27' }, 'until'],
    ['admin_justification', { holders: [{ since: '2026-01-10', until: '2026-01-09' }] }, 'holders/0/until'],
    ['admin_justification', { holders: [{ since: '2026-10-03' }] }, 'holders/0/since'],
    ['elevation_log', elevation('2026-10-12T09:00:00Z', '2026-10-12T08:00:00Z'), 'elevations/0/until'],
    ['elevation_log', elevation('2026-11-01T09:00:00Z', '2026-11-01T10:00:00Z'), 'elevations/0/from'],
    ['elevation_log', elevation('2026-09-01T09:00:00Z', '2026-09-01T10:00:00Z'), 'elevations/0/until'],
    ['sanction_record', { cases: [{ appliedOn: '2026-01-01' }] }, 'cases/0/appliedOn'],
    ['sanction_record', { cases: [{ appliedOn: '2024-12-31' }] }, 'cases/0/appliedOn'],
    ['key_inventory', { keys: [{ rotatedOn: '2026-10-01' }, { rotatedOn: '2026-10-03' }] }, 'keys/1/rotatedOn'],
    ['custody_log', { handedTo: [{ at: '2026-06-28T09:00:00Z' }] }, 'handedTo/0/at'],
    ['vulnerability_scan', { databaseOn: '2026-11-03' }, 'scannedAt'],
    ['base_image_list', { images: [{ approvedOn: '2026-09-28', until: '2026-09-27' }] }, 'images/0/until'],
    ['termination_record', { accounts: [{ removedAt: '2026-05-29T17:21:00Z' }] }, 'accounts/0/removedAt'],
  ])('not %s with %j', (type, change, field) => {
    expect(unordered(type, change)).toEqual([`/fields/${field}`]);
  });

  it('are entries of one list held to themselves, and not to each other?', () => {
    const gap = (from: number, to: number) => ({ from: `2026-10-${from}T00:00:00Z`, to: `2026-10-${to}T00:00:00Z` });
    expect(unordered('log_gap_report', { gaps: [gap(30, 31), gap(27, 28)] })).toEqual([]);
    expect(unordered('log_gap_report', { gaps: [gap(27, 28), gap(30, 29)] })).toEqual(['/fields/gaps/1/to']);
  });
});

describe('can the time or the content of a breach notice be talked away?', () => {
  const breach = { outcome: 'breach', scale: 'under_500', individuals: 212 };

  it.each([
    ['a breach of nobody', { individuals: 0 }],
    ['a breach of 5,000 that is called small', { individuals: 5000 }],
    ['one without a scale', { scale: 'none' }],
    ['500 in one State, which are not more than 500', { scale: 'over_500_in_one_state', individuals: 500 }],
    ['499 of 500', { scale: '500_or_more', individuals: 499 }],
  ])('not by %s', (_, change) => {
    expect(new Set(pointers('breach_assessment', { ...breach, ...change }))).toEqual(new Set(['/fields/individuals']));
  });

  it('nor by an exception or a safe harbour that is not named', () => {
    for (const outcome of ['excepted', 'secured']) {
      expect(pointers('breach_assessment', { outcome })).toEqual(['/fields/exception']);
      expect(pointers('breach_assessment', { outcome, exception: 'AES-256; the key is in the KMS alone.' })).toEqual(
        [],
      );
    }
  });

  it('it passes with 499, 500, and 501 in one State', () => {
    for (const [scale, individuals] of [
      ['under_500', 499],
      ['500_or_more', 500],
      ['over_500_in_one_state', 501],
    ])
      expect(pointers('breach_assessment', { outcome: 'breach', scale, individuals })).toEqual([]);
  });

  it('a notice lacks no content that 164.404(c) names', () => {
    const { contents } = catalog.recordType('notice')!.example.fields as { contents: string[] };
    expect(contents).toHaveLength(5);
    for (const audience of ['individuals', 'media'])
      for (const left of contents)
        expect(pointers('notice', { audience, contents: contents.filter((one) => one !== left) })).toEqual([
          '/fields/contents',
        ]);
    expect(pointers('notice', { audience: 'hhs', method: 'portal', contents: [] })).toEqual([]);
    expect(pointers('notice', { audience: 'covered_entity', method: 'email' })).toEqual(['/fields/contents']);
    expect(pointers('notice', { method: 'portal' })).toEqual(['/fields/method']);
  });

  it('an oral statement of law enforcement delays for 30 days, a written one as long as it says', () => {
    expect(pointers('notice_delay', { until: '2026-08-09' })).toEqual([]);
    expect(pointers('notice_delay', { until: '2026-08-10' })).toEqual(['/fields/until']);
    expect(pointers('notice_delay', { until: '2027-08-10', form: 'written' })).toEqual([]);
    expect(pointers('notice_delay', { until: '2027-08-10', form: 'written' }, 0)).toEqual(['/documents']);
  });
});
