import { describe, expect, it } from 'vitest';
import { fixture, fixtureNames, golden, parsed } from '../../../test/fixtures/reports/load.js';

const object = (kind: string, spec: unknown, status?: unknown) => ({
  apiVersion: 'velero.io/v1',
  kind,
  metadata: { name: 'a', namespace: 'velero' },
  spec,
  status,
});
const value = (...of: Parameters<typeof object>) => parsed(object(...of)).facts[0]?.value;

describe('Velero', () => {
  it.each(fixtureNames('velero'))('does %s give its golden facts, and no hooks or credentials?', (name) => {
    const report = parsed(fixture(name), 'cluster/cluster');
    expect(report).toEqual(golden(name, report));
    expect(JSON.stringify(report)).not.toMatch(/not-to-be-kept|bm90LX/);
  });

  it.each([
    ['Completed', true],
    ['PartiallyFailed', false],
    ['Failed', false],
    ['FailedValidation', false],
    ['FinalizingPartiallyFailed', false],
    ['WaitingForPluginOperationsPartiallyFailed', false],
    ['InProgress', null],
    ['Finalizing', null],
    ['Deleting', null],
    ['New', null],
    ['completed', null],
    ['', null],
  ])('has a backup in the phase %j succeeded: %j?', (phase, succeeded) => {
    // Failures have a completion time too.
    const status = { phase, completionTimestamp: '2026-05-31T01:00:00Z' };
    expect(value('Backup', {}, status)).toMatchObject({ succeeded });
    expect(value('Restore', { backupName: 'b' }, status)).toMatchObject({ succeeded });
  });

  it('is a backup with a selector told from one of everything?', () => {
    const matchLabels = { app: 'emr' };
    expect(value('Backup', {})).toMatchObject({ selective: false, includedNamespaces: [] });
    for (const labelSelector of [null, {}, { matchLabels: {} }, { matchExpressions: [] }]) {
      expect(value('Backup', { labelSelector })).toMatchObject({ selective: false });
    }
    expect(value('Backup', { labelSelector: { matchLabels } })).toMatchObject({ selective: true });
    expect(value('Backup', { labelSelector: { matchExpressions: [{}] } })).toMatchObject({ selective: true });
    expect(value('Backup', { orLabelSelectors: [{ matchLabels }] })).toMatchObject({ selective: true });
    expect(value('Schedule', { schedule: '@daily', template: { labelSelector: { matchLabels } } })).toMatchObject({
      selective: true,
    });
  });

  it('are snapshots of both sorts counted together, and none where none are said?', () => {
    expect(value('Backup', {}, {})).toMatchObject({ volumeSnapshotsAttempted: null, volumeSnapshotsCompleted: null });
    expect(value('Backup', {}, { csiVolumeSnapshotsAttempted: 2, volumeSnapshotsAttempted: 1 })).toMatchObject({
      volumeSnapshotsAttempted: 3,
      volumeSnapshotsCompleted: null,
    });
  });

  it.each([
    ['Backup', {}, { errors: -1 }, '/status/errors'],
    ['Backup', {}, { progress: { totalItems: '7' } }, '/status/progress/totalItems'],
    ['Backup', { includedNamespaces: 'clinic' }, {}, '/spec/includedNamespaces'],
    ['Backup', { snapshotVolumes: 'true' }, {}, '/spec/snapshotVolumes'],
    ['Restore', {}, { startTimestamp: 1e9 }, '/status/startTimestamp'],
    ['Schedule', {}, {}, '/spec/schedule'],
    ['Schedule', { schedule: '@daily', paused: 'no' }, {}, '/spec/paused'],
    ['BackupStorageLocation', { objectStorage: {} }, {}, '/spec/provider'],
  ])('is a %s with %j and %j rejected at %s?', (kind, spec, status, pointer) => {
    expect(parsed(object(kind, spec, status), 'cluster/cluster')).toMatchObject({
      facts: [],
      rejects: [{ pointer }],
      coverage: [{ extent: 'partial' }],
    });
  });
});
