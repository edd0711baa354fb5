import { createHash, type KeyObject } from 'node:crypto';
import { bundleFromJSON } from '@sigstore/bundle';
import { toSignedEntity, VerificationError, Verifier, type SignedEntity } from '@sigstore/verify';
import type { FactValue } from '../../results/fact.js';
import { publicKeyOf, rootOf, type SigningTrust } from '../signing-trust.js';
import { instantOfMillis } from './fields.js';

type Verification = FactValue<'signature'>['verification'];

/** What is known of a signature. Where it is not verified, all of it is what the report says. */
export type Signed = Pick<FactValue<'signature'>, 'identity' | 'issuer' | 'signedAt' | 'logIndex' | 'verification'>;

/** Why a signature is not verified, from what says least to what says most: of several roots the one that came furthest tells. */
const OUTCOMES = {
  unreadable: unverified('Its verification material cannot be read.'),
  unsigned: unverified('There is no signature.'),
  absent: unverified('What is signed is not in the report.'),
  key: unverified('No configured key made it.'),
  root: unverified('No root is configured that certificates could be verified by.'),
  time: unverified('No configured log or authority vouches for its time.'),
  certificate: unverified('Its certificate is of no configured root, or was not valid when it signed.'),
  ownKey: failed('It names a configured key, which did not make it.'),
  log: failed('Its entry in the transparency log does not fit.'),
  signature: failed('It does not fit what is signed.'),
  signer: unverified('It is good, but its signer is none of those configured.'),
} as const satisfies Record<string, Verification>;

export const UNSIGNED: Signed = nothingOf(OUTCOMES.unsigned);

/**
 * Verifies signatures by the trust that is configured, and by nothing that a report brings. Without any trust nothing is verified. A reason never quotes the
 * report, nor what the library says, which does.
 */
export class Signatures {
  readonly #keys: { by: string; key: KeyObject; fingerprint: string; names: readonly string[] }[];
  readonly #roots: { by: string; verifier: Verifier; identities: SigningTrust['identities'] }[];

  constructor(trust: readonly SigningTrust[]) {
    this.#keys = trust.flatMap(({ name: by, publicKeys }) => publicKeys.map((pem) => ({ by, ...keyOf(pem) })));
    this.#roots = trust.flatMap(({ name: by, trustedRoots, identities }) =>
      trustedRoots.map((root) => ({ by, verifier: verifierOf(root), identities })),
    );
  }

  /**
   * Of a Sigstore bundle as JSON, with the signed bytes where it does not hold them itself. Total: the material is of whoever posted it, and the library throws
   * errors of many kinds on what is malformed.
   */
  of(bundle: unknown, artifact?: Buffer): Signed {
    try {
      const parsed = bundleFromJSON(bundle);
      const entity = toSignedEntity(parsed, artifact);
      if (parsed.content.$case === 'messageSignature' && artifact === undefined) return said(entity, OUTCOMES.absent);
      return entity.key.$case === 'public-key' ? this.#byKey(entity, entity.key.hint) : this.#byRoot(entity);
    } catch {
      return nothingOf(OUTCOMES.unreadable);
    }
  }

  /** A hint is not signed: it tells which key to try, and never that one is right (DSSE, protocol section 2). */
  #byKey(entity: SignedEntity, hint: string): Signed {
    const maker = this.#keys.find(({ key }) => entity.signature.verifySignature(key));
    if (maker === undefined) {
      return said(entity, this.#keys.some(({ names }) => names.includes(hint)) ? OUTCOMES.ownKey : OUTCOMES.key);
    }
    // The key vouches for what is signed. Where and when the signature was logged it does not, and no log was asked.
    return { ...nothingOf(verified(maker.by)), identity: maker.fingerprint };
  }

  #byRoot(entity: SignedEntity): Signed {
    let best: keyof typeof OUTCOMES = 'root';
    for (const { by, verifier, identities } of this.#roots) {
      const outcome = tryRoot(entity, verifier, identities);
      if (outcome === 'verified') return proven(entity, verified(by));
      if (rank(outcome) > rank(best)) best = outcome;
    }
    return said(entity, OUTCOMES[best]);
  }
}

function tryRoot(
  entity: SignedEntity,
  verifier: Verifier,
  identities: SigningTrust['identities'],
): keyof typeof OUTCOMES | 'verified' {
  try {
    const signer = verifier.verify(entity).identity;
    const { subjectAlternativeName: subject, extensions } = signer ?? {};
    const isAllowed =
      subject !== undefined &&
      identities.some((allowed) => allowed.issuer === extensions?.issuer && matches(allowed.subject, subject));
    return isAllowed ? 'verified' : 'signer';
  } catch (error) {
    if (!(error instanceof VerificationError)) return 'unreadable';
    switch (error.code) {
      case 'TIMESTAMP_ERROR':
        return 'time';
      case 'CERTIFICATE_ERROR':
      case 'PUBLIC_KEY_ERROR':
        return 'certificate';
      case 'SIGNATURE_ERROR':
        return 'signature';
      case 'TLOG_ERROR':
      case 'TLOG_INCLUSION_PROOF_ERROR':
      case 'TLOG_INCLUSION_PROMISE_ERROR':
      case 'TLOG_MISSING_INCLUSION_ERROR':
      case 'TLOG_BODY_ERROR':
        return 'log';
      case 'NOT_IMPLEMENTED_ERROR':
        return 'unreadable';
    }
  }
}

const RANKS: readonly string[] = Object.keys(OUTCOMES);
const rank = (outcome: keyof typeof OUTCOMES): number => RANKS.indexOf(outcome);

/** Whether the pattern, in which `*` stands for any letters, is the whole text. */
export function matches(pattern: string, text: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return text === pattern;
  if (!text.startsWith(head)) return false;
  let at = head.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return text.length - tail.length >= at && text.endsWith(tail);
}

function keyOf(pem: string): { key: KeyObject; fingerprint: string; names: string[] } {
  const key = publicKeyOf(pem);
  const digest = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();
  const [hex, base64] = [digest.toString('hex'), digest.toString('base64')];
  // How in-toto, cosign and npm name a key.
  const names = [hex, base64, `SHA256:${base64.replace(/=+$/, '')}`];
  return { key, fingerprint: `sha256:${hex}`, names };
}

/** A log that the root names has to bear the signature out; an instance without logs (GitHub's own) has timestamps alone. */
function verifierOf(root: unknown): Verifier {
  const material = rootOf(root);
  return new Verifier(material, {
    tlogThreshold: material.tlogs.length > 0 ? 1 : 0,
    ctlogThreshold: material.ctlogs.length > 0 ? 1 : 0,
    timestampThreshold: 1,
  });
}

const FULCIO_ISSUER = '1.3.6.1.4.1.57264.1.8';
/** Deprecated; the text without a type around it. */
const FULCIO_ISSUER_V1 = '1.3.6.1.4.1.57264.1.1';

/** What the material says of the signer, the time and the log. */
function said({ key, timestamps, tlogEntries }: SignedEntity, verification: Verification): Signed {
  const certificate = key.$case === 'certificate' ? key.certificate : null;
  const issuer =
    certificate?.extension(FULCIO_ISSUER)?.valueObj.subs[0]?.value ?? certificate?.extension(FULCIO_ISSUER_V1)?.value;
  const [time] = timestamps;
  const millis =
    time?.$case === 'timestamp-authority'
      ? time.timestamp.signingTime.getTime()
      : Number(time?.tlogEntry.integratedTime ?? 0) * 1_000;
  return {
    identity: signerName(key.$case === 'public-key' ? key.hint : (certificate?.subjectAltName ?? '')),
    issuer: issuer?.toString('ascii') ?? null,
    signedAt: instantOfMillis(millis),
    logIndex: /^\d{1,20}$/.exec(tlogEntries[0]?.logIndex ?? '')?.[0] ?? null,
    verification,
  };
}

/** Of a verified signature only what was verified with it: without an inclusion promise a log signs neither the time nor the index that a bundle says. */
function proven(entity: SignedEntity, verification: Verification): Signed {
  return said(
    {
      ...entity,
      timestamps: entity.timestamps.filter(
        (time) => time.$case === 'timestamp-authority' || time.tlogEntry.inclusionPromise !== undefined,
      ),
      tlogEntries: entity.tlogEntries.filter(({ inclusionPromise }) => inclusionPromise !== undefined),
    },
    verification,
  );
}

/** A person signs by a mail address, which no row keeps: it is in the evidence. Machines sign by a URI, or by an address of Google's for them. */
export function signerName(subject: string): string | null {
  const at = subject.includes('://') ? -1 : subject.lastIndexOf('@');
  if (at === -1 || subject.endsWith('.gserviceaccount.com')) return subject || null;
  return `(person)${subject.slice(at)}`;
}

function nothingOf(verification: Verification): Signed {
  return { identity: null, issuer: null, signedAt: null, logIndex: null, verification };
}

function verified(by: string): Verification {
  return { state: 'verified', by, reason: '' };
}

export function unverified(reason: string): Verification {
  return { state: 'unverified', by: null, reason };
}

function failed(reason: string): Verification {
  return { state: 'failed', by: null, reason };
}
