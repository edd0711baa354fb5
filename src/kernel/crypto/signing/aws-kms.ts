import { createHash } from 'node:crypto';
import { GetPublicKeyCommand, KMSClient, SignCommand, type KMSClientConfig } from '@aws-sdk/client-kms';
import { ANSWER_WITHIN, remoteSigningKey } from './remote-signing-key.js';
import { publicKeyOf, type SigningKey, type SigningUse } from './signing-key.js';

/**
 * A key of AWS KMS (key spec ECC_NIST_P256, usage SIGN_VERIFY): it needs `kms:GetPublicKey` and `kms:Sign`. Credentials and endpoint come the ways that AWS' own client
 * knows (IRSA, pod identity, profile, environment). The digest is sent, never what is signed.
 */
export async function awsKmsSigningKey(
  use: SigningUse,
  arn: string,
  config: KMSClientConfig = {},
): Promise<SigningKey> {
  const client = new KMSClient({
    region: arn.split(':')[3] ?? '',
    requestHandler: { requestTimeout: ANSWER_WITHIN, connectionTimeout: ANSWER_WITHIN },
    ...config,
  });
  const { PublicKey: spki } = await client.send(new GetPublicKeyCommand({ KeyId: arn }));
  if (spki === undefined) throw new Error('AWS KMS gave no public key');
  return remoteSigningKey(use, publicKeyOf(Buffer.from(spki)), async (bytes) => {
    const { Signature: signature } = await client.send(
      new SignCommand({
        KeyId: arn,
        Message: createHash('sha256').update(bytes).digest(),
        MessageType: 'DIGEST',
        SigningAlgorithm: 'ECDSA_SHA_256',
      }),
    );
    if (signature === undefined) throw new Error('AWS KMS gave no signature');
    return Buffer.from(signature);
  });
}
