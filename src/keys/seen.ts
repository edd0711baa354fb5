import { earliest } from '../kernel/dates.js';
import { nameId } from '../kernel/ids.js';
import { FACT_KINDS, type FactValue } from '../results/fact.js';
import type { ListedFact } from '../results/listed-fact.js';
import { normalReference, type SeenProvider } from './reference.js';
import type { Telling } from './rotations.js';

type KeyValue = FactValue<'key'>;
type CertificateValue = FactValue<'certificate'>;
type SeenFact =
  | { fact: ListedFact; kind: 'key'; value: KeyValue }
  | { fact: ListedFact; kind: 'certificate'; value: CertificateValue };

/** What the facts of all sources together say of one key. */
export interface SeenKey {
  /** Names the key for as long as its reference stays the same. */
  id: string;
  provider: SeenProvider;
  /** As the provider calls it. */
  keyId: string;
  /** `normalReference`, with the account where ids are told apart by it alone. */
  reference: string;
  /** What names it too, if no other key of the system is called so. */
  shortReference: string | null;
  managedBy: KeyValue['managedBy'];
  state: string | null;
  enabled: boolean | null;
  /** When it is to be, or was, deleted. */
  deletedAt: Date | null;
  isDeleted: boolean;
  expiresAt: Date | null;
  /** The earliest instant at which anything of it was there. */
  createdAt: Date | null;
  /** Whether its provider rotates it by itself; null: no answer says so. */
  rotatesItself: boolean | null;
  latestVersion: string | null;
  tellings: Telling[];
  /** Since when a list of its rotations that is all of them has been as it is. */
  listedSince: Date | null;
  sources: string[];
  series: string[];
}

/** Keys by their reference, in its order. Facts of other kinds, and of values that cannot be read, say nothing here. */
export function seenKeys(facts: readonly ListedFact[]): SeenKey[] {
  const byReference = new Map<string, SeenFact[]>();
  for (const fact of facts) {
    const seen = readFact(fact);
    if (seen === null) continue;
    const { provider, reference } = nameOf(seen);
    const key = `${provider}\n${reference}`;
    const group = byReference.get(key);
    if (group === undefined) byReference.set(key, [seen]);
    else group.push(seen);
  }
  return [...byReference.entries()]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([, group]) => joined(group) ?? []);
}

function readFact(fact: ListedFact): SeenFact | null {
  if (fact.kind === 'key') {
    const value = FACT_KINDS.key.safeParse(fact.value).data;
    return value === undefined ? null : { fact, kind: 'key', value };
  }
  if (fact.kind !== 'certificate') return null;
  const value = FACT_KINDS.certificate.safeParse(fact.value).data;
  return value === undefined ? null : { fact, kind: 'certificate', value };
}

interface KeyName {
  provider: SeenProvider;
  keyId: string;
  reference: string;
  shortReference: string | null;
}

function nameOf({ fact, kind, value }: SeenFact): KeyName {
  const account = fact.target.name;
  if (kind === 'certificate') {
    const name = fact.subject.split('/').at(-1) ?? '';
    const keyId = fact.namespace === null ? name : `${fact.namespace}/${name}`;
    return { provider: 'cert-manager', keyId, reference: `${account}/${keyId}`, shortReference: keyId };
  }
  const { provider, keyId } = value;
  if (provider === 'vault-transit') {
    return { provider, keyId, reference: `${account}/${keyId}`, shortReference: keyId };
  }
  // An answer may name a multi-region key by its id alone; the subject has its region.
  const said = provider === 'aws-kms' && keyId.startsWith('mrk-') ? fact.subject : keyId;
  return { provider, keyId, reference: normalReference(provider, said), shortReference: null };
}

const at = (text: string | null): Date | null => (text === null ? null : new Date(text));

const DELETED = /^(pending_?(replica_?)?deletion|destroy(ed|_scheduled)|(soft_?)?deleted)$/i;

/** One key of what several answers say: of what several of them say, the newest counts. */
function joined(group: readonly SeenFact[]): SeenKey | null {
  const facts = group.toSorted((one, other) => other.fact.observedFrom.getTime() - one.fact.observedFrom.getTime());
  const [first] = facts;
  if (first === undefined) return null;
  const name = nameOf(first);
  const values = facts.flatMap(({ kind, value }) => (kind === 'key' ? [value] : []));
  const certificates = facts.flatMap(({ kind, value }) => (kind === 'certificate' ? [value] : []));
  const newest = <Value>(of: (value: KeyValue) => Value | null): Value | null =>
    values.map(of).find((said) => said !== null) ?? null;
  const state = newest((value) => value.state);
  const deletedAt = at(newest((value) => value.deletedAt));
  return {
    ...name,
    // The longest way to write it names most.
    keyId: facts.map((fact) => nameOf(fact).keyId).reduce((one, other) => (other.length > one.length ? other : one)),
    id: nameId('key', name.provider, name.reference),
    managedBy: values.map(({ managedBy }) => managedBy).find((by) => by !== 'unknown') ?? 'unknown',
    state,
    enabled: newest((value) => value.enabled),
    deletedAt,
    isDeleted: deletedAt !== null || (state !== null && DELETED.test(state)),
    expiresAt: earliest([at(newest((value) => value.expiresAt)), ...certificates.map((value) => at(value.expiresAt))]),
    createdAt: createdAt(values),
    rotatesItself:
      newest((value) => value.rotation.enabled) ??
      certificates.map(renewsItself).find((renews) => renews !== null) ??
      null,
    latestVersion:
      newest((value) => value.latestVersion) ??
      certificates.flatMap(({ revision }) => (revision === null ? [] : [String(revision)]))[0] ??
      null,
    tellings: facts.flatMap(tellingsOf),
    listedSince: earliest(
      facts.map(({ fact, kind, value }) => (kind === 'key' && value.complete ? fact.observedFrom : null)),
    ),
    sources: [...new Set(facts.map(({ fact }) => fact.source))].sort(),
    series: [...new Set(facts.map(({ fact }) => fact.series))].sort(),
  };
}

/**
 * Key Vault gives the attributes of the version in force as those of the key, so there only a whole list of its versions tells when the first came
 * (learn.microsoft.com, «About keys»).
 */
function createdAt(values: readonly KeyValue[]): Date | null {
  return earliest(
    values.flatMap((value) => {
      if (value.provider === 'azure-key-vault' && !value.complete) return [];
      return [at(value.createdAt), ...value.versions.map((version) => at(version.createdAt))];
    }),
  );
}

/** Whether a renewal makes a new private key. What the default is depends on the version of cert-manager (from 1.18 on Always), so that nothing said is nothing known. */
const renewsItself = ({ rotationPolicy }: CertificateValue): boolean | null =>
  rotationPolicy === null ? null : rotationPolicy === 'Always';

/** Rotations that one fact tells of. */
function tellingsOf({ fact, kind, value }: SeenFact): Telling[] {
  const telling = (instant: string | null, version: string | null, automatic: boolean | null): Telling[] =>
    instant === null
      ? []
      : [
          {
            at: new Date(instant),
            version,
            source: `${fact.series}/${fact.observedFrom.toISOString()}`,
            by: { kind: 'fact', series: fact.series, source: fact.source, scanId: fact.scanId, automatic },
          },
        ];
  if (kind === 'certificate') {
    const { issuedAt, revision } = value;
    // The first issue rotated nothing, and a renewal that keeps the key neither.
    return renewsItself(value) === true && revision !== null && revision > 1
      ? telling(issuedAt, String(revision), true)
      : [];
  }
  const listed = value.rotations.flatMap(({ at: instant, version, type }) =>
    telling(instant, version, type === 'unknown' ? null : type === 'automatic'),
  );
  const versions = versionsInForce(value).flatMap(({ version, createdAt: instant }) => telling(instant, version, null));
  const isListed = value.rotations.some(({ at: instant }) => instant === value.lastRotatedAt);
  const last = isListed ? [] : telling(value.lastRotatedAt, value.latestVersion, null);
  return distinct([...listed, ...versions, ...last]);
}

/** Versions that came into force when they were made: of these two, a new version is the one in force. The first, or the oldest that is listed, rotated nothing. */
function versionsInForce(value: KeyValue): KeyValue['versions'] {
  switch (value.provider) {
    case 'vault-transit':
      return value.versions.filter(({ version }) => version !== '1');
    case 'azure-key-vault':
      return value.versions.slice(0, -1);
    default:
      return [];
  }
}

function distinct(tellings: readonly Telling[]): Telling[] {
  const byVersion = new Map(tellings.map((telling) => [`${telling.at.getTime()} ${telling.version ?? ''}`, telling]));
  return [...byVersion.values()];
}
