import type { X509Certificate } from 'node:crypto';

/**
 * Sigstore's trusted root: whose time stamps a verifier believes, and that it believes no log or authority for certificates; a package is signed by a key alone. Without
 * such a file `cosign` would fetch that of the public instance.
 * @param chain the time-stamping authority's, its own certificate first; empty where packages carry no time stamps.
 */
export function trustedRoot(chain: readonly X509Certificate[]): string {
  const [authority] = chain;
  const timestampAuthorities =
    authority === undefined
      ? []
      : [
          {
            subject: { organization: nameOf(authority, 'O'), commonName: nameOf(authority, 'CN') },
            certChain: { certificates: chain.map(({ raw }) => ({ rawBytes: raw.toString('base64') })) },
            validFor: { start: authority.validFromDate.toISOString() },
          },
        ];
  const root = {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [],
    certificateAuthorities: [],
    ctlogs: [],
    timestampAuthorities,
  };
  return `${JSON.stringify(root, null, 2)}\n`;
}

/** Of a subject as Node writes it: one `NAME=value` a line. */
const nameOf = ({ subject }: X509Certificate, name: string): string =>
  subject
    .split('\n')
    .find((line) => line.startsWith(`${name}=`))
    ?.slice(name.length + 1) ?? '';

export const chainPem = (chain: readonly X509Certificate[]): string =>
  chain.map((certificate) => certificate.toString()).join('');
