import { dayOf } from '../kernel/dates.js';
import type { Candidate, Neighbour, RecordFault, RecordRules } from '../records/rules.js';
import { readKey, readRotation, type RotationFields } from './fields.js';
import { normalProvider, normalReference, normalVersion } from './reference.js';

/** What the schemas of `key` and `key_rotation_event` cannot say, as far as records tell. What reports tell is asked by KeysService. */
export const keysRules = {
  neighbours(candidate) {
    const { type, fields, systemIds } = candidate;
    if (type === 'key') return systemIds.map((systemId) => ({ types: ['key'], systemId }));
    const key = type === 'key_rotation_event' ? fields['key'] : undefined;
    if (typeof key !== 'string') return [];
    return [
      { types: ['key'], ids: [key] },
      { types: ['key_rotation_event'], subjects: [key] },
    ];
  },

  faults(candidate, neighbours, now) {
    if (candidate.kind === 'end') return [];
    switch (candidate.type) {
      case 'key':
        return keyFaults(candidate, neighbours, now);
      case 'key_rotation_event':
        return rotationFaults(candidate, neighbours);
      case 'reencryption_record':
        return reencryptionFaults(candidate);
      default:
        return [];
    }
  },
} satisfies RecordRules;

/** Two records of one key would each be judged by the rotations of both. */
function keyFaults({ fields: said }: Candidate, neighbours: readonly Neighbour[], now: Date): RecordFault[] {
  const fields = readKey(said);
  if (fields === null) return [{ pointer: '/fields', detail: 'The key cannot be read.' }];
  if (fields.createdOn > now) {
    const detail = 'It lies in the future: the key would not be due for as long.';
    return [{ pointer: '/fields/createdOn', detail }];
  }
  const name = referenceOf(fields);
  const same = neighbours.find(({ fields: its }) => {
    const other = readKey(its);
    return other !== null && referenceOf(other) === name;
  });
  return same === undefined
    ? []
    : [{ pointer: '/fields/keyId', detail: 'Another record is of this key.', extra: { conflictsWith: same.id } }];
}

const referenceOf = ({ provider, keyId }: { provider: string; keyId: string }): string =>
  `${normalProvider(provider)}\n${normalReference(provider, keyId)}`;

function rotationFaults({ fields: said }: Candidate, neighbours: readonly Neighbour[]): RecordFault[] {
  const fields = readRotation(said);
  if (fields === null) return [{ pointer: '/fields', detail: 'The rotation cannot be read.' }];
  const faults: RecordFault[] = [];
  const keys = neighbours.flatMap(({ type, id, fields: its }) =>
    type === 'key' && id === fields.key ? (readKey(its) ?? []) : [],
  );
  if (keys.length === 0) {
    faults.push({ pointer: '/fields/key', detail: 'No such key is in effect from then on.' });
  } else if (keys.every(({ createdOn }) => fields.performedAt < createdOn)) {
    faults.push({
      pointer: '/fields/performedAt',
      detail: 'It lies before the day on which the key was made (createdOn).',
    });
  }
  if (fields.fromVersion !== null && isSameVersion(fields.fromVersion, fields.toVersion)) {
    faults.push({ pointer: '/fields/toVersion', detail: 'A rotation goes to another version.' });
  }
  const same = neighbours.find(
    ({ type, fields: its }) => type === 'key_rotation_event' && isTo(readRotation(its), fields),
  );
  if (same !== undefined) {
    const detail = 'The rotation to this version is recorded already.';
    faults.push({ pointer: '/fields/toVersion', detail, extra: { conflictsWith: same.id } });
  }
  return faults;
}

/** What is left is under the old key, whatever the result says. */
const reencryptionFaults = ({ fields: { result, remaining } }: Candidate): RecordFault[] =>
  result === 'complete' && remaining !== 0
    ? [{ pointer: '/fields/remaining', detail: 'It is complete when nothing remains.' }]
    : [];

const isTo = (other: RotationFields | null, { key, toVersion }: RotationFields): boolean =>
  other !== null && other.key === key && isSameVersion(other.toVersion, toVersion);

/** A rotation of the key whose version is known. */
export interface KnownRotation {
  at: Date;
  version: string | null;
  /** What its record says; null: no record tells of it. */
  event: Pick<RotationFields, 'fromVersion'> | null;
}

/** Whether it goes on from the version before it, and the next from it. `rotations`: the key's others, newest first. */
export function orderFaults(
  { fromVersion, toVersion, performedAt }: RotationFields,
  rotations: readonly KnownRotation[],
): RecordFault[] {
  const others = rotations.filter(
    ({ version }) => version === null || normalVersion(version) !== normalVersion(toVersion),
  );
  const before = others.find(({ at }) => at <= performedAt);
  const after = others.findLast(({ at }) => at > performedAt);
  const next = after?.event?.fromVersion ?? null;
  const faults: RecordFault[] = [];
  // One whose version nobody tells may have been any.
  if (fromVersion !== null && before?.version != null && !isSameVersion(before.version, fromVersion)) {
    const detail = `The rotation before it, on ${dayOf(before.at)}, was to version ${before.version}.`;
    faults.push({ pointer: '/fields/fromVersion', detail });
  }
  if (after !== undefined && next !== null && !isSameVersion(next, toVersion)) {
    const detail = `The rotation after it, on ${dayOf(after.at)}, was from version ${next}.`;
    faults.push({ pointer: '/fields/toVersion', detail });
  }
  return faults;
}

const isSameVersion = (one: string, other: string): boolean => normalVersion(one) === normalVersion(other);
