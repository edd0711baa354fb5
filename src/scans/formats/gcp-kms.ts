import type { Format } from '../report.js';
import { ReportFault } from '../report.js';
import { isList, type List } from '../text/lazy-list.js';
import type { Draft } from './draft.js';
import { nullableCount, nullableFlag, nullableText, within } from './fact-fields.js';
import { field, firstOf, has, isFields, list, text, Unreadable, type Fields } from './fields.js';
import {
  declaredAccount,
  detectAnswer,
  eachAnswer,
  keyState,
  moment,
  readVersions,
  SECONDS_PER_DAY,
  tellKey,
  type KeyPlace,
  type KeyState,
} from './key-state.js';

const SLUG = 'gcp-kms';

/** What Cloud KMS says of keys, their rotation and their versions. */
export const gcpKms: Format = {
  slug: SLUG,
  title: 'Google Cloud KMS',
  tool: SLUG,
  description:
    'Answers of the Cloud KMS API: cryptoKeys.list and get, and cryptoKeyVersions.list; also the arrays that `gcloud kms keys list` and `gcloud kms keys versions ' +
    'list --format json` write. The account is the key ring (projects/…/locations/…/keyRings/…), which each answer names. A list of keys is complete where the ' +
    'poster declares the ring, and it holds as many as it counts (totalSize). It does not say when it was so: pass observedAt.',
  yields: ['facts'],
  targets: ['account'],

  detect(document) {
    return detectAnswer(document, (answer) => kindOf(answer) !== null);
  },

  read(document, draft) {
    const reading: Reading = { draft, declared: declaredAccount(draft.declared, SLUG), listed: new Set() };
    if (isList(document) && kindOf(firstOf(document)) === 'version') {
      // What gcloud writes does not say whether it was limited.
      versions(reading, document, '', false);
      return;
    }
    eachAnswer(draft, document, (answer, pointer) => {
      switch (kindOf(answer)) {
        case 'keys': {
          const keys = list(answer, 'cryptoKeys');
          const isWhole = hasAll(answer, keys);
          draft.rows(keys, `${pointer}/cryptoKeys`, null, (key) => cryptoKey(reading, key, isWhole));
          break;
        }
        case 'versions': {
          const rows = list(answer, 'cryptoKeyVersions');
          versions(reading, rows, `${pointer}/cryptoKeyVersions`, hasAll(answer, rows));
          break;
        }
        case 'key':
          cryptoKey(reading, answer, false);
          break;
        case 'version':
        case null:
          throw new Unreadable('', 'is no answer of Cloud KMS that is read here');
      }
    });
  },
};

interface Reading {
  draft: Draft;
  declared: string | null;
  /** Keys whose versions were listed: a second list is another page of it, and neither is whole. */
  listed: Set<string>;
}

type Kind = 'keys' | 'key' | 'versions' | 'version';

function kindOf(answer: unknown): Kind | null {
  if (!isFields(answer)) return null;
  if (isList(field(answer, 'cryptoKeys'))) return 'keys';
  if (isList(field(answer, 'cryptoKeyVersions'))) return 'versions';
  const name = field(answer, 'name');
  const named = typeof name === 'string' ? NAME.exec(name) : null;
  return named && (named[3] === undefined ? 'key' : 'version');
}

/** Key ring, key, and version of a key. */
const NAME =
  /^(projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+)\/cryptoKeys\/([^/]+)(?:\/cryptoKeyVersions\/(\d{1,9}))?$/;

interface KeyName extends KeyPlace {
  keyId: string;
  version: string | null;
}

function nameOf(fields: Fields, { declared }: Reading): KeyName {
  const [, account, subject, version = null] = NAME.exec(text(fields, 'name')) ?? [];
  if (account === undefined || subject === undefined)
    throw new Unreadable('/name', 'must be the name of a key or version');
  if (declared !== null && declared !== account) {
    throw new ReportFault('target-mismatch', 'The declared key ring is not the one of the key.');
  }
  return { account, subject, keyId: `${account}/cryptoKeys/${subject}`, version };
}

/** Whether a list is all that there is: it has no next page, and holds as many as there are, so that it is no later page either. */
function hasAll(answer: Fields, rows: List): boolean {
  return nullableText(answer, 'nextPageToken') === null && nullableCount(answer, 'totalSize') === rows.length;
}

function cryptoKey(reading: Reading, key: Fields, isWhole: boolean): void {
  const name = nameOf(key, reading);
  if (name.version !== null) throw new Unreadable('/name', 'must be the name of a key');
  const purpose = nullableText(key, 'purpose');
  const template = within(key, 'versionTemplate', (of) => nullableText(of, 'algorithm'));
  const value = keyState(
    {
      provider: 'gcp-kms',
      keyId: name.keyId,
      managedBy: 'customer',
      purpose,
      algorithm: template,
      createdAt: moment(key, 'createTime'),
      ...within(key, 'primary', (primary) => primaryOf(primary, name, reading)),
    },
    rotationOf(key, purpose),
  );
  const extent = isWhole && reading.declared !== null ? 'complete' : 'partial';
  tellKey(reading.draft, `${SLUG}/cryptoKeys`, name, value, extent);
}

/** A key cannot be deleted, its versions can: so its state is that of the version in force. Asymmetric keys have none. */
function primaryOf(primary: Fields, key: KeyName, reading: Reading) {
  if (!has(primary, 'name')) return {};
  const { keyId, version } = nameOf(primary, reading);
  if (keyId !== key.keyId || version === null)
    throw new Unreadable('/name', 'must be the name of a version of the key');
  const state = nullableText(primary, 'state');
  const createdAt = moment(primary, 'createTime');
  const algorithm = nullableText(primary, 'algorithm');
  return {
    state,
    enabled: state === null ? null : state === 'ENABLED',
    ...(algorithm === null ? {} : { algorithm }),
    deletedAt: moment(primary, 'destroyTime'),
    latestVersion: version,
    // The first version came with the key, and rotated nothing.
    lastRotatedAt: version === '1' ? null : createdAt,
    versions: [{ version, createdAt, state }],
  };
}

/** Keys of other purposes than ENCRYPT_DECRYPT, and those for imported material, cannot rotate by themselves. */
function rotationOf(key: Fields, purpose: string | null): Partial<KeyState['rotation']> {
  if (purpose === null) return {};
  if (purpose !== 'ENCRYPT_DECRYPT' || nullableFlag(key, 'importOnly') === true) return { supported: false };
  const period = nullableText(key, 'rotationPeriod');
  return {
    enabled: period !== null,
    supported: true,
    periodDays: period === null ? null : daysOf(period),
    nextAt: moment(key, 'nextRotationTime'),
  };
}

function daysOf(period: string): number {
  const seconds = /^(\d{1,12}(?:\.\d{1,9})?)s$/.exec(period)?.[1];
  if (seconds === undefined) throw new Unreadable('/rotationPeriod', 'must be seconds: 7776000s');
  return Number(seconds) / SECONDS_PER_DAY;
}

/** Versions of one key. Which of them is in force they do not say, nor when it came to be so. */
function versions(reading: Reading, rows: List, pointer: string, isWhole: boolean): void {
  const { draft, listed } = reading;
  const { key, newest } = readVersions(draft, rows, pointer, (row) => {
    const { version, ...name } = nameOf(row, reading);
    if (version === null) throw new Unreadable('/name', 'must be the name of a version');
    const createdAt = moment(row, 'createTime');
    return { key: name, rank: Number(version), version: { version, createdAt, state: nullableText(row, 'state') } };
  });
  if (key === null) return;
  const { keyId } = key;
  const complete = isWhole && newest.count === rows.length && newest.isWhole && !listed.has(keyId);
  listed.add(keyId);
  const value = keyState({ provider: 'gcp-kms', keyId, managedBy: 'customer', versions: newest.items, complete });
  tellKey(draft, `${SLUG}/cryptoKeyVersions`, key, value);
}
