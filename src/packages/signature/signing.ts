import { hash, type X509Certificate } from 'node:crypto';
import { fingerprintOf, pemOf, type SigningKey } from '../../kernel/crypto/signing/signing-key.js';
import type { OutgoingFile } from '../bag.js';
import { bundleOf, preAuthenticationEncoding, statementOf, type Predicate } from './statement.js';
import { chainPem, trustedRoot } from './trusted-root.js';

/** A time-stamping authority (RFC 3161). */
export interface TimeStamping {
  /** The whole TimeStampResp over these bytes, checked; and the certificates that it is believed by, the authority's own first. */
  stamp(bytes: Uint8Array): Promise<{ response: Buffer; stamp: { chain: readonly X509Certificate[] } }>;
}

export const TIME_STAMPING = Symbol('time stamping');

export interface Signing {
  key: SigningKey;
  /** Null: packages carry no time stamps. */
  authority: TimeStamping | null;
}

/** What is signed, to be asked for when the bag has been written. */
export interface Signed {
  /** The bytes of `tagmanifest-sha256.txt`: they stand for every file of the bag. */
  tagManifest: () => Buffer;
  /** Files beside the bag that are not made here, by their paths. */
  beside: readonly { path: string; content: Buffer }[];
  /** Public keys of what else is signed in the bag, by their paths below `keys/`. */
  keys: readonly { path: string; content: Buffer }[];
  predicate: () => Predicate;
}

const TAG_MANIFEST = 'tagmanifest-sha256.txt';

/**
 * `keys/` and `sig/`, to be read after the bag: the tag manifest's signature for `openssl dgst`, and a statement for `cosign` that names beside it every file outside of the
 * bag, so that no byte of a package is unsigned but the signatures. The key signs when the first of them is read, once.
 */
export function signatureFiles(signed: Signed, { key, authority }: Signing): OutgoingFile[] {
  let made: Promise<ReadonlyMap<string, Buffer>> | null = null;
  const make = async (): Promise<ReadonlyMap<string, Buffer>> => {
    const tagManifest = signed.tagManifest();
    const signature = await key.sign(tagManifest);
    const stamped = await authority?.stamp(signature);
    const chain = stamped?.stamp.chain ?? [];
    const keyFiles = [
      { path: 'keys/package-signing.pem', content: Buffer.from(pemOf(key.publicKey), 'ascii') },
      { path: 'keys/trusted_root.json', content: Buffer.from(trustedRoot(chain), 'utf8') },
      ...(stamped === undefined
        ? []
        : [{ path: 'keys/tsa-chain.pem', content: Buffer.from(chainPem(chain), 'ascii') }]),
      ...signed.keys.map(({ path, content }) => ({ path: `keys/${path}`, content })),
    ];
    const subjects = [{ path: TAG_MANIFEST, content: tagManifest }, ...signed.beside, ...keyFiles];
    const payload = statementOf(
      subjects.map(({ path, content }) => ({ name: path, sha256: hash('sha256', content) })),
      signed.predicate(),
    );
    const statementSignature = await key.sign(preAuthenticationEncoding(payload));
    const statementStamped = await authority?.stamp(statementSignature);
    // An authority that signs by several certificates: the next attempt may meet one alone.
    if (statementStamped?.stamp.chain[0]?.fingerprint256 !== chain[0]?.fingerprint256) {
      throw new Error('the time-stamping authority changed its certificate between two stamps');
    }
    const bundle = bundleOf(
      payload,
      statementSignature,
      fingerprintOf(key.publicKey),
      statementStamped?.response ?? null,
    );
    return new Map([
      ...keyFiles.map(({ path, content }) => [path, content] as const),
      ['sig/tagmanifest.p256.sig', signature] as const,
      ...(stamped === undefined ? [] : [['sig/tagmanifest.p256.sig.tsr', stamped.response] as const]),
      ['sig/statement.sigstore.json', Buffer.from(bundle, 'utf8')] as const,
    ]);
  };

  const paths = [
    'keys/package-signing.pem',
    'keys/trusted_root.json',
    ...(authority === null ? [] : ['keys/tsa-chain.pem']),
    ...signed.keys.map(({ path }) => `keys/${path}`),
    'sig/tagmanifest.p256.sig',
    ...(authority === null ? [] : ['sig/tagmanifest.p256.sig.tsr']),
    'sig/statement.sigstore.json',
  ];
  return paths.map((path) => ({
    path,
    content: (async function* () {
      const content = (await (made ??= make())).get(path);
      if (content === undefined) throw new Error('a file beside the bag was announced and not made');
      yield content;
    })(),
  }));
}

/** The same file, and its bytes once it has been read to its end. For small files alone. */
export function kept(file: OutgoingFile): { file: OutgoingFile; bytes: () => Buffer } {
  let whole: Buffer | null = null;
  const content = async function* () {
    const chunks: Uint8Array[] = [];
    for await (const chunk of file.content) {
      chunks.push(chunk);
      yield chunk;
    }
    whole = Buffer.concat(chunks);
  };
  return {
    file: { path: file.path, content: content() },
    bytes: () => {
      if (whole === null) throw new Error('the tag manifest is signed before it was written to its end');
      return whole;
    },
  };
}
