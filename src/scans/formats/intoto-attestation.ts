import { createHash, X509Certificate } from 'node:crypto';
import type { FactValue } from '../../results/fact.js';
import { lazily } from '../../kernel/lazily.js';
import type { Format, Target } from '../report.js';
import { ReportFault } from '../report.js';
import { isList } from '../text/lazy-list.js';
import {
  imageName,
  imageOfReference,
  isSameImage,
  repositoryNamed,
  withoutCredentials,
  type Image,
} from './artifacts.js';
import { base64 } from './base64.js';
import { addComponents } from './cyclonedx.js';
import type { Draft } from './draft.js';
import {
  field,
  fieldsIn,
  fieldsOf,
  firstOf,
  has,
  instant,
  isFields,
  list,
  optionalText,
  text,
  Unreadable,
  type Fields,
} from './fields.js';
import { jsonWithin } from './json-within.js';
import type * as signatures from './signatures.js';
import type { Signatures, Signed } from './signatures.js';
import { held } from './held.js';
import { addPackages } from './spdx.js';

/** With it comes the library that verifies. */
const signing = lazily(import.meta.url, './signatures.js') as () => typeof signatures;

const SLUG = 'intoto-attestation';
const SOURCE = 'in-toto';

/** Statements about artifacts, and who signed them. */
export const intotoAttestation: Format = {
  slug: SLUG,
  title: 'in-toto attestation',
  tool: 'in-toto',
  description:
    'in-toto statements (v0.1, v1) in DSSE envelopes (one, or one per line), Sigstore bundles (0.1 to 0.3), answers of npm, GitHub and Google Cloud ' +
    'Build, or unsigned. One fact per artifact and signature: its digest, what built it from what, who signed. Signatures are verified by ' +
    'the trust that is configured (SIGNING_TRUST) and by nothing that the report brings; all others are unverified. An artifact is the ' +
    'image that its name and digest say, or else of what the poster declares. Components of an attested bill of materials (CycloneDX, SPDX 2) of one artifact are facts ' +
    'where its signature is verified. An attestation does not say when it was fetched. It closes nothing.',

  yields: ['facts'],
  targets: ['image', 'repository'],
  dependsOn: 'trust',

  detect(document) {
    const first = isList(document) ? firstOf(document) : document;
    return isFields(first) && wrappingOf(first) !== null;
  },

  read(document, draft) {
    const attestations = new Attestations(draft);
    if (isList(document)) draft.rows(document, '', null, (top, at) => attestations.read(top, at));
    else draft.attempt('', null, (at) => attestations.read(fieldsOf(document), at));
  },
};

type Wrapping = 'statement' | 'envelope' | 'bundle' | 'bundles' | 'google';

const BUNDLE = 'application/vnd.dev.sigstore.bundle';
const STATEMENT = 'https://in-toto.io/Statement/v';

function wrappingOf(top: Fields): Wrapping | null {
  const says = (name: string, prefix: string): boolean => {
    const value = field(top, name);
    return typeof value === 'string' && value.startsWith(prefix);
  };
  if (says('_type', STATEMENT) && has(top, 'predicateType')) return 'statement';
  if (says('payloadType', '') && says('payload', '') && isList(field(top, 'signatures'))) return 'envelope';
  if (says('mediaType', BUNDLE)) return 'bundle';
  if (isFields(field(top, 'image_summary')) && isFields(field(top, 'provenance_summary'))) return 'google';
  const attestations = field(top, 'attestations');
  const first = isList(attestations) ? firstOf(attestations) : null;
  return isFields(first) && isFields(field(first, 'bundle')) ? 'bundles' : null;
}

/** Characters of a payload in base64. An inventory may be one; larger ones are posted as themselves. */
const MAX_PAYLOAD = 16 * 1024 * 1024;
const MAX_SIGNATURES = 10;
/** Each costs some milliseconds to verify. */
const MAX_ENVELOPES = 10_000;

/** What an envelope says, and who signed it. */
interface Attested {
  statement: Fields;
  /** The image that is known beside the statement. */
  image?: Image | null;
  /** Tells this signature of this statement from all others. */
  id: string;
  signed: Signed;
}

class Attestations {
  readonly #signatures: Signatures;
  #envelopes = 0;

  constructor(private readonly draft: Draft) {
    const { Signatures } = signing();
    this.#signatures = new Signatures(draft.trust);
  }

  read(top: Fields, pointer: string): void {
    switch (wrappingOf(top)) {
      case 'statement':
        this.add({ statement: top, id: 'unsigned', signed: signing().UNSIGNED }, pointer);
        return;
      case 'envelope':
        this.readEnvelope(top, pointer);
        return;
      case 'bundle':
        this.readBundle(top, pointer);
        return;
      case 'bundles':
        this.draft.rows(list(top, 'attestations'), `${pointer}/attestations`, null, (row, at) => {
          this.draft.attempt(`${at}/bundle`, null, (of) => this.readBundle(fieldsIn(row, 'bundle'), of));
        });
        return;
      case 'google': {
        const image = imageOfReference(optionalText(fieldsIn(top, 'image_summary'), 'fully_qualified_digest'));
        const summary = fieldsIn(top, 'provenance_summary');
        this.draft.rows(list(summary, 'provenance'), `${pointer}/provenance_summary/provenance`, null, (row, at) => {
          this.draft.attempt(`${at}/envelope`, null, (of) => this.readEnvelope(fieldsIn(row, 'envelope'), of, image));
        });
        return;
      }
      case null:
        throw new Unreadable('', 'is no statement, envelope or bundle that is known here');
    }
  }

  /** A DSSE envelope by itself: each of its signatures is by a key, or by the certificate beside it. */
  private readEnvelope(envelope: Fields, pointer: string, image: Image | null = null): void {
    const payload = base64(envelope, 'payload', MAX_PAYLOAD);
    const statement = statementOf(envelope, payload);
    const signatures = list(envelope, 'signatures');
    if (signatures.length > MAX_SIGNATURES) {
      throw new Unreadable('/signatures', `must hold ${MAX_SIGNATURES} members at most`);
    }
    if (signatures.length === 0) this.add({ statement, image, id: 'unsigned', signed: signing().UNSIGNED }, pointer);
    this.draft.rows(signatures, `${pointer}/signatures`, null, (signature) => {
      const pem = optionalText(signature, 'cert');
      this.addSigned(pointer, { statement, image }, payload, signature, {
        mediaType: `${BUNDLE}.v0.3+json`,
        verificationMaterial:
          pem === '' ? { publicKey: { hint: optionalText(signature, 'keyid') } } : certificateOf(pem),
        dsseEnvelope: { ...envelopeOf(envelope), signatures: [{ sig: text(signature, 'sig') }] },
      });
    });
  }

  private readBundle(bundle: Fields, pointer: string): void {
    const material = {
      mediaType: text(bundle, 'mediaType'),
      verificationMaterial: held(bundle, 'verificationMaterial'),
    };
    if (has(bundle, 'messageSignature')) {
      this.addMessageSignature(bundle, { ...material, messageSignature: held(bundle, 'messageSignature') });
      return;
    }
    const envelope = fieldsIn(bundle, 'dsseEnvelope');
    const payload = base64(envelope, 'payload', MAX_PAYLOAD);
    const signature = fieldsOf(firstOf(list(envelope, 'signatures')));
    this.addSigned(pointer, { statement: statementOf(envelope, payload) }, payload, signature, {
      ...material,
      dsseEnvelope: { ...envelopeOf(envelope), signatures: held(envelope, 'signatures') },
    });
  }

  private addSigned(
    pointer: string,
    of: Pick<Attested, 'statement' | 'image'>,
    payload: Buffer,
    signature: Fields,
    bundle: object,
  ): void {
    if (++this.#envelopes > MAX_ENVELOPES) {
      throw new ReportFault('too-many-results', `A report may hold ${MAX_ENVELOPES} signatures; post it in parts.`);
    }
    const id = createHash('sha256').update(payload).update(text(signature, 'sig')).digest('hex').slice(0, 32);
    this.add({ ...of, id, signed: this.#signatures.of(bundle) }, pointer);
  }

  private add({ statement, image = null, id, signed }: Attested, pointer: string): void {
    const predicateType = text(statement, 'predicateType');
    const provenance = provenanceOf(predicateType, statement);
    this.draft.rows(list(statement, 'subject'), `${pointer}/subject`, null, (row) => {
      const reference = withoutCredentials(optionalText(row, 'name')) || null;
      const digest = digestOf(fieldsIn(row, 'digest'));
      const of = {
        ...this.cover(image?.digest === digest ? imageName(image) : (reference ?? ''), digest),
        subject: `${digest}#${predicateType}#${id}`,
        namespace: null,
      };
      // So cosign signs an image since its version 3.
      if (predicateType === COSIGN_SIGNATURE) {
        this.draft.fact({ ...of, kind: 'signature', value: { digest, reference, ...signed } });
      } else {
        const value = { digest, reference, predicateType, ...provenance, ...signed };
        this.draft.fact({ ...of, kind: 'attestation', value });
        if (signed.verification.state === 'verified') this.addBill(of.target, statement, predicateType, pointer);
      }
    });
  }

  /** What is in an artifact, as a bill that is attested says: of a verified one alone, for its rows do not say who vouches for them. */
  private addBill(target: Target, statement: Fields, predicateType: string, pointer: string): void {
    const bill = BILLS.find(({ prefix }) => predicateType.startsWith(prefix));
    const predicate = field(statement, 'predicate');
    // A bill in a text is of a format that is not read; of several artifacts it would be no telling which one it is of.
    if (!bill || !isFields(predicate) || list(statement, 'subject').length > 1) return;
    const scope = { target, source: `${SOURCE}/${bill.name}` };
    this.draft.cover({ ...scope, extent: 'partial', checks: null, silentPass: [] });
    this.draft.attempt(`${pointer}/predicate`, scope, (at) => bill.add(this.draft, scope, predicate, at));
  }

  /** Over bytes that are somewhere else: an artifact of which only the digest is here. */
  private addMessageSignature(bundle: Fields, material: object): void {
    const message = fieldsIn(bundle, 'messageSignature');
    const of = fieldsIn(message, 'messageDigest');
    const algorithm = text(of, 'algorithm').replace(/^SHA2_/, 'sha');
    const digest = digestOf({ [algorithm]: base64(of, 'digest', 200).toString('hex') });
    const id = createHash('sha256').update(text(message, 'signature')).digest('hex').slice(0, 32);
    this.draft.fact({
      ...this.cover('', digest),
      kind: 'signature',
      subject: `${digest}#${id}`,
      namespace: null,
      value: { digest, reference: null, ...this.#signatures.of(material) },
    });
  }

  private cover(name: string, digest: string): { target: Target; source: string } {
    const target = targetOf(this.draft, name, digest);
    this.draft.cover({ target, source: SOURCE, extent: 'partial', checks: null, silentPass: [] });
    return { target, source: SOURCE };
  }
}

const BILLS = [
  { name: 'cyclonedx', prefix: 'https://cyclonedx.org/bom', add: addComponents },
  { name: 'spdx', prefix: 'https://spdx.dev/Document', add: addPackages },
] as const;

const COSIGN_SIGNATURE = 'https://sigstore.dev/cosign/sign/v1';

function envelopeOf(envelope: Fields): object {
  return { payload: text(envelope, 'payload'), payloadType: text(envelope, 'payloadType') };
}

function statementOf(envelope: Fields, payload: Buffer): Fields {
  if (field(envelope, 'payloadType') !== 'application/vnd.in-toto+json') {
    throw new Unreadable('/payloadType', 'is no in-toto statement');
  }
  const statement = jsonWithin(payload, '/payload');
  if (!optionalText(statement, '_type').startsWith(STATEMENT)) {
    throw new Unreadable('/payload/_type', 'is no in-toto statement');
  }
  return statement;
}

function certificateOf(pem: string): object {
  try {
    return { certificate: { rawBytes: new X509Certificate(pem).raw.toString('base64') } };
  } catch {
    throw new Unreadable('/cert', 'must be a certificate');
  }
}

/** Hexadecimal digits of the digests that cannot be forged; older ones say nothing of what an artifact is. */
const DIGESTS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

function digestOf(digests: Fields): string {
  for (const [algorithm, digits] of Object.entries(DIGESTS)) {
    const digest = optionalText(digests, algorithm);
    if (digest === '') continue;
    if (digest.length !== digits || !/^[0-9a-f]+$/.test(digest)) {
      throw new Unreadable(`/digest/${algorithm}`, `must be ${digits} hexadecimal digits`);
    }
    return `${algorithm}:${digest}`;
  }
  throw new Unreadable('/digest', 'must be of SHA-256, SHA-384 or SHA-512');
}

/** The image that the name says, or what the poster declares: a file or package is of some repository, which a statement does not tell. */
function targetOf({ declared }: Draft, name: string, digest: string): Target {
  const [first, second] = declared.targets;
  if (second) throw new ReportFault('target-mismatch', 'The statements are about one thing; declare one.');
  if (first?.kind === 'repository') return first;
  const repository = digest.startsWith('sha256:') ? repositoryNamed(name) : null;
  if (first && !isSameImage(first.name, repository, digest)) {
    throw new ReportFault('target-mismatch', 'The declared image is not the one that a statement names.');
  }
  if (repository !== null) return { kind: 'image', name: imageName({ repository, digest }) };
  if (first) return first;
  throw new ReportFault(
    'target-unknown',
    'A statement names no image with its registry: pass targets=image/NAME or targets=repository/NAME.',
  );
}

type Provenance = Pick<FactValue<'attestation'>, 'builder' | 'source' | 'builtAt'>;

/** What SLSA provenance says of the build; of other predicates nothing is read. Parameters and environments may hold secrets and names of people. */
function provenanceOf(predicateType: string, statement: Fields): Provenance {
  const predicate = field(statement, 'predicate');
  if (!isFields(predicate)) return { builder: null, source: null, builtAt: null };
  if (predicateType.startsWith('https://slsa.dev/provenance/v0.')) {
    const metadata = fieldsIn(predicate, 'metadata');
    return {
      builder: urlIn(fieldsIn(predicate, 'builder'), 'id'),
      source:
        urlIn(fieldsIn(fieldsIn(predicate, 'invocation'), 'configSource'), 'uri') ?? firstUri(predicate, 'materials'),
      builtAt: instant(field(metadata, 'buildFinishedOn')) ?? instant(field(metadata, 'buildStartedOn')),
    };
  }
  if (predicateType.startsWith('https://slsa.dev/provenance/v1')) {
    const run = fieldsIn(predicate, 'runDetails');
    const metadata = fieldsIn(run, 'metadata');
    return {
      builder: urlIn(fieldsIn(run, 'builder'), 'id'),
      source: sourceOf(fieldsIn(predicate, 'buildDefinition')),
      builtAt: instant(field(metadata, 'finishedOn')) ?? instant(field(metadata, 'startedOn')),
    };
  }
  return { builder: null, source: null, builtAt: null };
}

/** Each build type has parameters of its own: GitHub's and Google's are known, of the others the first thing that the build was of. */
function sourceOf(definition: Fields): string | null {
  const parameters = fieldsIn(definition, 'externalParameters');
  const source = field(parameters, 'workflow') ?? field(parameters, 'buildConfigSource');
  const repository = isFields(source) ? urlIn(source, 'repository') : null;
  if (!isFields(source) || repository === null) return firstUri(definition, 'resolvedDependencies');
  const ref = urlIn(source, 'ref');
  return ref === null ? repository : `${repository}@${ref}`;
}

function firstUri(fields: Fields, name: string): string | null {
  const first = firstOf(list(fields, name));
  return isFields(first) ? urlIn(first, 'uri') : null;
}

function urlIn(fields: Fields, name: string): string | null {
  return field(fields, name) === null ? null : withoutCredentials(optionalText(fields, name)) || null;
}
