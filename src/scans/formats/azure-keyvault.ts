import type { Coverage, Format } from '../report.js';
import { ReportFault } from '../report.js';
import { isList, type List } from '../text/lazy-list.js';
import type { Draft } from './draft.js';
import { nullableFlag, membersOf, nullableText, within } from './fact-fields.js';
import { field, fieldsIn, fieldsOf, firstOf, isFields, list, step, text, Unreadable, type Fields } from './fields.js';
import {
  assertOneNameless,
  declaredAccount,
  detectAnswer,
  eachAnswer,
  keyState,
  moment,
  readVersions,
  tellKey,
  type KeyPlace,
  type KeyState,
} from './key-state.js';

const SLUG = 'azure-keyvault';

/** What Azure Key Vault says of keys, their versions and their rotation policy. */
export const azureKeyVault: Format = {
  slug: SLUG,
  title: 'Azure Key Vault',
  tool: SLUG,
  description:
    'Answers of the Key Vault API: keys, versions of a key, one key, its rotation policy; also what `az keyvault key list|list-versions|show` and `az keyvault key ' +
    'rotation-policy show` write. The account is the host of the vault, which the ids name. The policy of a key that has none of its own does not: pass ' +
    'targets=account/https://VAULT.vault.azure.net/keys/KEY. A list of keys is complete where the poster declares the vault (targets=account/VAULT.vault.azure.net) and ' +
    'posts all pages of the API as an array, first to last, also if there is one only (`jq -s .`): a page by itself may be the last of several. Post all pages of a list ' +
    'of versions as one `value`, in an array too. It does not say when it was so: pass observedAt.',
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
    if (isList(document) && kindOf(firstOf(document)) === 'item') {
      // What az writes is all pages, but leaves out the keys of certificates.
      items(reading, document, '', true, 'partial');
      return;
    }
    const extent = reading.declared?.key === null && holdsAllPages(document) ? 'complete' : 'partial';
    eachAnswer(draft, document, (answer, pointer) => {
      switch (kindOf(answer)) {
        case 'list':
          if (!isList(document)) draft.note('A page by itself may be the last of several, so it closes nothing.');
          items(reading, list(answer, 'value'), `${pointer}/value`, isList(document) && isLast(answer), extent);
          break;
        case 'item':
          item(reading, answer, 'partial');
          break;
        case 'key':
          bundle(reading, answer);
          break;
        case 'policy':
          policy(reading, answer);
          break;
        case null:
          throw new Unreadable('', 'is no answer of Key Vault that is read here');
      }
    });
  },
};

interface Reading {
  draft: Draft;
  declared: DeclaredVault | null;
  /** Keys whose versions were listed: a second list is another page of it, and neither is whole. */
  listed: Set<string>;
  /** Kinds of answers that did not name their key. */
  nameless: Set<string>;
}

type Kind = 'list' | 'item' | 'key' | 'policy';

function kindOf(answer: unknown): Kind | null {
  if (!isFields(answer)) return null;
  const value = field(answer, 'value');
  if (isList(value)) return isItem(firstOf(value)) ? 'list' : null;
  if (isItem(answer)) return 'item';
  if (isItem(field(answer, 'key'))) return 'key';
  const actions = field(answer, 'lifetimeActions');
  const id = field(answer, 'id') ?? null;
  return isList(actions) && (id === null || (typeof id === 'string' && POLICY_ID.test(id))) ? 'policy' : null;
}

function isItem(value: unknown): boolean {
  const kid = isFields(value) ? field(value, 'kid') : undefined;
  return typeof kid === 'string' && KID.test(kid);
}

/** Host of the vault, name of the key, version of it. Their case does not matter. */
const KID = /^https:\/\/([a-z0-9.-]{1,253})(?::443)?\/keys\/([a-z0-9-]{1,127})(?:\/([a-z0-9]{1,64}))?$/i;
const POLICY_ID = /^(https:\/\/[^/]+\/keys\/[^/]+)\/rotationpolicy$/i;

interface KeyName extends KeyPlace {
  keyId: string;
  version: string | null;
}

function keyName(kid: string): KeyName | null {
  const [, host, subject, version = null] = KID.exec(kid) ?? [];
  if (host === undefined || subject === undefined) return null;
  const [account, name] = [host.toLowerCase(), subject.toLowerCase()];
  return { account, subject: name, keyId: `https://${account}/keys/${name}`, version };
}

interface DeclaredVault {
  account: string;
  /** Null where the vault is declared as a whole. */
  key: KeyName | null;
}

function readDeclared(name: string | null): DeclaredVault | null {
  if (name === null) return null;
  const key = keyName(name);
  if (key) return { account: key.account, key };
  if (/^[a-z0-9.-]+$/i.test(name)) return { account: name.toLowerCase(), key: null };
  throw new ReportFault('target-mismatch', 'Declare the host of the vault or the id of the key.');
}

/** The key of that id; what its poster declares has to agree. */
function named(kid: string, at: string, { declared }: Reading): KeyName {
  const key = keyName(kid);
  if (key === null) throw new Unreadable(at, 'must be the id of a key');
  if (declared && (declared.account !== key.account || (declared.key ?? key).subject !== key.subject)) {
    throw new ReportFault('target-mismatch', 'The declared vault or key is not the one that the answer names.');
  }
  return key;
}

const isLast = (page: Fields): boolean => (field(page, 'nextLink') ?? '') === '';

/**
 * Whether the document is an array that holds one list of keys from its first to its last page. The last page of several looks like the only one of a list: that it is,
 * only whoever put the pages together knows.
 */
function holdsAllPages(document: unknown): boolean {
  if (!isList(document)) return false;
  let hasEnded = false;
  for (const answer of document) {
    if (!isFields(answer) || kindOf(answer) !== 'list' || isOfVersions(list(answer, 'value'))) continue;
    if (hasEnded) return false;
    hasEnded = isLast(answer);
  }
  return hasEnded;
}

function isOfVersions(rows: List): boolean {
  const first = firstOf(rows);
  const kid = isFields(first) ? field(first, 'kid') : undefined;
  return typeof kid === 'string' && Boolean(keyName(kid)?.version);
}

/** A list of keys or, if its first id has a version, of the versions of one key. */
function items(reading: Reading, rows: List, pointer: string, isWhole: boolean, extent: Coverage['extent']): void {
  if (isOfVersions(rows)) {
    versions(reading, rows, pointer, isWhole);
    return;
  }
  reading.draft.rows(rows, pointer, null, (row) => item(reading, row, extent));
}

/** A key in a list. Tags, which people write, are not kept. */
function item(reading: Reading, row: Fields, extent: Coverage['extent']): void {
  const key = named(text(row, 'kid'), '/kid', reading);
  if (key.version !== null) throw new Unreadable('/kid', 'must be the id of a key without a version');
  const value = keyState({
    provider: 'azure-key-vault',
    keyId: key.keyId,
    managedBy: managerOf(row),
    ...within(row, 'attributes', attributes),
  });
  tellKey(reading.draft, `${SLUG}/keys`, key, value, extent);
}

/** Keys behind certificates are the vault's own. */
function managerOf(of: Fields): KeyState['managedBy'] {
  return nullableFlag(of, 'managed') === true ? 'provider' : 'customer';
}

/** The az command line calls `exp` `expires`. */
function attributes(of: Fields) {
  return {
    enabled: nullableFlag(of, 'enabled'),
    createdAt: moment(of, 'created'),
    expiresAt: moment(of, 'exp') ?? moment(of, 'expires'),
    exportable: nullableFlag(of, 'exportable'),
  };
}

function stateOf(enabled: boolean | null): string | null {
  return enabled === null ? null : enabled ? 'enabled' : 'disabled';
}

function versions(reading: Reading, rows: List, pointer: string, isWhole: boolean): void {
  const { draft, listed } = reading;
  const { key, newest } = readVersions(draft, rows, pointer, (row) => {
    const { version, ...name } = named(text(row, 'kid'), '/kid', reading);
    if (version === null) throw new Unreadable('/kid', 'must be the id of a version');
    const { createdAt, enabled } = within(row, 'attributes', attributes);
    if (createdAt === null) throw new Unreadable('/attributes/created', 'must be the time of the version');
    const managedBy = managerOf(row);
    return {
      key: { ...name, managedBy },
      rank: Date.parse(createdAt),
      version: { version, createdAt, state: stateOf(enabled) },
    };
  });
  if (key === null) return;
  const { keyId, managedBy } = key;
  const isAll = isWhole && newest.count === rows.length && newest.isWhole && !listed.has(keyId);
  listed.add(keyId);
  const kept = newest.items;
  const [latest] = isAll ? kept : [];
  const value = keyState({
    provider: 'azure-key-vault',
    keyId,
    managedBy,
    createdAt: isAll ? (kept.at(-1)?.createdAt ?? null) : null,
    // The newest version is the one in force; the first one rotated nothing.
    latestVersion: latest?.version ?? null,
    lastRotatedAt: kept.length > 1 ? (latest?.createdAt ?? null) : null,
    versions: kept,
    complete: isAll,
  });
  tellKey(draft, `${SLUG}/versions`, key, value);
}

/** One key, which is its version in force. Its public part is not kept. */
function bundle(reading: Reading, answer: Fields): void {
  const { version, algorithm, ...key } = within(answer, 'key', (of) => {
    const kty = nullableText(of, 'kty');
    const curve = nullableText(of, 'crv');
    return {
      ...named(text(of, 'kid'), '/kid', reading),
      algorithm: curve === null ? kty : `${kty ?? ''} ${curve}`.trim(),
    };
  });
  const { createdAt, enabled, ...said } = within(answer, 'attributes', attributes);
  tellKey(
    reading.draft,
    `${SLUG}/key`,
    key,
    keyState({
      provider: 'azure-key-vault',
      keyId: key.keyId,
      managedBy: managerOf(answer),
      enabled,
      ...said,
      algorithm,
      latestVersion: version,
      versions: version === null ? [] : [{ version, createdAt, state: stateOf(enabled) }],
    }),
  );
}

/** A policy rotates if one of its actions does: the one that a key without a policy has by default only notifies. */
function policy(reading: Reading, answer: Fields): void {
  const key = keyOfPolicy(reading, answer);
  const actions = membersOf(answer, 'lifetimeActions', (member) => actionOf(fieldsOf(member)));
  // On the wire it is an attribute, in what az writes it is not.
  const expiry = within(answer, 'attributes', (of) => days(of, 'expiryTime')) ?? days(answer, 'expiresIn');
  const rotation = actions.find(({ rotates }) => rotates);
  const periodDays = rotation && (rotation.after ?? difference(expiry, rotation.before));
  const value = keyState(
    { provider: 'azure-key-vault', keyId: key.keyId, managedBy: 'unknown' },
    { enabled: rotation !== undefined, periodDays: periodDays ?? null },
  );
  tellKey(reading.draft, `${SLUG}/rotation-policy`, key, value);
}

function keyOfPolicy(reading: Reading, answer: Fields): KeyName {
  const id = nullableText(answer, 'id');
  if (id !== null) return named(POLICY_ID.exec(id)?.[1] ?? '', '/id', reading);
  const { declared, nameless } = reading;
  if (!declared?.key) {
    throw new ReportFault(
      'target-unknown',
      'The policy does not name its key: pass targets=account/https://VAULT.vault.azure.net/keys/KEY.',
    );
  }
  assertOneNameless(nameless, 'policy');
  return declared.key;
}

/** As the service writes it, `{trigger: {…}, action: {type}}`, or as az does, without these two. */
function actionOf(fields: Fields): { rotates: boolean; after: number | null; before: number | null } {
  const action = field(fields, 'action');
  const type = (isFields(action) ? text(action, 'type') : text(fields, 'action')).toLowerCase();
  if (type !== 'rotate' && type !== 'notify') throw new Unreadable('/action', 'must be Rotate or Notify');
  const trigger = isFields(field(fields, 'trigger')) ? fieldsIn(fields, 'trigger') : fields;
  return {
    rotates: type === 'rotate',
    after: days(trigger, 'timeAfterCreate'),
    before: days(trigger, 'timeBeforeExpiry'),
  };
}

/** Null where it rotates before an expiry that the policy does not say, or that would be earlier. */
function difference(expiry: number | null, before: number | null): number | null {
  return expiry === null || before === null || before > expiry ? null : expiry - before;
}

const DURATION =
  /^P(?=.)(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?(?:T(?=.)(?:(\d{1,6})H)?(?:(\d{1,9})M)?)?$/;
const DAYS = [365, 30, 7, 1, 1 / 24, 1 / 1440];

/** An ISO 8601 duration in days; null where it is not set. */
function days(fields: Fields, name: string): number | null {
  const duration = nullableText(fields, name);
  if (duration === null) return null;
  const match = DURATION.exec(duration);
  if (!match) throw new Unreadable(step(name), 'must be an ISO 8601 duration: P90D');
  return DAYS.reduce((total, length, index) => total + length * Number(match[index + 1] ?? 0), 0);
}
