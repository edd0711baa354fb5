import type { Format } from '../report.js';
import { ReportFault } from '../report.js';
import { isList } from '../text/lazy-list.js';
import type { Draft } from './draft.js';
import { nullableCount, nullableFlag, nullableText, within } from './fact-fields.js';
import {
  field,
  fieldsIn,
  firstOf,
  has,
  isFields,
  list,
  optionalText,
  text,
  Unreadable,
  type Fields,
} from './fields.js';
import {
  assertOneNameless,
  declaredAccount,
  detectAnswer,
  eachAnswer,
  keyState,
  moment,
  Newest,
  tellKey,
  type KeyPlace,
  type KeyState,
} from './key-state.js';

const SLUG = 'aws-kms';

/** What AWS KMS says of a key: its description, whether it rotates, and when it did. */
export const awsKms: Format = {
  slug: SLUG,
  title: 'AWS KMS',
  tool: SLUG,
  description:
    'Answers of `aws kms describe-key`, `get-key-rotation-status` (its UnsupportedOperationException too, as JSON) and `list-key-rotations`, one, an array or one per ' +
    'line. An answer that names the ARN of its key needs no target. One that names only its id needs the account: targets=account/111122223333. One that does ' +
    'not name its key (a rotation status of before 2024, an empty list of rotations) needs the ARN: targets=account/arn:aws:kms:…:key/…. Post all pages of a ' +
    'list of rotations as one. It does not say when it was so: pass observedAt. An answer about one key closes nothing.',
  yields: ['facts'],
  targets: ['account'],

  detect(document) {
    return detectAnswer(document, (answer) => kindOf(answer) !== null);
  },

  read(document, draft) {
    const reading: Reading = {
      draft,
      declared: readDeclared(declaredAccount(draft.declared, SLUG)),
      listed: new Set(),
      nameless: new Set(),
    };
    eachAnswer(draft, document, (answer, pointer) => {
      switch (kindOf(answer)) {
        case 'description':
          within(answer, 'KeyMetadata', (metadata) => describeKey(reading, metadata));
          break;
        case 'status':
          rotationStatus(reading, answer);
          break;
        case 'refusal':
          unsupported(reading, answer);
          break;
        case 'rotations':
          rotations(reading, answer, pointer);
          break;
        case null:
          throw new Unreadable('', 'is no answer of AWS KMS that is read here');
      }
    });
  },
};

interface Reading {
  draft: Draft;
  declared: DeclaredKey | null;
  /** Keys whose rotations were listed: a second list is another page of it, and neither is whole. */
  listed: Set<string>;
  /** Operations whose answer did not name its key. */
  nameless: Set<string>;
}

type Kind = 'description' | 'status' | 'refusal' | 'rotations';

function kindOf(answer: Fields): Kind | null {
  const metadata = field(answer, 'KeyMetadata');
  if (isFields(metadata) && has(metadata, 'KeyId')) return 'description';
  if (has(answer, 'KeyRotationEnabled')) return 'status';
  if (isList(field(answer, 'Rotations'))) return 'rotations';
  return errorCode(answer) === 'UnsupportedOperationException' ? 'refusal' : null;
}

/** In the SDKs' form, `{Error: {Code}}`, or the service's own, `{__type}`. */
function errorCode(answer: Fields): unknown {
  const error = field(answer, 'Error');
  return isFields(error) ? field(error, 'Code') : field(answer, '__type');
}

/** A key's ARN: region, account, id. */
const ARN = /^arn:aws[a-z-]*:kms:([a-z0-9-]{1,50}):(\d{12}):key\/([A-Za-z0-9-]{1,100})$/;

interface KeyName {
  /** Null where only the id is said. */
  arn: string | null;
  region: string | null;
  account: string | null;
  id: string;
}

function keyName(said: string): KeyName | null {
  const [arn, region, account, id] = ARN.exec(said) ?? [];
  if (arn !== undefined && region !== undefined && account !== undefined && id !== undefined) {
    return { arn, region, account, id };
  }
  return /^[A-Za-z0-9-]{1,100}$/.test(said) ? { arn: null, region: null, account: null, id: said } : null;
}

interface DeclaredKey {
  account: string;
  key: KeyName | null;
}

function readDeclared(name: string | null): DeclaredKey | null {
  if (name === null) return null;
  if (/^\d{12}$/.test(name)) return { account: name, key: null };
  const key = keyName(name);
  if (!key?.account) {
    throw new ReportFault('target-mismatch', 'Declare the AWS account (12 digits) or the ARN of the key.');
  }
  return { account: key.account, key };
}

interface Place extends KeyPlace {
  id: string;
  /** The ARN, where it is known. */
  keyId: string;
}

/** The key that an answer is about: what it says itself and what its poster declares have to agree. */
function placeOf({ declared, nameless }: Reading, operation: Operation, said: KeyName | null): Place {
  const named = declared?.key ?? null;
  const { id, region, account, arn } = {
    id: said?.id ?? named?.id,
    region: said?.region ?? named?.region ?? null,
    account: said?.account ?? declared?.account,
    arn: said?.arn ?? named?.arn ?? null,
  };
  if (id === undefined) {
    throw new ReportFault('target-unknown', 'The answer does not name its key: pass targets=account/ARN of the key.');
  }
  if (said === null) assertOneNameless(nameless, operation);
  if (account === undefined) {
    throw new ReportFault('target-unknown', 'The answer does not name its account: pass targets=account/ACCOUNT.');
  }
  if (
    (declared && account !== declared.account) ||
    (named && (id !== named.id || (said?.region && said.region !== named.region)))
  ) {
    throw new ReportFault('target-mismatch', 'The declared account or key is not the one that the answer names.');
  }
  const keyId = arn ?? id;
  if (!id.startsWith('mrk-')) return { account, subject: id, id, keyId };
  // A multi-region key has the same id everywhere, and a state of its own in each region.
  if (region === null) {
    throw new ReportFault(
      'target-unknown',
      "The answer does not name its key's region: pass targets=account/ARN of the key.",
    );
  }
  return { account, subject: `${region}/${id}`, id, keyId };
}

function keyNamed(fields: Fields, name: string): KeyName | null {
  const said = nullableText(fields, name);
  if (said === null) return null;
  const key = keyName(said);
  if (key === null) throw new Unreadable(`/${name}`, 'must be the id or ARN of a key');
  return key;
}

type Operation = 'describe-key' | 'get-key-rotation-status' | 'list-key-rotations';

function tell(
  { draft }: Reading,
  operation: Operation,
  place: Place,
  said: Partial<Omit<KeyState, 'rotation'>>,
  rotation: Partial<KeyState['rotation']> = {},
): void {
  const value = keyState({ provider: 'aws-kms', keyId: place.keyId, managedBy: 'unknown', ...said }, rotation);
  tellKey(draft, `${SLUG}/${operation}`, place, value);
}

/** Of the description of a key, which people write, nothing is kept. */
function describeKey(reading: Reading, metadata: Fields): void {
  const key = keyNamed(metadata, 'Arn') ?? keyNamed(metadata, 'KeyId');
  if (text(metadata, 'KeyId') !== key?.id) throw new Unreadable('/KeyId', 'must be the id in the ARN');
  tell(reading, 'describe-key', placeOf(reading, 'describe-key', key), {
    state: nullableText(metadata, 'KeyState'),
    enabled: nullableFlag(metadata, 'Enabled'),
    purpose: nullableText(metadata, 'KeyUsage'),
    algorithm: nullableText(metadata, 'KeySpec') ?? nullableText(metadata, 'CustomerMasterKeySpec'),
    managedBy: managerOf(metadata),
    origin: nullableText(metadata, 'Origin'),
    createdAt: moment(metadata, 'CreationDate'),
    expiresAt: moment(metadata, 'ValidTo'),
    deletedAt: moment(metadata, 'DeletionDate'),
    latestVersion: nullableText(metadata, 'CurrentKeyMaterialId'),
  });
}

function managerOf(metadata: Fields): KeyState['managedBy'] {
  switch (optionalText(metadata, 'KeyManager')) {
    case 'AWS':
      return 'provider';
    case 'CUSTOMER':
      return 'customer';
    case '':
      return 'unknown';
    default:
      throw new Unreadable('/KeyManager', 'must be AWS or CUSTOMER');
  }
}

/** That it does not rotate is the answer for some keys that cannot, too: so `supported` is known only of those that do. */
function rotationStatus(reading: Reading, answer: Fields): void {
  const enabled = nullableFlag(answer, 'KeyRotationEnabled');
  if (enabled === null) throw new Unreadable('/KeyRotationEnabled', 'must be true or false');
  const rotation = {
    enabled,
    supported: enabled ? true : null,
    periodDays: nullableCount(answer, 'RotationPeriodInDays'),
    nextAt: moment(answer, 'NextRotationDate'),
  };
  const place = placeOf(reading, 'get-key-rotation-status', keyNamed(answer, 'KeyId'));
  tell(reading, 'get-key-rotation-status', place, {}, rotation);
}

/** Asymmetric and HMAC keys, imported material, custom key stores: they cannot rotate by themselves, which is not that they do not. */
function unsupported(reading: Reading, answer: Fields): void {
  const message = optionalText(fieldsIn(answer, 'Error'), 'Message') || optionalText(answer, 'message');
  // It begins with the ARN, or names no key.
  const named = keyName(message.slice(0, 250).split(' ', 1)[0] ?? '');
  const place = placeOf(reading, 'get-key-rotation-status', named?.arn ? named : null);
  tell(reading, 'get-key-rotation-status', place, {}, { supported: false });
}

function rotations(reading: Reading, answer: Fields, pointer: string): void {
  const rows = list(answer, 'Rotations');
  const first = firstOf(rows);
  const place = placeOf(reading, 'list-key-rotations', isFields(first) ? keyNamed(first, 'KeyId') : null);
  const happened = new Newest<KeyState['rotations'][number]>();
  const materials = new Newest<KeyState['versions'][number]>();
  let read = 0;
  reading.draft.rows(rows, `${pointer}/Rotations`, null, (row) => {
    if ((keyNamed(row, 'KeyId')?.id ?? place.id) !== place.id) {
      throw new Unreadable('/KeyId', 'must be the key that the list is about');
    }
    // With IncludeKeyMaterial the first material of the key is listed too, and imported material that waits: neither is a rotation.
    const at = moment(row, 'RotationDate');
    const version = nullableText(row, 'KeyMaterialId');
    const rank = at === null ? 0 : Date.parse(at);
    if (at !== null) happened.add(rank, { at, type: typeOf(row), version });
    if (version !== null) materials.add(rank, { version, createdAt: at, state: nullableText(row, 'KeyMaterialState') });
    read++;
  });
  const isAll = !isPage(answer) && !reading.listed.has(place.keyId) && read === rows.length;
  reading.listed.add(place.keyId);
  const [last] = happened.items;
  tell(reading, 'list-key-rotations', place, {
    latestVersion: materials.items.find(({ state }) => state === 'CURRENT')?.version ?? null,
    // Of a list that was cut nobody knows whether the last one is in it.
    lastRotatedAt: isAll ? (last?.at ?? null) : null,
    versions: materials.items,
    rotations: happened.items,
    complete: isAll && happened.isWhole && materials.isWhole,
  });
}

function isPage(answer: Fields): boolean {
  const markers = [nullableText(answer, 'NextMarker'), nullableText(answer, 'NextToken')];
  return nullableFlag(answer, 'Truncated') === true || markers.some((marker) => marker !== null);
}

function typeOf(row: Fields): KeyState['rotations'][number]['type'] {
  switch (optionalText(row, 'RotationType')) {
    case 'AUTOMATIC':
      return 'automatic';
    case 'ON_DEMAND':
      return 'on-demand';
    default:
      return 'unknown';
  }
}
