import { nullableCount, nullableFlag, isNarrow, nullableText, textList, nullableTime, within } from './fact-fields.js';
import { fieldsIn, list, text, type Fields } from './fields.js';
import { objectFormat, type Said } from './object-format.js';

/** Backups and restores of Velero: what they held, when they ran and how they ended. */
export const velero = objectFormat({
  slug: 'velero',
  title: 'Velero',
  tool: 'velero',
  description: 'Backup, Restore, Schedule and BackupStorageLocation of velero.io/v1.',
  readers: {
    'velero.io': {
      Backup: backup,
      Restore: restore,
      Schedule: schedule,
      BackupStorageLocation: backupStorageLocation,
    },
  },
});

function backup(object: Fields): Said {
  const labels = within(object, 'metadata', (metadata) => fieldsIn(metadata, 'labels'));
  return {
    kind: 'backup',
    value: {
      schedule: nullableText(labels, 'velero.io/schedule-name'),
      ...within(object, 'spec', (spec) => ({
        ...selectionOf(spec),
        includedResources: textList(spec, 'includedResources'),
        excludedResources: textList(spec, 'excludedResources'),
        includesClusterResources: nullableFlag(spec, 'includeClusterResources'),
        storageLocation: nullableText(spec, 'storageLocation'),
      })),
      ...within(object, 'status', (status) => ({
        ...runOf(status, 'itemsBackedUp'),
        expiresAt: nullableTime(status, 'expiration'),
        volumeSnapshotsAttempted: sum(status, 'volumeSnapshotsAttempted', 'csiVolumeSnapshotsAttempted'),
        volumeSnapshotsCompleted: sum(status, 'volumeSnapshotsCompleted', 'csiVolumeSnapshotsCompleted'),
      })),
    },
  };
}

function restore(object: Fields): Said {
  return {
    kind: 'restore',
    value: {
      ...within(object, 'spec', (spec) => ({
        backup: nullableText(spec, 'backupName'),
        schedule: nullableText(spec, 'scheduleName'),
        includedNamespaces: textList(spec, 'includedNamespaces'),
      })),
      ...within(object, 'status', (status) => runOf(status, 'itemsRestored')),
    },
  };
}

function schedule(object: Fields): Said {
  return {
    kind: 'backup-schedule',
    value: {
      ...within(object, 'spec', (spec) => ({
        schedule: text(spec, 'schedule'),
        paused: nullableFlag(spec, 'paused') === true,
        ...within(spec, 'template', (template) => ({
          ...selectionOf(template),
          retention: nullableText(template, 'ttl'),
          storageLocation: nullableText(template, 'storageLocation'),
        })),
      })),
      ...within(object, 'status', (status) => ({
        phase: nullableText(status, 'phase'),
        lastBackupAt: nullableTime(status, 'lastBackup'),
      })),
    },
  };
}

function backupStorageLocation(object: Fields): Said {
  return {
    kind: 'backup-storage-location',
    value: {
      ...within(object, 'spec', (spec) => ({
        provider: text(spec, 'provider'),
        bucket: within(spec, 'objectStorage', (storage) => nullableText(storage, 'bucket')),
        // Of `config` these alone: the other entries are the provider's, and what they hold nobody knows.
        ...within(spec, 'config', (config) => ({
          region: nullableText(config, 'region'),
          kmsKeyId: nullableText(config, 'kmsKeyId') ?? nullableText(config, 'kmsKeyName'),
          serverSideEncryption: nullableText(config, 'serverSideEncryption'),
        })),
        accessMode: nullableText(spec, 'accessMode'),
        default: nullableFlag(spec, 'default') === true,
      })),
      // When it was last validated changes every minute, and would make another value of the same state.
      phase: within(object, 'status', (status) => nullableText(status, 'phase')),
    },
  };
}

/** What a backup, or the backups of a schedule, are to hold. */
function selectionOf(spec: Fields) {
  return {
    includedNamespaces: textList(spec, 'includedNamespaces'),
    excludedNamespaces: textList(spec, 'excludedNamespaces'),
    selective: within(spec, 'labelSelector', isNarrow) || list(spec, 'orLabelSelectors').length > 0,
    snapshotsVolumes: nullableFlag(spec, 'snapshotVolumes'),
    // Before Velero 1.10 it was called after restic, which did it.
    copiesVolumes: nullableFlag(spec, 'defaultVolumesToFsBackup') ?? nullableFlag(spec, 'defaultVolumesToRestic'),
  };
}

/** How a backup or restore went; `done` is what it calls the items that it is done with. */
function runOf(status: Fields, done: string) {
  const phase = nullableText(status, 'phase');
  return {
    phase,
    succeeded: hasSucceeded(phase),
    startedAt: nullableTime(status, 'startTimestamp'),
    completedAt: nullableTime(status, 'completionTimestamp'),
    ...within(status, 'progress', (progress) => ({
      itemsTotal: nullableCount(progress, 'totalItems'),
      itemsDone: nullableCount(progress, done),
    })),
    warnings: nullableCount(status, 'warnings'),
    errors: nullableCount(status, 'errors'),
  };
}

/**
 * Null while it is under way, and where the phase does not tell how it ended (Deleting). What has failed in part while it still runs cannot
 * end better. A completion time says nothing: failures have one too.
 */
function hasSucceeded(phase: string | null): boolean | null {
  if (phase === 'Completed') return true;
  return phase?.includes('Failed') ? false : null;
}

/** Of the snapshots that Velero makes itself and those by CSI; null where neither is said. */
function sum(status: Fields, own: string, csi: string): number | null {
  const counts = [nullableCount(status, own), nullableCount(status, csi)].filter((counted) => counted !== null);
  return counts.length === 0 ? null : counts.reduce((total, counted) => total + counted, 0);
}
