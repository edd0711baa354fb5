import { describe, expect, it } from 'vitest';
import { currentCatalog } from '../catalog/load.js';
import { conditionFaults } from './conditions.js';

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
  ])('not %s with %j', (type, change, field) => {
    expect(pointers(type, change)).toEqual([`/fields/${field}`]);
  });

  it('does it pass where it says itself that it is not good?', () => {
    expect(pointers('disk_encryption_evidence', { encrypted: 30, result: 'gaps' })).toEqual([]);
    expect(pointers('mfa_report', { enrolled: 500, result: 'gaps' })).toEqual([]);
    expect(pointers('mfa_report', { enrolled: 511, exempt: ['break-glass-1: sealed, by two persons'] })).toEqual([]);
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
