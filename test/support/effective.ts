import type { EffectiveRecord } from '../../src/records/effective.js';

/** A record in effect, with what a test does not care about filled in. */
export function effectiveRecord(
  type: string,
  fields: Record<string, unknown>,
  more: Partial<EffectiveRecord> = {},
): EffectiveRecord {
  const effectiveFrom = more.effectiveFrom ?? new Date('2026-01-01T00:00:00Z');
  return {
    id: '00000000-0000-4000-8000-000000000000',
    version: 1,
    type,
    naturalKey: '',
    subject: null,
    title: 'For a test',
    ownerId: '00000000-0000-4000-8000-00000000000a',
    systemIds: ['00000000-0000-4000-8000-00000000000b'],
    fields,
    effectiveFrom,
    expiresAt: null,
    goodFrom: effectiveFrom,
    outcome: null,
    fails: false,
    links: [],
    documents: [],
    decidedAt: effectiveFrom,
    disposed: false,
    ...more,
  };
}
