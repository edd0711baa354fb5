import { DAY_MS, dayOf, earlier, earliest, firstAfter, later } from '../kernel/dates.js';
import { isSameName } from '../kernel/names.js';
import type { EffectiveRecord } from '../records/effective.js';
import { readIncident, readKey, readRotation, type KeyFields, type RotationFields } from './fields.js';
import { normalProvider, normalReference } from './reference.js';
import { joinRotations, SAME_WITHIN_MS, type Rotation, type Telling } from './rotations.js';
import type { SeenKey } from './seen.js';

/** What may be said of a key, the gravest first. */
export const KEY_STATES = [
  'not_rotated_after_incident',
  'deletion_scheduled',
  'disabled',
  'overdue',
  'never_rotated',
  'reencryption_pending',
  'rotated_by_requester',
  'unrecorded',
  'ok',
] as const;
export type KeyState = (typeof KEY_STATES)[number];

export interface Finding {
  state: Exclude<KeyState, 'ok'>;
  /** A sentence, without names of people. */
  reason: string;
  /** Records behind it beside the key's own. */
  records: readonly string[];
}

/** A rotation of a recorded key, with what its record says of it. */
export interface LedgerRotation extends Rotation {
  /** The record that tells of it; null: the provider alone does. */
  event: RotationFields | null;
  /** All rotations that the provider has listed since, and this is none of them: it does not count. */
  denied: boolean;
}

export interface LedgerKey {
  /** The record's, or of a key that has none the name of its reference. */
  id: string;
  record: EffectiveRecord | null;
  fields: KeyFields | null;
  seen: SeenKey | null;
  name: string;
  createdAt: Date | null;
  /** Newest first. */
  rotations: readonly LedgerRotation[];
  lastRotatedAt: Date | null;
  /** When it has to be rotated at the latest: by its interval, or after an incident. */
  dueAt: Date | null;
  /** An incident after which it has still to be rotated, within its time. */
  dueAfter: { record: EffectiveRecord; dueAt: Date } | null;
  /** The gravest first; none: it is ok. */
  findings: readonly Finding[];
  state: KeyState;
  /** The next instant at which a date alone may change any of it; null: none does. */
  changesAt: Date | null;
}

export interface LedgerInput {
  /** Records in effect of one system, of the types `key`, `key_rotation_event`, `reencryption_record` and `incident_record`. */
  records: readonly EffectiveRecord[];
  seen: readonly SeenKey[];
  asOf: Date;
}

/** How long a key may stay what it was after an incident that names it: as for the rotation after compromise that an incident's record obliges to. */
export const INCIDENT_DAYS = 30;
/** The keys of one system at an instant: those that records tell of, and those that reports have seen. */
export function keyLedger({ records, seen, asOf }: LedgerInput): LedgerKey[] {
  const living = records.filter(({ disposed }) => !disposed);
  const ofType = (type: string) => living.filter((record) => record.type === type);
  const keys = ofType('key').map((record) => ({ record, fields: readKey(record.fields) }));
  const matched = new Set<SeenKey>();
  const recorded = keys.map(({ record, fields }) => {
    const found = fields === null ? null : seenOf(fields, seen);
    if (found !== null) matched.add(found);
    return recordedKey(record, fields, found, {
      events: ofType('key_rotation_event'),
      reencryptions: ofType('reencryption_record'),
      incidents: ofType('incident_record'),
      asOf,
    });
  });
  const others = seen.filter((key) => !matched.has(key)).map((key) => seenKey(key, asOf));
  return [...recorded, ...others];
}

/** The key in the facts that the record names; a short name that several have is no name. */
export function seenOf(
  { provider, keyId }: Pick<KeyFields, 'provider' | 'keyId'>,
  seen: readonly SeenKey[],
): SeenKey | null {
  const reference = normalReference(provider, keyId);
  const its = seen.filter((key) => key.provider === normalProvider(provider));
  const exact = its.find((key) => key.reference === reference);
  if (exact !== undefined) return exact;
  const [short, another] = its.filter((key) => key.shortReference === reference);
  return another === undefined ? (short ?? null) : null;
}

interface Told {
  events: readonly EffectiveRecord[];
  reencryptions: readonly EffectiveRecord[];
  incidents: readonly EffectiveRecord[];
  asOf: Date;
}

/** The rotations of a key up to an instant, each once, newest first. `tellings`: of facts. */
export function rotationsOf(
  keyId: string,
  events: readonly EffectiveRecord[],
  { tellings, listedSince }: Pick<SeenKey, 'tellings' | 'listedSince'>,
  asOf: Date,
): LedgerRotation[] {
  const fieldsOf = new Map<string, RotationFields>();
  const told: Telling[] = tellings.filter(({ at }) => at <= asOf);
  for (const record of events) {
    const fields = readRotation(record.fields);
    if (fields === null || fields.key !== keyId || fields.performedAt > asOf) continue;
    fieldsOf.set(record.id, fields);
    told.push({
      at: fields.performedAt,
      version: fields.toVersion,
      source: record.id,
      by: { kind: 'record', recordId: record.id, version: record.version },
    });
  }
  return joinRotations(told).map((rotation) => {
    const [event = null] = rotation.tellings.flatMap(({ by }) =>
      by.kind === 'record' ? (fieldsOf.get(by.recordId) ?? []) : [],
    );
    const isByHand = rotation.tellings.every(({ by }) => by.kind === 'record');
    // What was done shortly before the list was read may not have been in it yet.
    const denied = isByHand && listedSince !== null && rotation.at.getTime() + SAME_WITHIN_MS < listedSince.getTime();
    return { ...rotation, event, denied };
  });
}

const UNSEEN = { tellings: [], listedSince: null };

function recordedKey(record: EffectiveRecord, fields: KeyFields | null, seen: SeenKey | null, told: Told): LedgerKey {
  const { asOf } = told;
  const rotations = rotationsOf(record.id, told.events, seen ?? UNSEEN, asOf);
  const counted = rotations.filter(({ denied }) => !denied);
  const last = counted[0] ?? null;
  const createdAt = earlier(fields?.createdOn ?? null, seen?.createdAt ?? null);
  const since = last?.at ?? createdAt;
  const byInterval = fields === null || since === null ? null : later(since, fields.policyDays);
  const incidents = fields?.rotateAfterIncident === true ? openIncidents(record.id, counted, told) : [];
  const name = fields?.name ?? record.naturalKey;
  const findings = [
    ...incidents.flatMap((incident) => incidentFinding(name, incident, asOf)),
    ...stateFindings(name, seen, asOf),
    ...intervalFinding(name, { fields, last, since, due: byInterval, seen, rotations }, asOf),
    ...reencryptionFinding(name, record.id, counted, told),
    ...requesterFinding(name, last),
  ].sort((one, other) => gravity(one) - gravity(other));
  const [dueIncident] = incidents.filter(({ dueAt }) => dueAt > asOf).sort((one, other) => +one.dueAt - +other.dueAt);
  return {
    id: record.id,
    record,
    fields,
    seen,
    name,
    createdAt,
    rotations,
    lastRotatedAt: last?.at ?? null,
    dueAt: earliest([byInterval, ...incidents.map((incident) => incident.dueAt)]),
    dueAfter: dueIncident ?? null,
    findings,
    state: findings[0]?.state ?? 'ok',
    changesAt: firstAfter(asOf, [
      byInterval,
      ...incidents.map(({ dueAt }) => dueAt),
      ...told.incidents.map(({ fields: said }) => readIncident(said)?.discoveredAt ?? null),
      ...told.events.map(({ fields: said }) => readRotation(said)?.performedAt ?? null),
      ...told.reencryptions.map(({ goodFrom }) => goodFrom),
      ...datesOf(seen),
    ]),
  };
}

const datesOf = (seen: SeenKey | null): (Date | null)[] =>
  seen === null ? [] : [seen.expiresAt, ...seen.tellings.map(({ at }) => at)];

const gravity = ({ state }: Finding): number => KEY_STATES.indexOf(state);

interface OpenIncident {
  record: EffectiveRecord;
  number: string;
  discoveredAt: Date;
  dueAt: Date;
}

const linksTo = ({ links }: EffectiveRecord, id: string): boolean =>
  links.some(({ kind, target }) => kind === 'record' && target === id);

/** Incidents that name the key, in their field or by a link, and since whose discovery it has not been rotated. */
function openIncidents(keyId: string, rotations: readonly Rotation[], { incidents, asOf }: Told): OpenIncident[] {
  return incidents.flatMap((record) => {
    const fields = readIncident(record.fields);
    if (fields === null || fields.discoveredAt > asOf) return [];
    if (!fields.keys.includes(keyId) && !linksTo(record, keyId)) return [];
    const { number, discoveredAt } = fields;
    if (rotations.some(({ at }) => at >= discoveredAt)) return [];
    return [{ record, number, discoveredAt, dueAt: later(discoveredAt, INCIDENT_DAYS) }];
  });
}

function incidentFinding(name: string, { record, number, discoveredAt, dueAt }: OpenIncident, asOf: Date): Finding[] {
  if (dueAt > asOf) return [];
  const reason =
    `Key ${name} was not rotated after incident ${number}, discovered on ${dayOf(discoveredAt)}: ` +
    `no key_rotation_event since, and ${INCIDENT_DAYS} days have passed.`;
  return [{ state: 'not_rotated_after_incident', reason, records: [record.id] }];
}

function stateFindings(name: string, seen: SeenKey | null, asOf: Date): Finding[] {
  if (seen === null) return [];
  const findings: Finding[] = [];
  if (seen.isDeleted) {
    const when = seen.deletedAt === null ? '' : ` on ${dayOf(seen.deletedAt)}`;
    findings.push({
      state: 'deletion_scheduled',
      reason: `Key ${name} is to be deleted${when} by what ${seen.provider} says: what it encrypts will be lost, unless it is no longer used and its record ends.`,
      records: [],
    });
  }
  if (seen.expiresAt !== null && seen.expiresAt <= asOf) {
    const reason = `Key ${name} expired on ${dayOf(seen.expiresAt)} by what ${seen.provider} says.`;
    findings.push({ state: 'disabled', reason, records: [] });
  } else if (seen.enabled === false && !seen.isDeleted) {
    findings.push({ state: 'disabled', reason: `Key ${name} is disabled by what ${seen.provider} says.`, records: [] });
  }
  return findings;
}

interface Interval {
  fields: KeyFields | null;
  last: Rotation | null;
  since: Date | null;
  due: Date | null;
  seen: SeenKey | null;
  rotations: readonly LedgerRotation[];
}

function intervalFinding(name: string, interval: Interval, asOf: Date): Finding[] {
  const { fields, last, since, due, seen, rotations } = interval;
  if (fields === null || since === null || due === null) {
    return [
      {
        state: 'overdue',
        reason: `The record of key ${name} cannot be read: nothing tells when it is due.`,
        records: [],
      },
    ];
  }
  if (due > asOf) return [];
  const denied = rotations.find((rotation) => rotation.denied);
  const rest =
    denied !== undefined
      ? ` The rotation of ${dayOf(denied.at)} in a record does not count: the provider lists all of its rotations, and not this one.`
      : last === null && seen?.rotatesItself === true
        ? ' Its provider says that it rotates by itself, and not when it did: post the list of its rotations or versions.'
        : '';
  return last === null
    ? [
        {
          state: 'never_rotated',
          reason: `Key ${name} was never rotated since ${dayOf(since)}, which is more than its ${fields.policyDays} days.${rest}`,
          records: [],
        },
      ]
    : [
        {
          state: 'overdue',
          reason: `Key ${name} is overdue: last rotated on ${dayOf(since)}, due on ${dayOf(due)} by its ${fields.policyDays} days.${rest}`,
          records: [],
        },
      ];
}

/** Data is still under an older version where the last rotation that says anything of it says so, and no record has told of its end since. */
function reencryptionFinding(
  name: string,
  keyId: string,
  rotations: readonly LedgerRotation[],
  { reencryptions, asOf }: Told,
): Finding[] {
  const speaking = rotations.find(({ event }) => event !== null && event.reencryption !== 'not_needed');
  if (speaking?.event?.reencryption !== 'pending') return [];
  const eventIds = speaking.tellings.flatMap(({ by }) => (by.kind === 'record' ? [by.recordId] : []));
  const isDone = reencryptions.some(
    ({ links, goodFrom, fails }) =>
      !fails &&
      goodFrom <= asOf &&
      // It may tell the day alone.
      goodFrom.getTime() + DAY_MS > speaking.at.getTime() &&
      links.some(({ kind, target }) => kind === 'record' && (target === keyId || eventIds.includes(target))),
  );
  if (isDone) return [];
  const reason =
    `Key ${name}: re-encryption after the rotation of ${dayOf(speaking.at)} is not finished: ` +
    `no reencryption_record links to the key or to that rotation.`;
  return [{ state: 'reencryption_pending', reason, records: eventIds }];
}

function requesterFinding(name: string, last: LedgerRotation | null): Finding[] {
  if (last?.event == null || !isSameName(last.event.requestedBy, last.event.performedBy)) return [];
  return [
    {
      state: 'rotated_by_requester',
      reason: `Key ${name}: who requested its last rotation, of ${dayOf(last.at)}, performed it too.`,
      records: last.tellings.flatMap(({ by }) => (by.kind === 'record' ? [by.recordId] : [])),
    },
  ];
}

/**
 * A key without a record. One that cannot be used any more is only shown as what it is. What the provider manages nobody of the organisation can rotate; a
 * certificate that is renewed with a new private key each time is kept by the machine that renews it.
 */
function seenKey(seen: SeenKey, asOf: Date): LedgerKey {
  const rotations = joinRotations(seen.tellings.filter(({ at }) => at <= asOf)).map((rotation) => ({
    ...rotation,
    event: null,
    denied: false,
  }));
  const spent = stateFindings(seen.keyId, seen, asOf);
  const isKept = seen.managedBy === 'provider' || (seen.provider === 'cert-manager' && seen.rotatesItself === true);
  const unrecorded: Finding[] =
    spent.length > 0 || isKept
      ? []
      : [
          {
            state: 'unrecorded',
            reason: `${seen.provider} has a key that no record of type key tells of: ${seen.keyId}.`,
            records: [],
          },
        ];
  const findings = [...spent, ...unrecorded];
  return {
    id: seen.id,
    record: null,
    fields: null,
    seen,
    name: seen.keyId,
    createdAt: seen.createdAt,
    rotations,
    lastRotatedAt: rotations[0]?.at ?? null,
    dueAt: null,
    dueAfter: null,
    findings,
    state: findings[0]?.state ?? 'ok',
    changesAt: firstAfter(asOf, datesOf(seen)),
  };
}
