import { condition, nullableCount, nullableText, textList, nullableTime, within } from './fact-fields.js';
import { text, type Fields } from './fields.js';
import { objectFormat, type Said } from './object-format.js';

/** Certificates of cert-manager: how long those in force are good for, and whether a renewal changes the private key. */
export const certManager = objectFormat({
  slug: 'cert-manager',
  title: 'cert-manager',
  tool: 'cert-manager',
  description: 'Certificate of cert-manager.io (v1, and v1alpha2 to v1beta1): names, algorithm, times and readiness.',
  readers: { 'cert-manager.io': { Certificate: certificate } },
});

function certificate(object: Fields): Said {
  return {
    kind: 'certificate',
    value: { ...within(object, 'spec', readSpec), ...within(object, 'status', readStatus) },
  };
}

function readSpec(spec: Fields) {
  // Before v1 the algorithm and size of the key stood in the spec itself.
  const key = within(spec, 'privateKey', (of) => ({
    algorithm: nullableText(of, 'algorithm'),
    keySize: nullableCount(of, 'size'),
    rotationPolicy: nullableText(of, 'rotationPolicy'),
  }));
  return {
    secretName: nullableText(spec, 'secretName'),
    issuer: within(spec, 'issuerRef', (of) => `${nullableText(of, 'kind') ?? 'Issuer'}/${text(of, 'name')}`),
    dnsNames: textList(spec, 'dnsNames'),
    ...key,
    algorithm: key.algorithm ?? nullableText(spec, 'keyAlgorithm'),
    keySize: key.keySize ?? nullableCount(spec, 'keySize'),
    duration: nullableText(spec, 'duration'),
    renewBefore: nullableText(spec, 'renewBefore'),
  };
}

function readStatus(status: Fields) {
  const ready = condition(status, 'Ready');
  return {
    ready: ready.isTrue,
    reason: ready.reason,
    issuedAt: nullableTime(status, 'notBefore'),
    expiresAt: nullableTime(status, 'notAfter'),
    renewalAt: nullableTime(status, 'renewalTime'),
    revision: nullableCount(status, 'revision'),
    // With Ready it is a renewal that is under way.
    issuing: condition(status, 'Issuing').isTrue === true,
    failedAt: nullableTime(status, 'lastFailureTime'),
  };
}
