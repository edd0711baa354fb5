import type { KeyObject, X509Certificate } from 'node:crypto';
import type { Checkpoint } from '../audit/checkpoint.js';
import type { VerifierKey } from '../audit/note.js';
import { fingerprintOf } from '../kernel/crypto/signing/signing-key.js';
import { checkAgents } from './agents.js';
import { ANCHORED, ANCHOR_CHECKPOINT, checkAnchor, type Anchor } from './anchor.js';
import { checkApproved } from './approved.js';
import { checkDeclaration, checkPayload, checkTagFiles, type Hashed } from './bag.js';
import { checkCustody } from './custody.js';
import { checkEvents, checkReceived } from './events.js';
import { Fault } from './fault.js';
import { checkExtends, checkReceipt, type Held } from './held.js';
import { checkCheckpoint, checkTiles, type WholeLog } from './log.js';
import { believed, requireOfLog } from './log-keys.js';
import {
  ANCHOR_KEY,
  EARLIER_KEYS,
  LOG_KEY,
  readVerifierKey,
  readVerifierKeys,
  RECEIPT_KEY,
  WITNESS_KEYS,
} from './notes.js';
import { checkOscal } from './oscal.js';
import { openPackageFiles, type PackageFiles } from './package-files.js';
import { checkEvidence, readIndex, type PackageIndex } from './package-index.js';
import { checkPostures } from './postures.js';
import { checkProofs } from './proofs.js';
import { checkComplete } from './scans.js';
import { checkRawSignature, openBundle, PACKAGE_KEY, readPackageKey, type Envelope } from './signature.js';
import { checkPredicate, checkSubjects, readStatement, type Head, type Statement } from './statement.js';
import { Steps, type Line } from './steps.js';
import { checkTimeStamps, hasTimeStamps } from './time-stamps.js';

/** What whoever verifies knows from elsewhere. All of it may be empty: then trust rests on the keys in the package. */
export interface VerifyOptions {
  /** Of keys that may have signed the package: lower-case hex of the SHA-256 of the SubjectPublicKeyInfo. One has to be the package's. */
  fingerprints: readonly string[];
  /** Each has to have cosigned the anchor log. */
  witnesses: readonly VerifierKey[];
  /** Keys of the log, of its receipts and of the anchor log: of a name that is among them no key in the package counts. One has to be of the package's log. */
  logKeys: readonly VerifierKey[];
  /** Roots of time-stamping authorities, in place of those in the package: then there has to be a stamp. */
  authorities: readonly X509Certificate[];
  /** Each has to be a beginning of the log. */
  checkpoints: readonly Held[];
  /** Each has to be kept by the log. */
  receipts: readonly Held[];
}

export interface Verdict {
  /** Nothing was found wrong. */
  verified: boolean;
  /** The key that signed it is one of those that whoever verifies knows from elsewhere. Without one anybody may have made all of the package. */
  trusted: boolean;
  /** The first line that failed. */
  fault: Line | null;
  lines: readonly Line[];
  /** What the package says it is; null where that could not be read or is not signed. */
  index: PackageIndex | null;
  /** Of the key that signed it. */
  fingerprint: string | null;
}

/**
 * Checks a package, offline, in the order in which trust goes: the digests of the files, the signature over the digests, what it says it is, the log and what rests on
 * it. Reads, and writes nothing.
 * @param path of a ZIP, or of the folder that it was unpacked to
 * @param tell is told of each check as it ends
 * @throws where the machine fails: the file is not there, or the disk does not read it
 */
export const verifyPackage = (
  path: string,
  options: VerifyOptions,
  tell: (line: Line) => void = () => undefined,
): Promise<Verdict> => verifyFiles(() => openPackageFiles(path), options, tell);

/** The same, wherever the files lie. */
export async function verifyFiles(
  open: () => Promise<PackageFiles>,
  options: VerifyOptions,
  tell: (line: Line) => void = () => undefined,
): Promise<Verdict> {
  const steps = new Steps(tell);
  const files = await steps.check(
    'files',
    {},
    open,
    ({ sizes }) => `${sizes.size} files, each with one name, none outside of the package`,
  );
  let checked: { index?: PackageIndex | undefined; key?: KeyObject | undefined } = {};
  try {
    if (files !== undefined) checked = await checkAll(steps, files, options);
  } finally {
    await files?.close();
  }
  const fault = steps.fault ?? null;
  return {
    verified: fault === null,
    trusted: checked.key !== undefined && steps.lines.some(({ check, result }) => check === 'trust' && result === 'ok'),
    fault,
    lines: steps.lines,
    index: checked.index ?? null,
    fingerprint: checked.key === undefined ? null : fingerprintOf(checked.key),
  };
}

async function checkAll(steps: Steps, files: PackageFiles, options: VerifyOptions) {
  await steps.check(
    'bag',
    {},
    () => checkDeclaration(files),
    () => 'BagIt 1.0',
  );
  const payload = await steps.check('payload', {}, () => checkPayload(files), ofDigests);
  const tags = await steps.check('tag-files', {}, () => checkTagFiles(files), ofDigests);
  const signed = await checkSignatures(steps, files, options);
  // Only what is signed, down to each file, is believed.
  const index = await steps.check(
    'index',
    { payload, tags, key: signed.key },
    (needs) => readIndex(files, needs.payload),
    (read) => `package ${read.packageId}, as of ${read.asOf}, as known at ${read.knownAt}`,
  );
  await steps.check(
    'described',
    { statement: signed.statement, index },
    (needs) => checkPredicate(needs.statement, needs.index),
    () => 'the statement describes the package as it describes itself',
  );
  await steps.check('evidence', { payload, index }, (needs) => checkEvidence(needs.index, needs.payload), asSaid);
  await steps.check(
    'postures',
    { payload, index },
    (needs) => checkPostures(files, needs.index, needs.payload),
    asSaid,
  );
  await checkLog(steps, files, { ...signed, index, payload }, options);
  await checkStamps(steps, files, signed.envelope, options);
  await steps.check('oscal', { payload }, (needs) => checkOscal(files, needs.payload), asSaid);
  return { index, key: signed.key };
}

interface Signed {
  key: KeyObject | undefined;
  statement: Statement | undefined;
  envelope: Envelope | undefined;
}

async function checkSignatures(steps: Steps, files: PackageFiles, { fingerprints }: VerifyOptions): Promise<Signed> {
  const found = await steps.check(
    'key',
    {},
    () => readPackageKey(files),
    (key) => `${PACKAGE_KEY} is a key on P-256, SHA-256 ${fingerprintOf(key)}`,
  );
  const key = await steps.check(
    'signature',
    { found },
    async (needs) => {
      await checkRawSignature(files, needs.found);
      return needs.found;
    },
    () => 'the tag manifest is signed by that key',
  );
  if (fingerprints.length === 0) {
    steps.skip(
      'trust',
      'whose key that is: compare its SHA-256 with one that you were told another way, or give that one by --fingerprint',
    );
  } else {
    await steps.check(
      'trust',
      { found },
      (needs) => requireKnown(needs.found, fingerprints),
      () => 'that key is one that you trust',
    );
  }
  const stated = await steps.check(
    'statement',
    { found },
    async (needs) => {
      const envelope = await openBundle(files, needs.found);
      const statement = readStatement(envelope.payload);
      await checkSubjects(files, statement);
      return { envelope, statement };
    },
    ({ statement: { subject } }) =>
      `the statement is signed by that key, and is about ${subject.length} files: each but the bag’s`,
  );
  return { key, statement: stated?.statement, envelope: stated?.envelope };
}

function requireKnown(key: KeyObject, fingerprints: readonly string[]): void {
  const found = fingerprintOf(key);
  if (!fingerprints.includes(found))
    throw new Fault(`the package is signed by another key than you trust, SHA-256 ${found}`);
}

/** What a check of the log may rest on. */
interface Ground extends Signed {
  index: PackageIndex | undefined;
  payload: ReadonlyMap<string, Hashed> | undefined;
}

async function checkLog(steps: Steps, files: PackageFiles, ground: Ground, options: VerifyOptions): Promise<void> {
  const { index, payload, statement } = ground;
  const keys = await steps.check(
    'checkpoint',
    { statement, payload },
    async (needs) => {
      const own = await readVerifierKey(files, LOG_KEY);
      const log = believed([own], options.logKeys);
      const head = await checkCheckpoint(files, log);
      requireOfLog(options.logKeys, head.origin);
      requireHead(head, needs.statement.predicate.log);
      const others = [await readVerifierKey(files, RECEIPT_KEY), ...(await readVerifierKeys(files, EARLIER_KEYS))];
      return { head, log, isOwn: log.includes(own), all: believed([own, ...others], options.logKeys) };
    },
    ({ head, isOwn }) =>
      `the head of the log ${head.origin}, of ${head.size} entries, is signed by ${isOwn ? `the log’s key, that in ${LOG_KEY}` : 'a key of the log that you trust'}`,
  );
  const log = await steps.check(
    'log',
    { keys, index },
    (needs) => checkTiles(files, needs.keys.head, needs.index),
    ({ size }) => `${size} entries, their tiles and the root are those of that head`,
  );
  const events = await steps.check(
    'events',
    { log, index },
    (needs) => checkEvents(files, needs.log, needs.index),
    ({ text }) => text,
  );
  await steps.check('received', { log, index }, (needs) => checkReceived(needs.index, needs.log), asSaid);
  await steps.check('approved', { log, payload }, (needs) => checkApproved(files, needs.log), asSaid);
  await steps.check(
    'complete',
    { log, events, index },
    (needs) => checkComplete(files, needs.index, needs.events, needs.log),
    asSaid,
  );
  await steps.check('agents', { events, index }, (needs) => checkAgents(files, needs.index, needs.events), asSaid);
  await steps.check(
    'reports',
    { events, index },
    async (needs) => (await import('./reports.js')).checkReports(files, needs.events.stored, needs.index),
    asSaid,
  );
  await steps.check('proofs', { keys }, (needs) => checkProofs(files, needs.keys.head, needs.keys.log), asSaid);
  for (const held of options.checkpoints) {
    await steps.check('extends', { log, keys }, (needs) => checkExtends(needs.log, held, needs.keys.all), asSaid);
  }
  for (const held of options.receipts) {
    await steps.check(
      'receipts',
      { log, keys },
      (needs) => checkReceipt(needs.log, held, needs.keys.all),
      (at) => `${held.name} was kept: entry ${at} of the log`,
    );
  }
  await checkAnchors(steps, files, { ...ground, log, keys: keys?.all }, options);
  await steps.check(
    'custody',
    { log, keys, index },
    (needs) => checkCustody(files, needs.index, needs.log, needs.keys.all, events),
    asSaid,
  );
}

async function checkAnchors(
  steps: Steps,
  files: PackageFiles,
  {
    statement,
    log,
    keys,
  }: Pick<Signed, 'statement'> & { log: WholeLog | undefined; keys: readonly VerifierKey[] | undefined },
  options: VerifyOptions,
): Promise<void> {
  const stated = statement?.predicate.anchor ?? null;
  let anchor: Anchor | undefined;
  const isNowhere = statement !== undefined && stated === null && !files.sizes.has(ANCHORED);
  if (isNowhere) {
    steps.skip(
      'anchor',
      'the service anchors its logs nowhere: that it has not written all of one anew rests on its word',
    );
  } else {
    anchor = await steps.check(
      'anchor',
      { statement, log, keys },
      async (needs) => {
        const known = [...options.witnesses, ...(await readVerifierKeys(files, WITNESS_KEYS))];
        const found = await checkAnchor(files, needs.log, {
          anchor: believed([await readVerifierKey(files, ANCHOR_KEY)], options.logKeys),
          log: needs.keys,
          witnesses: known,
        });
        if (stated === null) throw new Fault(`the statement does not name ${ANCHOR_CHECKPOINT}`);
        requireHead(found, stated);
        return found;
      },
      ({ origin, size, anchored }) => `the log is in ${origin}, of ${size} entries, with its first ${anchored} entries`,
    );
  }
  // One who was named and had nothing to cosign has not cosigned.
  const cosignatures = isNowhere ? [] : anchor?.cosignatures;
  if (options.witnesses.length === 0 && (cosignatures ?? []).length === 0) {
    steps.skip('witnesses', 'no witness has cosigned the anchor log');
    return;
  }
  await steps.check(
    'witnesses',
    { cosignatures },
    (needs) => {
      const absent = options.witnesses.find((witness) => needs.cosignatures.every(({ key }) => !isSame(key, witness)));
      if (absent !== undefined) throw new Fault(`${absent.name} has not cosigned ${ANCHOR_CHECKPOINT}`);
      return needs.cosignatures.map(({ key, time }) => {
        const whose = options.witnesses.some((witness) => isSame(key, witness))
          ? ''
          : `, by its key in ${WITNESS_KEYS}`;
        return `${key.name} has cosigned the anchor log at ${time.toISOString()}${whose}`;
      });
    },
    (said) => said.join('; '),
  );
}

async function checkStamps(
  steps: Steps,
  files: PackageFiles,
  envelope: Envelope | undefined,
  { authorities }: VerifyOptions,
): Promise<void> {
  if (envelope !== undefined && authorities.length === 0 && !hasTimeStamps(files, envelope)) {
    steps.skip('time-stamps', 'no authority has stamped the package: when it was signed rests on its word');
    return;
  }
  await steps.check(
    'time-stamps',
    { envelope },
    (needs) => checkTimeStamps(files, needs.envelope, authorities),
    asSaid,
  );
}

function requireHead(found: Checkpoint, { origin, size, rootHash }: Head): void {
  if (found.origin !== origin || found.size !== size || found.root.toString('base64') !== rootHash) {
    throw new Fault(`the statement has another head of ${origin} than the package`);
  }
}

const isSame = (one: VerifierKey, other: VerifierKey): boolean =>
  one.name === other.name && one.publicKey.equals(other.publicKey);

const asSaid = (text: string): string => text;

const ofDigests = (hashed: ReadonlyMap<string, Hashed>): string => {
  const bytes = [...hashed.values()].reduce((sum, { size }) => sum + size, 0);
  return `${hashed.size} files of ${bytes} bytes have their digests, SHA-256 and SHA-512`;
};
