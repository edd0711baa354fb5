import { generateKeyPairSync, sign } from 'node:crypto';
import { bitString, der, ECDSA_SHA256, extension, integer, name, sequence, time } from '../support/der.js';

export interface Certified {
  key: string;
  cert: string;
}

/** A certificate of its own authority for 127.0.0.1, good for this day. */
export function certified(): Certified {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const now = Math.floor(Date.now() / 1_000);
  const body = sequence(
    der(0xa0, integer(2)),
    integer(7),
    ECDSA_SHA256,
    name('replayed cluster'),
    sequence(time(now - 86_400), time(now + 86_400)),
    name('replayed cluster'),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        // subjectAltName: an IP address; basicConstraints: an authority.
        extension('2.5.29.17', sequence(der(0x87, Buffer.of(127, 0, 0, 1)))),
        extension('2.5.29.19', sequence(der(0x01, Buffer.of(0xff)))),
      ),
    ),
  );
  const bytes = sequence(body, ECDSA_SHA256, bitString(sign('sha256', body, privateKey)));
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
  };
}
