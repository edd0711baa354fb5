import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import { formatCheckpoint } from '../../src/audit/checkpoint.js';
import { detailsDigest, leafBytes, type Leaf } from '../../src/audit/event.js';
import { inclusionProof, leafHash, nodeHash, rootOf, type HashReader } from '../../src/audit/merkle.js';
import {
  cosignature,
  cosignedMessage,
  formatNote,
  formatVerifierKey,
  verifierKey,
  type NoteSignature,
} from '../../src/audit/note.js';
import { formatReceipt, receiptKeyName } from '../../src/audit/receipt.js';
import { entryBundle, entryBundlesOf, subtreesOfTile, tilePath, tilesBetween } from '../../src/audit/tile.js';
import { formatTlogProof } from '../../src/audit/tlog-proof.js';
import type { JsonValue } from '../../src/kernel/crypto/canonical-json.js';
import { fingerprintOf, pemOf } from '../../src/kernel/crypto/signing/signing-key.js';
import { checkTimeStamp, timeStampRequest } from '../../src/kernel/crypto/time-stamp/time-stamp.js';
import { bag } from '../../src/packages/bag.js';
import { versionDigest } from '../../src/records/version-digest.js';
import type { TestAuthority } from '../support/time-stamp-authority.js';

/*
 * A whole package in small, made here of the formats alone and by keys of the test's own: so that what an attacker does to one can be done to this, also what needs
 * the service's keys. (The packages of the service itself are verified in test/api.)
 */

export const PACKAGE = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a30';
export const TENANT = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00';
export const EVIDENCE = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a10';
export const RECORD = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a20';
export const SYSTEM = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03';
const ORIGIN = `evidence.example/log/${TENANT}`;
const ANCHOR = 'evidence.example/anchor';
const WITNESS = 'witness.example/w1';
const KNOWN_AT = '2026-11-23T09:00:00.000Z';
const PERIOD_FROM = '2025-11-23T09:00:00.000Z';
const REPORT = Buffer.from('{"report":true}\n');

/** Of a package: bytes by path from its own folder. */
export type Files = Map<string, Buffer>;

interface KeyPair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}
const ed25519 = (): KeyPair => generateKeyPairSync('ed25519');

/** The keys of one service and its surroundings. */
export const makeKeys = () => ({
  package: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  log: ed25519(),
  receipt: ed25519(),
  witness: ed25519(),
});
export type Keys = ReturnType<typeof makeKeys>;

export const packageFingerprint = (keys: Keys): string => fingerprintOf(keys.package.publicKey);
export const witnessVkey = (keys: Keys): string =>
  formatVerifierKey(verifierKey(WITNESS, keys.witness.publicKey, 'cosignature'));

export interface MadeOptions {
  keys?: Keys;
  /** Entries of the log; the events of the last two are later than the instant of knowledge. */
  entries?: number;
  /** Applied to the leaves before anything is hashed: what somebody with the database and the keys does. */
  leaves?: (leaves: Buffer[]) => Buffer[];
  /** Applied to the payload before it is put into the bag. */
  payload?: (payload: Files) => void;
  /** Applied to the statement before it is signed. */
  statement?: (statement: Record<string, unknown>) => void;
  anchored?: boolean;
  /** Who stamps the time; default: nobody. */
  authority?: TestAuthority;
  /** Of the head that was anchored, where it is not this log's. */
  anchoredLeaves?: readonly Buffer[];
}

const hex = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const json = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value, null, 2)}\n`);

const signedBy = (name: string, { publicKey, privateKey }: KeyPair, text: string): NoteSignature => ({
  name,
  keyId: verifierKey(name, publicKey).keyId,
  signature: sign(null, Buffer.from(text), privateKey),
});

const SALT = Buffer.alloc(32, 7);
/** What is said of the scan that the report is of, by its event and by its line. */
const SCAN = {
  systemId: SYSTEM,
  evidenceId: EVIDENCE,
  format: 'kube-bench',
  observedAt: '2026-11-23T07:00:00.000Z',
  counts: { total: 1, rejected: 0 },
};
const UNREAD = {
  ...{
    tool: 'kube-bench',
    toolVersion: null,
    clusterName: null,
    clusterUid: null,
    knownAt: '2026-11-23T08:00:00.000Z',
  },
  ...{ declared: { format: null, observedAt: null, targets: [], partial: false }, rejects: [] },
};
const DETAILS = { ...SCAN, flags: [] };

const REGISTERED = { name: 'emr', environment: 'production', phi: 'stores', phiNamespaces: [] };
/** What is said in the details of an event, by its entry. */
const DETAILS_OF: Readonly<Record<number, JsonValue>> = { 0: DETAILS, 3: REGISTERED, 4: { name: 'Lakeside' } };

export const VERSION = {
  type: 'policy',
  title: 'Backups',
  ownerId: 'owner',
  systemIds: [],
  effectiveFrom: '2026-01-01T00:00:00.000Z',
  expiresAt: null,
  goodFrom: '2026-01-01T00:00:00.000Z',
  naturalKey: '',
  subject: null,
  outcome: null,
  fails: false,
  fields: { statement: 'We keep copies.' },
  links: [{ kind: 'control', target: '164.308(a)(7)', note: '' }],
  documents: [],
};
function saidBy(at: number): Pick<Leaf, 'action' | 'object'> {
  if (at === 1) {
    const object = { kind: 'evidence', id: EVIDENCE, sha256: hex(REPORT), size: REPORT.length } as const;
    return { action: 'evidence.received', object };
  }
  if (at === 2) {
    const object = { kind: 'record', id: RECORD, version: 1, sha256: versionDigest(VERSION) } as const;
    return { action: 'record.approved', object };
  }
  if (at === 3) return { action: 'system.created', object: { kind: 'system', id: SYSTEM, version: 1 } };
  if (at === 4) return { action: 'organization.created', object: { kind: 'organization', id: TENANT, version: 1 } };
  return { action: 'scan.stored', object: { kind: 'scan', id: `scan-${at}` } };
}

function eventsOf(count: number): Leaf[] {
  return Array.from({ length: count }, (_, at) => ({
    actor: { id: 'agent', kind: 'agent' },
    details_sha256: at in DETAILS_OF ? detailsDigest(SALT, DETAILS_OF[at] ?? null) : null,
    id: `019ab1c2-7a10-7bd3-9c55-${String(at).padStart(12, '0')}`,
    ...saidBy(at),
    outcome: 'success',
    request_id: 'request',
    tenant: TENANT,
    time: at < count - 2 ? '2026-11-23T08:00:00.000Z' : '2026-11-23T10:00:00.000Z',
    v: 1,
  }));
}

/** The signed head of a log of these leaves. */
export async function noteOf(origin: string, leaves: readonly Buffer[], key: KeyPair): Promise<Buffer> {
  const root = await rootOf(leaves.length, hashesOf(leaves.map(leafHash)));
  const text = formatCheckpoint({ origin, size: leaves.length, root });
  return formatNote({ text, signatures: [signedBy(origin, key, text)] });
}

/** Hashes of whole subtrees, each made once. */
function hashesOf(hashes: readonly Buffer[]): HashReader {
  const made = new Map<string, Promise<Buffer>>();
  const one = (level: number, index: number): Promise<Buffer> => {
    const name = `${level}/${index}`;
    const known = made.get(name);
    if (known !== undefined) return known;
    const hash =
      level === 0
        ? Promise.resolve(hashes[index] ?? Buffer.alloc(0))
        : Promise.all([one(level - 1, index * 2), one(level - 1, index * 2 + 1)]).then((pair) => nodeHash(...pair));
    made.set(name, hash);
    return hash;
  };
  return (subtrees) => Promise.all(subtrees.map(({ level, index }) => one(level, index)));
}

/** The receipt of a leaf. */
export function receiptOf(leaf: Buffer, keys: Keys, origin = ORIGIN): Buffer {
  const text = formatReceipt({ origin, leafHash: leafHash(leaf), time: Date.parse('2026-11-23T08:00:00Z') });
  return formatNote({ text, signatures: [signedBy(receiptKeyName(origin), keys.receipt, text)] });
}

/** The leaves of a package of so many entries. */
export const leavesOf = (count: number): Buffer[] => eventsOf(count).map(leafBytes);

export async function makePackage(options: MadeOptions = {}): Promise<Files> {
  const { keys = makeKeys(), entries = 300, anchored = true } = options;
  const leaves = (options.leaves ?? ((same) => same))(leavesOf(entries));
  const hashes = hashesOf(leaves.map(leafHash));
  const payload: Files = new Map();
  const checkpoint = await noteOf(ORIGIN, leaves, keys.log);
  payload.set('log/checkpoint', checkpoint);
  for (const tile of tilesBetween(0, leaves.length)) {
    payload.set(`log/${tilePath(tile)}`, Buffer.concat(await hashes(subtreesOfTile(tile))));
  }
  for (const bundle of entryBundlesOf(leaves.length)) {
    const from = bundle.index * 256;
    payload.set(`log/${tilePath(bundle)}`, entryBundle(leaves.slice(from, from + bundle.width)));
  }
  const shown = leaves.slice(0, -2).map((leaf, at) => ({
    leaf: leaf.toString(),
    details: DETAILS_OF[at] ?? null,
    salt: at in DETAILS_OF ? SALT.toString('hex') : null,
  }));
  payload.set(
    'audit/events.jsonl',
    Buffer.from(
      shown
        .map((line) => `${JSON.stringify(line)}\n`)
        .reverse()
        .join(''),
    ),
  );
  const received = leaves[1] ?? Buffer.alloc(0);
  const event = JSON.parse(received.toString()) as Leaf;
  payload.set(`proofs/${event.id}.json`, received);
  payload.set(
    `proofs/${event.id}.json.tlog-proof`,
    formatTlogProof({ index: 1, hashes: await inclusionProof(1, leaves.length, hashes), checkpoint }),
  );
  const content = `evidence/${EVIDENCE}/content.json`;
  payload.set(content, REPORT);
  payload.set(
    `evidence/${EVIDENCE}/custody.jsonl`,
    Buffer.from(
      `${JSON.stringify({
        seq: 1,
        eventId: event.id,
        time: event.time,
        step: 'received',
        action: event.action,
        actor: event.actor,
        object: event.object,
        outcome: event.outcome,
        requestId: event.request_id,
        receipt: receiptOf(received, keys).toString(),
        details: null,
      })}\n`,
    ),
  );
  const { time, actor } = JSON.parse((leaves[2] ?? Buffer.alloc(0)).toString()) as Leaf;
  const version = { recordId: RECORD, version: 1, ...VERSION, decidedBy: actor.id, decidedAt: time, disposed: false };
  payload.set('records/policy.json', Buffer.from(`[\n${JSON.stringify(version)}\n]\n`));
  payload.set('scans.jsonl', Buffer.from(`${JSON.stringify({ id: 'scan-0', ...SCAN, ...UNREAD })}\n`));
  payload.set('oscal/catalog.json', json({ catalog: { uuid: '0e4a2b0c-2b1a-4c58-9a53-0f6f2b7d8a30' } }));
  payload.set(
    'oscal/assessment-results.json',
    json({
      'assessment-results': {
        uuid: '1e4a2b0c-2b1a-4c58-9a53-0f6f2b7d8a30',
        'import-ap': { href: 'catalog.json' },
        results: [{ 'relevant-evidence': [{ href: '#2e4a2b0c-2b1a-4c58-9a53-0f6f2b7d8a30' }] }],
        'back-matter': {
          resources: [
            {
              uuid: '2e4a2b0c-2b1a-4c58-9a53-0f6f2b7d8a30',
              rlinks: [{ href: `../${content}`, hashes: [{ algorithm: 'SHA-256', value: hex(REPORT) }] }],
            },
          ],
        },
      },
    }),
  );
  const anchorLeaves = [
    Buffer.from('another organisation'),
    await noteOf(ORIGIN, options.anchoredLeaves ?? leaves.slice(0, -1), keys.log),
  ];
  const anchorRoot = await rootOf(2, hashesOf(anchorLeaves.map(leafHash)));
  if (anchored) {
    const text = formatCheckpoint({ origin: ANCHOR, size: 2, root: anchorRoot });
    const time = 1_790_000_000n;
    const note = formatNote({
      text,
      signatures: [
        signedBy(ANCHOR, keys.log, text),
        {
          name: WITNESS,
          keyId: verifierKey(WITNESS, keys.witness.publicKey, 'cosignature').keyId,
          signature: cosignature(time, sign(null, cosignedMessage(text, time), keys.witness.privateKey)),
        },
      ],
    });
    payload.set('anchor/checkpoint', note);
    const stamp = stampOf(options.authority, note);
    if (stamp !== null) payload.set('anchor/checkpoint.tsr', stamp);
    payload.set('anchor/tenant-checkpoint', anchorLeaves[1] ?? Buffer.alloc(0));
    payload.set(
      'anchor/tenant-checkpoint.tlog-proof',
      formatTlogProof({
        index: 1,
        hashes: await inclusionProof(1, 2, hashesOf(anchorLeaves.map(leafHash))),
        checkpoint: note,
      }),
    );
  }
  const counts = { evidence: 1, auditEvents: shown.length };
  const [stale, missing] = [{ stale: 1 }, { missing: 1 }];
  const ofEach = { controls: stale, proposed: {}, practices: missing };
  payload.set(
    'posture/posture.json',
    json({
      systems: [{ id: SYSTEM, counts: ofEach }],
      controls: [{ id: '164.312(a)(1)', systems: { failing: 0, ...stale } }],
      practices: [{ id: 'session-controls', systems: missing }],
    }),
  );
  payload.set(
    `posture/systems/${SYSTEM}.json`,
    json({
      counts: ofEach,
      controls: [{ id: '164.312(a)(1)', status: 'stale' }],
      practices: [{ id: 'session-controls', status: 'missing' }],
    }),
  );
  payload.set(
    'index.json',
    json({
      signed: true,
      packageId: PACKAGE,
      organization: { id: TENANT, name: 'Lakeside' },
      scope: { systemId: null, systems: [{ id: SYSTEM, version: 1, ...REGISTERED }] },
      period: { from: PERIOD_FROM, to: KNOWN_AT },
      asOf: KNOWN_AT,
      knownAt: KNOWN_AT,
      counts,
      faults: [],
      evidence: [
        { evidenceId: EVIDENCE, path: `data/${content}`, sha256: hex(REPORT), size: REPORT.length, disposedAt: null },
      ],
    }),
  );
  options.payload?.(payload);
  const root = await rootOf(leaves.length, hashes);
  return sealed(payload, keys, {
    counts,
    log: { origin: ORIGIN, size: leaves.length, rootHash: root.toString('base64') },
    anchor: anchored ? { origin: ANCHOR, size: 2, rootHash: anchorRoot.toString('base64') } : null,
    edit: options.statement,
    authority: options.authority,
  });
}

/** Bags a payload and signs it. */
async function sealed(
  payload: Files,
  keys: Keys,
  of: {
    counts: object;
    log: object;
    anchor: object | null;
    edit: MadeOptions['statement'] | undefined;
    authority: TestAuthority | undefined;
  },
): Promise<Files> {
  const files: Files = new Map([
    ['VERIFY.md', Buffer.from('# How to verify\n')],
    ['keys/package-signing.pem', Buffer.from(pemOf(keys.package.publicKey))],
    ['keys/log.vkey', Buffer.from(formatVerifierKey(verifierKey(ORIGIN, keys.log.publicKey)))],
    ['keys/receipt.vkey', Buffer.from(formatVerifierKey(verifierKey(receiptKeyName(ORIGIN), keys.receipt.publicKey)))],
    ['keys/anchor.vkey', Buffer.from(formatVerifierKey(verifierKey(ANCHOR, keys.log.publicKey)))],
    ['keys/witnesses.vkey', Buffer.from(`${witnessVkey(keys)}\n`)],
  ]);
  if (of.authority !== undefined) files.set('keys/tsa-chain.pem', Buffer.from(of.authority.chainPem));
  files.set('keys/trusted_root.json', json(trustedRoot(of.authority)));
  const outside = [...files.keys()];
  const paths = [...payload.keys()].sort();
  const info = [['External-Identifier', PACKAGE]] as const;
  for (const { path, content } of bag(
    paths.map((path) => ({ path, content: [payload.get(path) ?? Buffer.alloc(0)] })),
    info,
  )) {
    files.set(`bag/${path}`, await buffer(Readable.from(content, { objectMode: false })));
  }
  const manifest = files.get('bag/tagmanifest-sha256.txt') ?? Buffer.alloc(0);
  const statement: Record<string, unknown> = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      { name: 'tagmanifest-sha256.txt', digest: { sha256: hex(manifest) } },
      ...outside.map((name) => ({ name, digest: { sha256: hex(files.get(name) ?? Buffer.alloc(0)) } })),
    ],
    predicateType: 'https://safeguard.dev/predicates/audit-package/v1',
    predicate: {
      packageId: PACKAGE,
      tenant: TENANT,
      scope: { systemId: null },
      period: { from: PERIOD_FROM, asOf: KNOWN_AT, knownAt: KNOWN_AT },
      createdAt: KNOWN_AT,
      log: of.log,
      anchor: of.anchor,
      counts: of.counts,
      softwareVersion: '0.1.0',
    },
  };
  of.edit?.(statement);
  const signature = sign('sha256', manifest, keys.package.privateKey);
  files.set('sig/tagmanifest.p256.sig', signature);
  const stamp = stampOf(of.authority, signature);
  if (stamp !== null) files.set('sig/tagmanifest.p256.sig.tsr', stamp);
  files.set('sig/statement.sigstore.json', json(bundleOf(statement, keys.package, of.authority)));
  return files;
}

function bundleOf(statement: object, { publicKey, privateKey }: KeyPair, authority: TestAuthority | undefined): object {
  const payload = Buffer.from(JSON.stringify(statement));
  const type = 'application/vnd.in-toto+json';
  const signed = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]);
  const signature = sign('sha256', signed, privateKey);
  const stamp = stampOf(authority, signature)?.toString('base64');
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: {
      publicKey: { hint: fingerprintOf(publicKey) },
      tlogEntries: [],
      // As Sigstore's own library writes it.
      timestampVerificationData: stamp === undefined ? {} : { rfc3161Timestamps: [{ signedTimestamp: stamp }] },
    },
    dsseEnvelope: {
      payload: payload.toString('base64'),
      payloadType: type,
      signatures: [{ sig: signature.toString('base64') }],
    },
  };
}

/** Sigstore's: whose time stamps are believed, and that no log of theirs is. */
function trustedRoot(authority: TestAuthority | undefined): object {
  const any = Buffer.from('any');
  const stamp = stampOf(authority, any);
  const chain = stamp === null ? [] : checkTimeStamp(stamp, any, { chain: authority?.chain ?? [] }).chain;
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [],
    certificateAuthorities: [],
    ctlogs: [],
    timestampAuthorities: chain.slice(0, 1).map(({ validFromDate }) => ({
      subject: { organization: 'Test', commonName: 'Authority' },
      certChain: { certificates: chain.map(({ raw }) => ({ rawBytes: raw.toString('base64') })) },
      validFor: { start: validFromDate.toISOString() },
    })),
  };
}

const stampOf = (authority: TestAuthority | undefined, bytes: Buffer): Buffer | null =>
  authority?.answer(timeStampRequest(bytes).request) ?? null;

export async function writeFolder(files: Files, folder: string): Promise<string> {
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  return folder;
}

export async function writeZip(files: Files, file: string, root = `safeguard-package-${PACKAGE}/`): Promise<string> {
  const zip = new ZipFile();
  for (const [path, bytes] of files) zip.addBuffer(bytes, `${root}${path}`);
  zip.end();
  await writeFile(file, await buffer(zip.outputStream as Readable));
  return file;
}
