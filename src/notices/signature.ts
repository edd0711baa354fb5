import { createHmac, randomBytes } from 'node:crypto';

/*
 * Standard Webhooks 1.0.0 (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md), symmetric signatures.
 */

const PREFIX = 'whsec_';
/** Between 24 and 64 by the specification; HMAC-SHA256 has no use for more than its output's 32. */
const SECRET_BYTES = 32;

/** A secret as receivers are given it: `whsec_` and base64. */
export const writtenSecret = (secret: Buffer): string => PREFIX + secret.toString('base64');

export const newSecret = (): Buffer => randomBytes(SECRET_BYTES);

/**
 * The headers of what is sent. One signature for each secret, so that receivers may go over to a new one in their own time. The signature is over the id, the
 * instant and the bytes: nobody without the secret can send an old message as a new one.
 */
export function signedHeaders(
  id: string,
  at: Date,
  body: string,
  secrets: readonly Buffer[],
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const signatures = secrets.map(
    (secret) => `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`, 'utf8').digest('base64')}`,
  );
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}
