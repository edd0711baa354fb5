import { nullableCount, nullableFlag, nullableText, textMap, nullableTime, within } from './fact-fields.js';
import { field, fieldsIn, instantOfMillis, step, text, Unreadable, type Fields } from './fields.js';
import { objectFormat, type Said } from './object-format.js';

/** How volumes are made, and what snapshots of them there are. */
export const kubernetesStorage = objectFormat({
  slug: 'kubernetes-storage',
  title: 'Kubernetes storage',
  tool: 'kubernetes',
  description:
    'StorageClass of storage.k8s.io, and VolumeSnapshot, VolumeSnapshotContent and VolumeSnapshotClass of snapshot.storage.k8s.io. A class that does not ' +
    'ask for encryption proves no clear text: accounts and providers encrypt by themselves.',
  readers: {
    'storage.k8s.io': { StorageClass: storageClass },
    'snapshot.storage.k8s.io': {
      VolumeSnapshot: volumeSnapshot,
      VolumeSnapshotContent: volumeSnapshotContent,
      VolumeSnapshotClass: volumeSnapshotClass,
    },
  },
});

/** What the drivers of AWS, Google and Azure call the key; to them the case of a parameter's name does not matter. */
const KEY_PARAMETERS: readonly string[] = ['kmskeyid', 'disk-encryption-kms-key', 'diskencryptionsetid'];

function storageClass(object: Fields): Said {
  const parameters = Object.entries(textMap(object, 'parameters'));
  const valueOf = (names: readonly string[]) =>
    parameters.find(([name, value]) => names.includes(name.toLowerCase()) && value !== '')?.[1] ?? null;
  const encrypted = valueOf(['encrypted'])?.toLowerCase();
  const annotations = within(object, 'metadata', (metadata) => fieldsIn(metadata, 'annotations'));
  return {
    kind: 'storage-class',
    value: {
      provisioner: text(object, 'provisioner'),
      encrypted: encrypted === 'true' ? true : encrypted === 'false' ? false : null,
      kmsKeyId: valueOf(KEY_PARAMETERS),
      reclaimPolicy: nullableText(object, 'reclaimPolicy'),
      default: field(annotations, 'storageclass.kubernetes.io/is-default-class') === 'true',
    },
  };
}

function volumeSnapshot(object: Fields): Said {
  const bound = within(object, 'status', (status) => nullableText(status, 'boundVolumeSnapshotContentName'));
  return {
    kind: 'volume-snapshot',
    value: {
      ...within(object, 'spec', (spec) => ({
        class: nullableText(spec, 'volumeSnapshotClassName'),
        ...within(spec, 'source', (source) => ({
          source: nullableText(source, 'persistentVolumeClaimName'),
          content: bound ?? nullableText(source, 'volumeSnapshotContentName'),
        })),
      })),
      ...within(object, 'status', (status) => ({
        ...outcomeOf(status),
        createdAt: nullableTime(status, 'creationTime'),
        restoreSizeBytes: quantity(status, 'restoreSize'),
      })),
      handle: null,
    },
  };
}

function volumeSnapshotContent(object: Fields): Said {
  const handle = within(object, 'status', (status) => nullableText(status, 'snapshotHandle'));
  return {
    kind: 'volume-snapshot',
    value: {
      ...within(object, 'spec', (spec) => ({
        class: nullableText(spec, 'volumeSnapshotClassName'),
        ...within(spec, 'source', (source) => ({
          source: nullableText(source, 'volumeHandle'),
          handle: handle ?? nullableText(source, 'snapshotHandle'),
        })),
      })),
      ...within(object, 'status', (status) => ({
        ...outcomeOf(status),
        createdAt: timeOfNanoseconds(status, 'creationTime'),
        restoreSizeBytes: nullableCount(status, 'restoreSize'),
      })),
      content: null,
    },
  };
}

/** Of an error only that there is one: its message is the driver's, and holds what the driver was given. */
function outcomeOf(status: Fields): { ready: boolean | null; failed: boolean } {
  return { ready: nullableFlag(status, 'readyToUse'), failed: (field(status, 'error') ?? null) !== null };
}

function volumeSnapshotClass(object: Fields): Said {
  return {
    kind: 'volume-snapshot-class',
    value: { driver: text(object, 'driver'), deletionPolicy: nullableText(object, 'deletionPolicy') },
  };
}

/**
 * Nanoseconds since 1970. They are beyond 2^53, so that reading JSON has rounded them to some 256 ns: of no account for milliseconds, which are all that is
 * kept.
 */
function timeOfNanoseconds(status: Fields, name: string): string | null {
  const nanoseconds = field(status, name) ?? 0;
  if (nanoseconds === 0) return null;
  const at = typeof nanoseconds === 'number' ? instantOfMillis(Math.floor(nanoseconds / 1e6)) : null;
  // Kubernetes had no snapshots before 2017: an earlier time is a number that lost digits.
  if (at === null || at < '2017') throw new Unreadable(step(name), 'must be nanoseconds since 1970');
  return at;
}

/** Powers of 1024 (`Ki`) and of 1000 (`k`), by their letters. */
const PREFIXES = 'kmgtpe';

/** A Kubernetes quantity of bytes: `1Ti`, `500M`, `1e9` or a number; null where it is not set. */
function quantity(status: Fields, name: string): number | null {
  const value = field(status, name) ?? null;
  if (typeof value !== 'string') return nullableCount(status, name);
  const match = /^(\d{1,20}(?:\.\d{1,9})?)(?:([eE]\d\d?)|([KMGTPE])i|([kMGTPE]))?$/.exec(value);
  if (!match) throw new Unreadable(step(name), 'must be a quantity of bytes');
  const [, digits = '', exponent = '', binary, decimal] = match;
  const power = PREFIXES.indexOf((binary ?? decimal ?? ' ').toLowerCase()) + 1;
  const bytes = Math.ceil(Number(digits + exponent) * (binary === undefined ? 1000 : 1024) ** power);
  if (!Number.isSafeInteger(bytes)) throw new Unreadable(step(name), 'is more than can be counted');
  return bytes;
}
