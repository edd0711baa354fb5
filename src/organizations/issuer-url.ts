import { isPublicAddress, literalAddress } from '../kernel/http/public-address.js';

const MAX_ISSUER_LENGTH = 500;

/** Names that mean this machine or a private network wherever they are asked (RFC 6761, RFC 6762, RFC 8375, ICANN's .internal, Kubernetes' .svc). */
const PRIVATE_NAME = /(^|\.)(localhost|local|internal|home\.arpa|svc|lan|intranet|corp|home|private)$/;

const PRIVATE = 'The issuer is in a private network: pin its public keys with `jwks`.';

/** What an API server calls itself in its own cluster, whatever the domain of that is. Asked for from elsewhere it is nobody, and from within a cluster it is that cluster's. */
const OWN_CLUSTER = /^kubernetes(\.default(\.svc(\..+)?)?)?$/;

export interface IssuerUrlRules {
  /** Its keys will be fetched from it, so it must be in the public Internet: else a tenant could make this service call into its own network. */
  fetched: boolean;
  /** Development only: http and private addresses. */
  allowInsecure: boolean;
}

/**
 * Why an issuer cannot be trusted; null when it can. It is compared with `iss` character by character, so it must be written as URLs normalise
 * (OpenID Connect Discovery 1.0 section 4.3). The addresses behind a name are checked again when keys are fetched (src/kernel/http/outbound.ts).
 */
export function refuseIssuerUrl(issuer: string, rules: IssuerUrlRules): string | null {
  if (issuer.length > MAX_ISSUER_LENGTH) return `An issuer has at most ${MAX_ISSUER_LENGTH} characters.`;
  if (!URL.canParse(issuer)) return 'The issuer is not a URL.';
  const url = new URL(issuer);
  if (url.protocol !== 'https:' && !(rules.allowInsecure && url.protocol === 'http:'))
    return 'An issuer is an https URL.';
  if (url.username !== '' || url.password !== '') return 'An issuer has no user name or password.';
  if (/[?#]/.test(issuer)) return 'An issuer has no query and no fragment.';
  if (url.href !== issuer && url.href !== `${issuer}/`) {
    return 'Write the issuer as in the token: lower-case host, no default port, no dot segments.';
  }
  if (!rules.fetched) return null;
  const name = url.hostname.replace(/\.$/, '');
  if (OWN_CLUSTER.test(name)) return PRIVATE;
  if (rules.allowInsecure) return null;
  const address = literalAddress(url);
  const isPrivate = address === null ? !name.includes('.') || PRIVATE_NAME.test(name) : !isPublicAddress(address);
  return isPrivate ? PRIVATE : null;
}
