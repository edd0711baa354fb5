import { createHash, X509Certificate } from 'node:crypto';
import { lazily } from '../../kernel/lazily.js';
import type { Declared, Format, Target } from '../report.js';
import { ReportFault } from '../report.js';
import { isList } from '../text/lazy-list.js';
import { imageName, isImageDigest, isSameImage, repositoryOf } from './artifacts.js';
import { base64 } from './base64.js';
import type { Draft } from './draft.js';
import {
  field,
  fieldsIn,
  fieldsOf,
  firstOf,
  has,
  instantOfMillis,
  isFields,
  optionalNumber,
  optionalText,
  text,
  Unreadable,
  type Fields,
} from './fields.js';
import { jsonWithin } from './json-within.js';
import type * as signatures from './signatures.js';
import type { Signatures, Signed } from './signatures.js';

/** With it comes the library that verifies. */
const signing = lazily(import.meta.url, './signatures.js') as () => typeof signatures;

const SLUG = 'cosign-verify';
const SOURCE = 'cosign';

/** What `cosign verify` prints of the signatures of an image. */
export const cosignVerify: Format = {
  slug: SLUG,
  title: 'cosign verify',
  tool: 'cosign',
  description:
    'The JSON that `cosign verify` prints: one fact for each signature of an image. That cosign verified it is a claim of whoever posts it, ' +
    'and counts for nothing. A signature is verified anew where the output holds what was signed and its entry in the transparency log ' +
    '(`Bundle`), by the trust that is configured (SIGNING_TRUST); without, it is unverified. It closes nothing.',

  yields: ['facts'],
  targets: ['image'],
  dependsOn: 'trust',

  detect(document) {
    if (!isList(document)) return false;
    const first = firstOf(document);
    // Of several images cosign prints a list each.
    const row = isList(first) ? firstOf(first) : first;
    const critical = isFields(row) ? field(row, 'critical') : null;
    return isFields(critical) && has(critical, 'image') && has(critical, 'identity');
  },

  read(document, draft) {
    if (!isList(document)) return;
    const { Signatures } = signing();
    const signatures = new Signatures(draft.trust);
    let index = 0;
    for (const member of document) {
      const pointer = `/${index++}`;
      if (isList(member)) draft.rows(member, pointer, null, (row) => addSignature(draft, signatures, row));
      else draft.attempt(pointer, null, () => addSignature(draft, signatures, fieldsOf(member)));
    }
  },
};

function addSignature(draft: Draft, signatures: Signatures, row: Fields): void {
  const critical = fieldsIn(row, 'critical');
  const digest = text(fieldsIn(critical, 'image'), 'docker-manifest-digest');
  if (!isImageDigest(digest)) {
    throw new Unreadable('/critical/image/docker-manifest-digest', 'must be sha256: and 64 hexadecimal digits');
  }
  const reference = optionalText(fieldsIn(critical, 'identity'), 'docker-reference');
  const optional = fieldsIn(row, 'optional');
  const payload = signedPayload(critical, optional);
  const entry = fieldsIn(fieldsIn(optional, 'Bundle'), 'Payload');
  const id = createHash('sha256')
    .update(payload ?? '')
    .update(optionalText(entry, 'body'))
    .digest('hex')
    .slice(0, 32);
  const target = targetOf(draft.declared, reference, digest);
  draft.cover({ target, source: SOURCE, extent: 'partial', checks: null, silentPass: [] });
  draft.fact({
    target,
    source: SOURCE,
    kind: 'signature',
    subject: `${digest}#${id}`,
    namespace: null,
    value: { digest, reference: reference || null, ...signedBy(signatures, optional, entry, payload) },
  });
}

/** A signature names the repository that it was made in, which need not be the one that was asked: where the poster says that one, it stands. */
function targetOf(declared: Declared, reference: string, digest: string): Target {
  const [first, second] = declared.targets;
  if (second) throw new ReportFault('target-mismatch', 'The signatures are of one image; declare one.');
  if (first && !isSameImage(first.name, null, digest)) {
    throw new ReportFault('target-mismatch', 'The declared image is not the one whose signatures the report holds.');
  }
  const named = first === undefined || first.name === digest ? reference : first.name;
  const repository = repositoryOf(named);
  if (repository === '') {
    throw new ReportFault('target-unknown', 'The report does not name the image: pass targets=image/NAME.');
  }
  return { kind: 'image', name: imageName({ repository, digest }) };
}

/** What cosign adds to the annotations when it prints a signature. */
const ADDED =
  /^(Bundle|RFC3161Timestamp|Subject|Issuer|githubWorkflow(Trigger|Sha|Name|Repository|Ref)|1\.3\.6\.1\.4\.1\.57264\.1\.\d+)$/;

/**
 * The bytes that were signed, as Go writes them: `critical` and the annotations of the signer. Whether they are these bytes tells the digest in the log. Null
 * where annotations are no texts, which is how cosign writes them.
 */
function signedPayload(critical: Fields, optional: Fields): Buffer | null {
  const annotations = Object.keys(optional)
    .filter((name) => !ADDED.test(name))
    .sort()
    .map((name) => [name, optional[name]] as const);
  if (annotations.some(([, value]) => typeof value !== 'string')) return null;
  const payload = {
    critical: {
      identity: { 'docker-reference': optionalText(fieldsIn(critical, 'identity'), 'docker-reference') },
      image: { 'docker-manifest-digest': optionalText(fieldsIn(critical, 'image'), 'docker-manifest-digest') },
      type: optionalText(critical, 'type'),
    },
    optional: annotations.length === 0 ? null : Object.fromEntries(annotations),
  };
  const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return Buffer.from(JSON.stringify(payload).replace(/[<>&\u2028\u2029]/g, escaped));
}

/** Characters of a log's entry in base64: a signature and a certificate. */
const MAX_ENTRY = 262_144;

function signedBy(signatures: Signatures, optional: Fields, entry: Fields, payload: Buffer | null): Signed {
  if (payload !== null && has(entry, 'body')) {
    const bundle = bundleOf(fieldsIn(optional, 'Bundle'), entry, payload);
    if (bundle !== null) return signatures.of(bundle, payload);
  }
  const { signerName, unverified } = signing();
  const issuer = optionalText(optional, 'Issuer') || optionalText(optional, '1.3.6.1.4.1.57264.1.8');
  const index = optionalNumber(entry, 'logIndex');
  return {
    identity: signerName(optionalText(optional, 'Subject')),
    issuer: issuer || null,
    signedAt: instantOfMillis((optionalNumber(entry, 'integratedTime') ?? 0) * 1_000),
    logIndex: index === null ? null : String(index),
    verification: unverified('cosign says that it verified it, and printed nothing by which that could be done again.'),
  };
}

/** A Sigstore bundle of what cosign printed; null where the log's entry is not of what seems to be signed. */
function bundleOf(printed: Fields, entry: Fields, payload: Buffer): unknown {
  const body = jsonWithin(base64(entry, 'body', MAX_ENTRY), '/optional/Bundle/Payload/body');
  const spec = fieldsIn(body, 'spec');
  const digest = createHash('sha256').update(payload).digest();
  const isOfPayload = field(fieldsIn(fieldsIn(spec, 'data'), 'hash'), 'value') === digest.toString('hex');
  if (field(body, 'kind') !== 'hashedrekord' || !isOfPayload) return null;
  const signature = fieldsIn(spec, 'signature');
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    verificationMaterial: {
      ...signerOf(base64(fieldsIn(signature, 'publicKey'), 'content', MAX_ENTRY).toString('latin1')),
      tlogEntries: [
        {
          logIndex: String(optionalNumber(entry, 'logIndex')),
          logId: { keyId: Buffer.from(optionalText(entry, 'logID'), 'hex').toString('base64') },
          kindVersion: { kind: 'hashedrekord', version: field(body, 'apiVersion') },
          integratedTime: String(optionalNumber(entry, 'integratedTime')),
          inclusionPromise: { signedEntryTimestamp: text(printed, 'SignedEntryTimestamp') },
          canonicalizedBody: text(entry, 'body'),
        },
      ],
    },
    messageSignature: {
      messageDigest: { algorithm: 'SHA2_256', digest: digest.toString('base64') },
      signature: text(signature, 'content'),
    },
  };
}

function signerOf(pem: string): object {
  if (!pem.includes('CERTIFICATE')) return { publicKey: { hint: '' } };
  try {
    return { x509CertificateChain: { certificates: [{ rawBytes: new X509Certificate(pem).raw.toString('base64') }] } };
  } catch {
    throw new Unreadable('/optional/Bundle/Payload/body', 'holds no certificate that can be read');
  }
}
