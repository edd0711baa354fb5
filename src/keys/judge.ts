import { DAY_MS, dayOf, earlier, earliest, firstAfter, later } from '../kernel/dates.js';
import type { EffectiveRecord } from '../records/effective.js';
import type { Statement, WorkKind } from '../records/statement.js';
import { readRotation, type KeyPurpose } from './fields.js';
import { INCIDENT_DAYS, type Finding, type KeyState, type LedgerKey } from './ledger.js';

export interface KeysInput {
  ledger: readonly LedgerKey[];
  /** Records in effect of the system: those of the ledger, and `secret_rotation_event`. */
  records: readonly EffectiveRecord[];
  /** The record types that a practice of the catalogue asks for, with the days that they are good for; undefined where it does not. */
  limitOf: (practice: string, type: string) => { days: number | null } | undefined;
  asOf: Date;
}

/** Credentials, which the catalogue has a practice of its own for; the others encrypt or sign. */
const CREDENTIALS: ReadonlySet<KeyPurpose> = new Set(['database', 'other']);

const ROTATION = 'encryption-key-rotation';
const SECRETS = 'secret-rotation';
const CENTRAL = 'central-key-management';
const ETCD = 'secrets-encryption-at-rest';

/** What of a key speaks against it being kept where its use can be watched and stopped. */
const CUSTODY_STATES: ReadonlySet<KeyState> = new Set(['unrecorded', 'disabled', 'deletion_scheduled']);

/** What keys and their rotations say of practices, in a system's part. */
export function judgeKeys(input: KeysInput): Statement[] {
  const encryption = input.ledger.filter(({ fields }) => fields === null || !CREDENTIALS.has(fields.purpose));
  const credentials = input.ledger.filter(({ fields }) => fields !== null && CREDENTIALS.has(fields.purpose));
  const again = earliest(input.ledger.map((key) => key.changesAt));
  return [
    ...judgeRotation(input, ROTATION, 'key_rotation_event', encryption),
    ...judgeSecrets(input, credentials),
    ...judgeCustody(input),
    ...judgeReencryption(input),
  ].map((statement) => ({ ...statement, again: earlier(again, statement.again ?? null) }));
}

/** A certificate that nobody has recorded is the affair of the checks of TLS; a key of a key management service is not. */
const speaks = ({ record, seen, findings }: LedgerKey): boolean =>
  findings.length > 0 && (record !== null || (seen?.provider !== 'cert-manager' && hasState(findings, 'unrecorded')));

const hasState = (findings: readonly Finding[], state: KeyState): boolean =>
  findings.some((finding) => finding.state === state);

/** Whether the practice asks for the type: what is said of another need than its own would be lost. */
function needOf({ limitOf }: KeysInput, practice: string, type: string): string | null {
  return limitOf(practice, type) === undefined ? null : type;
}

function failing(
  input: KeysInput,
  practice: string,
  type: string,
  keys: readonly LedgerKey[],
  states: (state: KeyState) => boolean,
): Statement[] {
  return keys.filter(speaks).flatMap((key) =>
    key.findings
      .filter(({ state }) => states(state))
      .map((finding): Statement => ({
        about: { practice },
        need: needOf(input, practice, type),
        says: 'failing',
        reason: finding.reason,
        records: key.record === null ? finding.records : [key.record.id, ...finding.records],
        series: key.seen?.series ?? [],
        at: input.asOf,
        until: null,
        work: { kind: 'failing', ownerId: key.record?.ownerId ?? null, dueAt: key.dueAt },
      })),
  );
}

function judgeRotation(input: KeysInput, practice: string, type: string, keys: readonly LedgerKey[]): Statement[] {
  const { limitOf, asOf } = input;
  const limit = limitOf(practice, type);
  const bad = failing(input, practice, type, keys, () => true);
  const recorded = keys.filter(({ record }) => record !== null);
  // The interval of a key may be longer than what the practice asks for: then that is what counts.
  const ends = recorded
    .map((key) => endingOf(key, limit?.days ?? null))
    .sort((one, other) => one.end.getTime() - other.end.getTime());
  const [next] = ends;
  if (next === undefined || limit === undefined) return bad;
  const statement = {
    about: { practice },
    need: type,
    at: asOf,
    // The first to be rotated first: whoever is told of some is told of these.
    records: ends.slice(0, 5).map(({ key }) => key.id),
    series: seriesOf(recorded),
    // When another is soon due.
    again: firstAfter(
      asOf,
      ends.map(({ soonAt }) => soonAt),
    ),
  };
  // Work of their own, whatever else is said of their key or of another.
  const works = [
    ...ends.flatMap((ending) => dueSoon(statement, ending)),
    ...recorded.flatMap((key) => afterIncident(statement, key)),
  ];
  if (bad.length > 0) return [...bad.map((one) => ({ ...one, again: statement.again })), ...works];
  const old = ends.filter(({ end }) => end <= asOf);
  if (old.length > 0) {
    const until = firstAfter(
      asOf,
      ends.map(({ end }) => end),
    );
    return [
      ...old.map(({ key, end }): Statement => {
        const reason = `${type}: key ${key.name} was not rotated in the last ${limit.days ?? 0} days.`;
        return { ...of(statement, key), says: 'stale', reason, until, work: workOf(key, 'stale', end) };
      }),
      ...works,
    ];
  }
  const reason =
    recorded.length === 1
      ? `${type}: the one recorded key is within its interval.`
      : `${type}: all ${recorded.length} recorded keys are within their interval.`;
  return [{ ...statement, says: 'met', reason, until: next.end }, ...works];
}

type Said = Omit<Statement, 'says' | 'reason' | 'until'>;

const of = (statement: Said, key: LedgerKey): Said => ({
  ...statement,
  records: [key.id],
  series: [...(key.seen?.series ?? [])],
});

/** A rotation is on the work list so long before it is due; that of a key with a short interval in the last third of it. */
const NOTICE_DAYS = 90;

/** When a key is to be rotated, and from when on that is soon. */
interface Ending {
  key: LedgerKey;
  end: Date;
  soonAt: Date;
}

function endingOf(key: LedgerKey, days: number | null): Ending {
  const end = endOf(key, days);
  const since = key.lastRotatedAt ?? key.createdAt ?? end;
  const third = (end.getTime() - since.getTime()) / 3;
  return { key, end, soonAt: new Date(end.getTime() - Math.min(NOTICE_DAYS * DAY_MS, third)) };
}

function dueSoon(statement: Said, { key, end, soonAt }: Ending): Statement[] {
  if (end <= statement.at || soonAt > statement.at) return [];
  // An incident that asks for it by then is work that says why.
  if (key.dueAfter !== null && key.dueAfter.dueAt <= end) return [];
  const lastDay = dayOf(new Date(end.getTime() - 1));
  const reason = `${statement.need ?? ''}: key ${key.name} is to be rotated by ${lastDay}.`;
  return [{ ...of(statement, key), says: 'met', reason, until: end, work: workOf(key, 'due', end) }];
}

function afterIncident(statement: Said, key: LedgerKey): Statement[] {
  if (key.dueAfter === null) return [];
  const { record, dueAt } = key.dueAfter;
  const reason =
    `key_rotation_event: key ${key.name} was not rotated after incident ${record.naturalKey} yet: ` +
    `due within ${INCIDENT_DAYS} days of its discovery.`;
  const records = [key.id, record.id];
  return [{ ...statement, says: 'met', reason, records, until: dueAt, work: workOf(key, 'due', dueAt) }];
}

const workOf = (key: LedgerKey, kind: WorkKind, dueAt: Date | null): NonNullable<Statement['work']> => ({
  kind,
  ownerId: key.record?.ownerId ?? null,
  dueAt,
});

/** When a recorded key is too old, by its interval or by the days of the practice. That of a record that cannot be read has passed. */
function endOf(key: LedgerKey, days: number | null): Date {
  const since = key.lastRotatedAt ?? key.createdAt;
  if (key.dueAt === null || since === null) return new Date(0);
  const end = days === null ? key.dueAt : later(since, days);
  return key.dueAt < end ? key.dueAt : end;
}

const seriesOf = (keys: readonly LedgerKey[]): string[] => keys.flatMap(({ seen }) => seen?.series ?? []).slice(0, 20);

/** Credentials that are in the ledger speak for themselves; records of rotated secrets speak where there are none, by their age. */
function judgeSecrets(input: KeysInput, credentials: readonly LedgerKey[]): Statement[] {
  const type = 'secret_rotation_event';
  const ledger = judgeRotation(input, SECRETS, type, credentials);
  return ledger.length > 0 ? ledger : judgeAge(input, SECRETS, type);
}

/** The youngest of the records of a type that have neither failed nor expired speaks for all. */
function judgeAge(input: KeysInput, practice: string, type: string): Statement[] {
  const { limitOf, asOf } = input;
  const limit = limitOf(practice, type);
  const isOver = ({ expiresAt }: EffectiveRecord) => expiresAt !== null && expiresAt <= asOf;
  const kept = input.records.filter((record) => record.type === type && !record.disposed);
  // One that is of later says nothing yet.
  const comes = firstAfter(
    asOf,
    kept.map(({ goodFrom }) => goodFrom),
  );
  const [newest] = kept
    .filter(({ goodFrom }) => goodFrom <= asOf)
    .sort(
      (one, other) => Number(isOver(one)) - Number(isOver(other)) || other.goodFrom.getTime() - one.goodFrom.getTime(),
    );
  if (limit === undefined || newest === undefined) return [];
  const end = limit.days === null ? null : later(newest.goodFrom, limit.days);
  const statement = { about: { practice }, need: type, at: asOf, records: [newest.id], series: [] };
  const work = { ownerId: newest.ownerId, dueAt: end };
  // Who still uses the old secret keeps it alive.
  const isHalf = newest.fields['consumersDone'] === false;
  if (newest.fails || isHalf) {
    return [
      {
        ...statement,
        says: 'failing',
        reason: isHalf
          ? `${type}: of the last, of ${dayOf(newest.goodFrom)}, it is said that not all consumers use the new one.`
          : `${type}: «${newest.outcome ?? ''}» is its outcome.`,
        until: comes,
        work: { kind: 'failing', ...work },
      },
    ];
  }
  if (isOver(newest) || (end !== null && end <= asOf)) {
    const reason = `${type}: the last is of ${dayOf(newest.goodFrom)}, and no longer good.`;
    return [{ ...statement, says: 'stale', reason, until: comes, work: { kind: 'stale', ...work } }];
  }
  return [
    {
      ...statement,
      says: 'met',
      reason: `${type}: the last is of ${dayOf(newest.goodFrom)}.`,
      until: earlier(newest.expiresAt, end),
      again: comes,
    },
  ];
}

function judgeCustody(input: KeysInput): Statement[] {
  const { ledger, limitOf, asOf } = input;
  const bad = failing(input, CENTRAL, 'key', ledger, (state) => CUSTODY_STATES.has(state));
  const recorded = ledger.filter(({ record }) => record !== null);
  if (bad.length > 0 || recorded.length === 0 || limitOf(CENTRAL, 'key') === undefined) return bad;
  return [
    {
      about: { practice: CENTRAL },
      need: 'key',
      says: 'met',
      reason: `key: ${recorded.length} ${recorded.length === 1 ? 'key is' : 'keys are'} recorded, and no report has seen another.`,
      records: recorded.slice(0, 5).map(({ id }) => id),
      series: seriesOf(recorded),
      at: asOf,
      until: null,
    },
  ];
}

/**
 * A new key of etcd encrypts what is written from then on; the secrets before are under the old one until they are written again. What was encrypted anew under a
 * volume's key shows nothing of them: a record that names a key, or the rotation of one, counts where one of those is etcd's.
 */
function judgeReencryption(input: KeysInput): Statement[] {
  const type = 'reencryption_record';
  const etcd = input.ledger.filter(({ fields }) => fields?.purpose === 'etcd-kms');
  const pending = failing(input, ETCD, type, etcd, (state) => state === 'reencryption_pending');
  if (pending.length > 0) return pending;
  const ofEtcd = new Set(etcd.map(({ id }) => id));
  const keyOf = new Map(
    input.records.flatMap((record): [string, string][] => {
      if (record.type === 'key') return [[record.id, record.id]];
      const rotation = record.type === 'key_rotation_event' ? readRotation(record.fields) : null;
      return rotation === null ? [] : [[record.id, rotation.key]];
    }),
  );
  const isOfAnother = ({ fields, links }: EffectiveRecord): boolean => {
    const linked = links.flatMap(({ kind, target }) => (kind === 'record' ? (keyOf.get(target) ?? []) : []));
    const named = typeof fields['key'] === 'string' ? [fields['key'], ...linked] : linked;
    return named.length > 0 && !named.some((key) => ofEtcd.has(key));
  };
  const records = input.records.filter((record) => record.type === type && !isOfAnother(record));
  return judgeAge({ ...input, records }, ETCD, type);
}
