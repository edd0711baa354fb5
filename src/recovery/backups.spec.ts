import { describe, expect, it } from 'vitest';
import { newId } from '../kernel/ids.js';
import type { FactValue } from '../results/fact.js';
import type { ListedFact } from '../results/listed-fact.js';
import { backupRuns, holds, type BackupRun } from './backups.js';

const AS_OF = new Date('2026-06-10T00:00:00Z');
const SERIES = newId();

const VALUE: FactValue<'backup'> = {
  phase: 'Completed',
  succeeded: true,
  startedAt: '2026-06-01T01:00:00.000Z',
  completedAt: '2026-06-01T01:20:00.000Z',
  expiresAt: null,
  includedNamespaces: ['emr'],
  excludedNamespaces: [],
  includedResources: [],
  excludedResources: [],
  includesClusterResources: null,
  selective: false,
  storageLocation: 'default',
  schedule: null,
  snapshotsVolumes: null,
  copiesVolumes: null,
  volumeSnapshotsAttempted: 2,
  volumeSnapshotsCompleted: 2,
  itemsTotal: null,
  itemsDone: null,
  warnings: 0,
  errors: 0,
};

const fact = (value: Partial<FactValue<'backup'>> = {}, more: Partial<ListedFact> = {}): ListedFact => ({
  series: SERIES,
  target: { kind: 'cluster', name: 'cluster' },
  source: 'velero',
  kind: 'backup',
  subject: 'velero/Backup/emr',
  namespace: 'velero',
  value: { ...VALUE, ...value },
  scanId: newId(),
  observedFrom: new Date('2026-06-01T02:00:00Z'),
  observedTo: null,
  knownFrom: new Date('2026-06-01T02:00:00Z'),
  knownTo: null,
  ...more,
});

const runs = (...facts: ListedFact[]): BackupRun[] => backupRuns(facts, AS_OF);
const isGood = (value: Partial<FactValue<'backup'>>, namespace: string | null = 'emr'): boolean =>
  runs(fact(value)).some((run) => holds(run, namespace));

describe('which backups count?', () => {
  it('those that were completed, whole', () => {
    expect(isGood({})).toBe(true);
  });

  it.each([
    { succeeded: null, phase: 'InProgress', completedAt: null },
    { succeeded: false, phase: 'PartiallyFailed' },
    { completedAt: null },
    { completedAt: '2026-06-11T00:00:00.000Z' },
    { startedAt: null },
    { startedAt: '2026-06-11T00:00:00.000Z' },
    { errors: 1 },
    { selective: true },
    { includedResources: ['configmaps'] },
    { excludedResources: ['persistentvolumeclaims'] },
    { excludedResources: ['PersistentVolumes.core'] },
    { excludedResources: ['*'] },
    { snapshotsVolumes: false },
    { volumeSnapshotsCompleted: 1 },
  ])('not with %j', (value) => {
    expect(isGood(value)).toBe(false);
  });

  it.each([
    { includedResources: ['*'] },
    { excludedResources: ['events'] },
    { snapshotsVolumes: false, copiesVolumes: true },
  ])('with %j', (value) => {
    expect(isGood(value)).toBe(true);
  });

  it('not what cannot be read', () => {
    expect(runs(fact({}, { value: { succeeded: true } }))).toEqual([]);
    expect(runs(fact({}, { kind: 'restore' }))).toEqual([]);
  });
});

describe('of which namespaces?', () => {
  it.each([
    [['emr'], [], 'emr', true],
    [['emr'], [], 'lab', false],
    [['emr'], [], null, false],
    [[], [], 'lab', true],
    [[], [], null, true],
    [['*'], [], null, true],
    [[], ['kube-system'], 'emr', true],
    [[], ['kube-system'], null, false],
    [[], ['emr'], 'emr', false],
    [[], ['em*'], 'emr', false],
    [[], ['*'], 'emr', false],
    [[], ['e[km]r*'], 'emr', false],
    [[], ['x*'], 'emr', true],
    // Who includes by a pattern is not taken at the word.
    [['em*'], [], 'emr', false],
  ])('with %j but %j: %j %j', (includedNamespaces, excludedNamespaces, namespace, expected) => {
    expect(isGood({ includedNamespaces, excludedNamespaces }, namespace)).toBe(expected);
  });
});

describe('is a run one, whatever is said of it over time?', () => {
  const at = (text: string) => ({ observedFrom: new Date(text) });

  it('the last that tells how it went, also when it is deleted since', () => {
    const told = runs(
      fact({ phase: 'Deleting', succeeded: null }, at('2026-06-05T00:00:00Z')),
      fact({ phase: 'InProgress', succeeded: null, completedAt: null }, at('2026-06-01T01:10:00Z')),
      fact({}, at('2026-06-01T02:00:00Z')),
    );
    expect(told).toMatchObject([{ unusable: null }]);
    expect(runs(fact({}), fact({ succeeded: false }, at('2026-06-02T00:00:00Z')))).toMatchObject([
      { unusable: 'It failed, in whole or in part.' },
    ]);
  });

  it('and each night’s own, where a tool calls them all the same', () => {
    const next = { startedAt: '2026-06-02T01:00:00.000Z', completedAt: '2026-06-02T01:30:00.000Z' };
    expect(runs(fact(next, at('2026-06-02T02:00:00Z')), fact()).map(({ startedAt }) => startedAt.getUTCDate())).toEqual(
      [1, 2],
    );
  });

  it('gone, from when a report did not list it any more', () => {
    const ended = { observedTo: new Date('2026-06-04T02:00:00Z') };
    expect(runs(fact())).toMatchObject([{ goneAt: null }]);
    expect(runs(fact({}, ended))).toMatchObject([{ goneAt: ended.observedTo }]);
    expect(runs(fact({}, { observedTo: new Date('2026-06-11T00:00:00Z') }))).toMatchObject([{ goneAt: null }]);
    // Said anew, of the same run or of the next that is called the same: that nobody says that it was deleted.
    const since = { observedFrom: ended.observedTo };
    expect(runs(fact({}, ended), fact({ warnings: 1 }, since))).toMatchObject([{ goneAt: null }]);
    const next = { startedAt: '2026-06-04T01:00:00.000Z', completedAt: '2026-06-04T01:30:00.000Z' };
    expect(runs(fact({}, ended), fact(next, since))).toMatchObject([{ goneAt: null }, { goneAt: null }]);
    const last = { observedTo: new Date('2026-06-05T00:00:00Z') };
    expect(runs(fact({}, ended), fact(next, { ...since, ...last }))).toMatchObject([
      { goneAt: last.observedTo },
      { goneAt: last.observedTo },
    ]);
  });
});
