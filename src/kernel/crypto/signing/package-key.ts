/** Where the key of packages lies when it is not `package.pem`. */
export type PackageKey =
  | { kind: 'awskms'; arn: string }
  /** `url`: of the key in the transit engine. */
  | { kind: 'vault'; url: URL };

/** `key/` and no alias: an alias may name another key tomorrow, and a package says by which key it was signed. */
const ARN = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/;
const TRANSIT = /^\/v1\/[A-Za-z0-9_/.-]+\/keys\/[A-Za-z0-9_.-]+$/;
const LOOPBACK = ['127.0.0.1', '[::1]', 'localhost'];

/** `awskms:ARN` or `vault:URL`; a string that says what is wrong with it. */
export function parsePackageKey(text: string): PackageKey | string {
  if (text.startsWith('awskms:')) {
    const arn = text.slice('awskms:'.length);
    return ARN.test(arn) ? { kind: 'awskms', arn } : 'awskms: and the ARN of a key (arn:aws:kms:REGION:ACCOUNT:key/ID)';
  }
  if (text.startsWith('vault:')) {
    const url = URL.parse(text.slice('vault:'.length));
    // Without TLS the token would be anybody's; a proxy on this machine (Vault Agent) has it itself.
    const isPrivate = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.includes(url.hostname));
    return url !== null && isPrivate && TRANSIT.test(url.pathname) && url.search === '' && url.username === ''
      ? { kind: 'vault', url }
      : 'vault: and the https URL of a transit key (https://HOST/v1/transit/keys/NAME)';
  }
  return 'awskms:ARN or vault:URL';
}
