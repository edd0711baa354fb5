import type { Format } from '../report.js';
import { ReportFault } from '../report.js';
import { nullableCount, nullableFlag, nullableText, nullableTime, within } from './fact-fields.js';
import { field, has, isFields, text, Unreadable, type Fields } from './fields.js';
import {
  declaredAccount,
  detectAnswer,
  eachAnswer,
  keyState,
  moment,
  Newest,
  SECONDS_PER_DAY,
  tellKey,
  type KeyState,
} from './key-state.js';

const SLUG = 'vault-transit';

/** What the transit engine of Vault (and OpenBao) says of a key and its versions. */
export const vaultTransit: Format = {
  slug: SLUG,
  title: 'Vault transit',
  tool: SLUG,
  description:
    'Answers of `vault read -format=json transit/keys/NAME` or of the HTTP API, one, an array or one per line. They do not say which mount they are of: pass ' +
    'targets=account/NAME, a name that you give the mount. They do not say when it was so: pass observedAt. An answer about one key closes nothing.',
  yields: ['facts'],
  targets: ['account'],

  detect(document) {
    return detectAnswer(document, isKey);
  },

  read(document, draft) {
    const account = declaredAccount(draft.declared, SLUG);
    if (account === null) {
      throw new ReportFault('target-unknown', 'The answer does not name its mount: pass targets=account/NAME.');
    }
    eachAnswer(draft, document, (answer) => {
      if (!isKey(answer)) throw new Unreadable('', 'is no key of the transit engine');
      const value = within(answer, 'data', keyOf);
      tellKey(draft, SLUG, { account, subject: value.keyId }, value);
    });
  },
};

function isKey(answer: Fields): boolean {
  const data = field(answer, 'data');
  return isFields(data) && isFields(field(data, 'keys')) && has(data, 'type') && has(data, 'min_decryption_version');
}

function keyOf(data: Fields): KeyState {
  const versions = within(data, 'keys', versionsOf);
  const kept = versions.items;
  const latest = nullableCount(data, 'latest_version') ?? Number(kept[0]?.version ?? 0);
  const seconds = nullableCount(data, 'auto_rotate_period');
  const ofLatest = kept.find(({ version }) => version === String(latest));
  return keyState(
    {
      provider: 'vault-transit',
      keyId: text(data, 'name'),
      managedBy: 'customer',
      purpose: purposeOf(data),
      algorithm: nullableText(data, 'type'),
      origin: [nullableFlag(data, 'imported_key'), nullableFlag(data, 'imported')].includes(true) ? 'imported' : null,
      createdAt: kept.find(({ version }) => version === '1')?.createdAt ?? null,
      latestVersion: latest === 0 ? null : String(latest),
      // The first version came with the key, and rotated nothing.
      lastRotatedAt: latest > 1 ? (ofLatest?.createdAt ?? null) : null,
      versions: kept,
      // Versions below the least for decryption are archived, and not listed.
      complete: versions.isWhole && versions.count === latest,
      exportable: exportable(data),
    },
    {
      // Zero is off. Before Vault 1.10 it was not there.
      enabled: seconds === null ? null : seconds > 0,
      periodDays: seconds === null || seconds === 0 ? null : seconds / SECONDS_PER_DAY,
    },
  );
}

/** Of symmetric keys the time of each version, of asymmetric ones an object that has it; their public keys are not kept. */
function versionsOf(keys: Fields): Newest<KeyState['versions'][number]> {
  const newest = new Newest<KeyState['versions'][number]>();
  for (const [version, of] of Object.entries(keys)) {
    if (!/^[1-9]\d{0,8}$/.test(version)) throw new Unreadable('', 'must be numbered versions');
    const createdAt = isFields(of)
      ? within(keys, version, (key) => nullableTime(key, 'creation_time'))
      : moment(keys, version);
    newest.add(Number(version), { version, createdAt, state: null });
  }
  return newest;
}

const USES = ['encryption', 'decryption', 'derivation', 'signing'];

function purposeOf(data: Fields): string | null {
  return USES.filter((use) => nullableFlag(data, `supports_${use}`) === true).join(' ') || null;
}

/** Either cannot be taken back once it was allowed. */
function exportable(data: Fields): boolean | null {
  const said = [nullableFlag(data, 'exportable'), nullableFlag(data, 'allow_plaintext_backup')];
  return said.includes(true) ? true : said.includes(null) ? null : false;
}
