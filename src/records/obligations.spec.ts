import { describe, expect, it } from 'vitest';
import { ownType } from '../../test/support/record-types.js';
import type { EffectiveRecord } from './effective.js';
import { dueOf } from './obligations.js';

const restore = ownType('org/restore');
const failed = (overrides: Partial<EffectiveRecord> = {}): EffectiveRecord => ({
  id: 'first',
  version: 1,
  type: 'org/restore',
  naturalKey: '',
  subject: 'emr',
  title: 'A restore',
  ownerId: 'owner',
  systemIds: ['system'],
  fields: { result: 'failed', completedAt: '2026-01-01T12:00:00Z' },
  effectiveFrom: new Date('2026-01-10T00:00:00Z'),
  expiresAt: null,
  goodFrom: new Date('2026-01-01T12:00:00Z'),
  outcome: 'failed',
  fails: true,
  links: [],
  documents: [],
  decidedAt: new Date('2026-01-10T00:00:00Z'),
  disposed: false,
  ...overrides,
});
const at = (text: string) => new Date(text);

describe('does a record make another due?', () => {
  it('from the day that its field says, and overdue only when that is past', () => {
    const [due] = dueOf(restore, failed(), [], at('2026-02-01T12:00:00Z'));
    expect(due).toMatchObject({
      type: 'org/restore',
      dueAt: at('2026-02-01T12:00:00Z'),
      metBy: null,
      isOverdue: false,
    });
    expect(dueOf(restore, failed(), [], at('2026-02-01T12:00:00.001Z'))).toMatchObject([{ isOverdue: true }]);
  });

  it('where the field says nothing, from its effect', () => {
    const [due] = dueOf(restore, failed({ fields: { result: 'failed' } }), [], at('2026-02-01T00:00:00Z'));
    expect(due?.dueAt).toEqual(at('2026-02-10T00:00:00Z'));
  });

  it('met by a record of the type that links to it, and by no other', () => {
    const again = failed({ id: 'again', links: [{ kind: 'record', target: 'first', note: '' }] });
    expect(dueOf(restore, failed(), [again], at('2026-09-01T00:00:00Z'))).toMatchObject([
      { metBy: 'again', isOverdue: false },
    ]);
    for (const other of [
      failed({ id: 'again', links: [{ kind: 'evidence', target: 'first', note: '' }] }),
      failed({ id: 'again', links: [{ kind: 'record', target: 'another', note: '' }] }),
      failed({ id: 'again', type: 'org/target', links: [{ kind: 'record', target: 'first', note: '' }] }),
      failed({ links: [{ kind: 'record', target: 'first', note: '' }] }),
    ]) {
      expect(dueOf(restore, failed(), [other], at('2026-09-01T00:00:00Z'))).toMatchObject([{ metBy: null }]);
    }
  });

  it('nothing where the fields do not say so, or its content is no more', () => {
    expect(dueOf(restore, failed({ fields: { result: 'passed' } }), [], at('2026-09-01T00:00:00Z'))).toEqual([]);
    expect(dueOf(restore, failed({ fields: {}, disposed: true }), [], at('2026-09-01T00:00:00Z'))).toEqual([]);
  });
});
