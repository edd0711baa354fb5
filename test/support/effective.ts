import type { EffectiveRecord, RecordLink } from '../../src/records/effective.js';
import { nameId } from '../../src/kernel/ids.js';

/** The id that a name stands for in a test. */
export const idOf = (name: string): string => nameId('test', name);

export const OWNER = idOf('owner');

/** A record in effect, as judges and rules read it; `name` gives its id. */
export function effective(
  type: string,
  name: string,
  fields: Readonly<Record<string, unknown>>,
  said: Partial<Omit<EffectiveRecord, 'effectiveFrom' | 'goodFrom' | 'expiresAt'>> & {
    from?: string;
    goodFrom?: string;
    expires?: string;
  } = {},
): EffectiveRecord {
  const { from = '2026-01-01T00:00:00Z', goodFrom = from, expires, ...rest } = said;
  return {
    id: idOf(name),
    version: 1,
    type,
    naturalKey: '',
    subject: null,
    title: name,
    ownerId: OWNER,
    systemIds: [],
    fields,
    effectiveFrom: new Date(from),
    expiresAt: expires === undefined ? null : new Date(expires),
    goodFrom: new Date(goodFrom),
    outcome: null,
    fails: false,
    links: [],
    documents: [],
    decidedAt: new Date(from),
    disposed: false,
    ...rest,
  };
}

export const link = (kind: RecordLink['kind'], target: string): RecordLink => ({ kind, target, note: '' });

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
