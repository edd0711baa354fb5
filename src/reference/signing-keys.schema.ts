import { z } from 'zod';
import { SIGNING_ALGORITHMS, SIGNING_USES } from '../kernel/crypto/signing/signing-key.js';
import { operation } from '../kernel/http/endpoint.js';

const SigningKey = z
  .object({
    use: z.enum(SIGNING_USES).meta({
      description: 'What it signs, and nothing else: checkpoints of logs, receipts of what was accepted, or packages.',
    }),
    algorithm: z.enum(SIGNING_ALGORITHMS).meta({
      description:
        '`ed25519`: RFC 8032. `ecdsa-p256-sha256`: ECDSA over NIST P-256 and SHA-256; signatures are ASN.1 DER.',
    }),
    fingerprint: z.string().meta({
      description:
        'SHA-256 of the public key (SubjectPublicKeyInfo), hex. `openssl pkey -pubin -in key.pem -outform DER | sha256sum` says the same.',
    }),
    publicKey: z.string().meta({ description: 'In PEM.' }),
    firstUsedAt: z.iso.datetime().meta({ description: 'When the service first started with it.' }),
    current: z
      .boolean()
      .meta({ description: 'Whether it signs now. The others have signed, and verify what they signed.' }),
    vouched: z.boolean().meta({
      description:
        'Whether the service knows it for its own. One that it does not may have been put on the list by somebody who can write to the database, or was replaced before the service vouched for any: believe it by what you have of its time alone.',
    }),
  })
  .meta({
    id: 'SigningKey',
    description: 'A public key by which the service signs, or has signed where it vouches for it.',
  });

const SigningKeyList = z.object({ items: z.array(SigningKey) }).meta({
  id: 'SigningKeyList',
  description: 'All of them, those of a use from its newest on.',
  examples: [
    {
      items: [
        {
          use: 'package',
          algorithm: 'ecdsa-p256-sha256',
          fingerprint: '2cb4ba1cdd4bf5fb9a0f0a5a6f5d5c2b0e9a4a8a3d1f4c7b6e5d4c3b2a190807',
          publicKey: '-----BEGIN PUBLIC KEY-----\nMFkw…\n-----END PUBLIC KEY-----\n',
          firstUsedAt: '2026-11-26T09:00:00.000Z',
          current: true,
          vouched: true,
        },
      ],
    },
  ],
});

export const listSigningKeys = operation({
  id: 'listSigningKeys',
  method: 'GET',
  path: '/v1/signing-keys',
  tag: 'Reference',
  summary: 'By which keys the service signs, and has signed',
  description:
    'Public keys of checkpoints, receipts and packages, with their fingerprints: what a person compares with the key in a package. Old ones stay on the list after a rotation; which of them are the service’s, `vouched` says.',
  permission: 'authenticated',
  answers: { 200: { description: 'The keys.', schema: SigningKeyList } },
});
