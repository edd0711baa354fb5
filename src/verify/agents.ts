import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { ShownEvents } from './events.js';
import { Fault } from './fault.js';
import type { PackageFiles } from './package-files.js';
import type { PackageIndex } from './package-index.js';
import { jsonOf, linesOf } from './read.js';
import { SCANS } from './scans.js';

/** What is kept of an agent's signature of a report (docs/ingest.md, «Signatures»). */
const signature = z.object({
  state: z.enum(['verified', 'unverified']),
  keyId: z.string().nullable(),
  publicKey: z.string().nullable(),
  envelope: z.string(),
});
const scanLine = z.object({ evidenceId: z.string(), signature: signature.nullable().default(null) });

/** DSSE, protocol version 1. */
const envelopeShape = z.object({
  payloadType: z.string(),
  payload: z.base64(),
  signatures: z.array(z.object({ sig: z.base64() })),
});
const statement = z.object({ sha256: z.string() });

/** Each report that is said to be signed by its agent is: by a key that the agent was trusted with, over what was received. */
export async function checkAgents(
  files: PackageFiles,
  { evidence }: PackageIndex,
  events: Pick<ShownEvents, 'agentKeys' | 'isTrustErased'>,
): Promise<string> {
  const kept = new Map(evidence.map((one) => [one.evidenceId, one]));
  let [number, signed, dropped] = [0, 0, 0];
  for await (const line of linesOf(files, SCANS)) {
    number += 1;
    const at = `${SCANS}, line ${number}`;
    const { evidenceId, signature: made } = jsonOf(scanLine, line, at);
    if (made?.state !== 'verified') continue;
    const key = keyOf(made, at);
    const { payloadType, payload, signatures } = jsonOf(envelopeShape, Buffer.from(made.envelope, 'utf8'), at);
    const bytes = Buffer.from(payload, 'base64');
    const said = Buffer.concat([
      Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${bytes.length} `),
      bytes,
    ]);
    const algorithm = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
    if (!signatures.some(({ sig }) => verify(algorithm, said, key, Buffer.from(sig, 'base64')))) {
      throw new Fault(`${at}: the report is not signed by the key that is named`);
    }
    const { sha256 } = jsonOf(statement, bytes, at);
    const { redaction = null, sha256: own } = kept.get(evidenceId) ?? {};
    if (redaction === null && sha256 !== own) {
      throw new Fault(`${at}: what the agent has signed is not what was received`);
    }
    // What two have sent may be one when that was dropped which is not kept: then the digest of what was received is that of the first.
    if (redaction !== null && sha256 !== redaction.receivedSha256) dropped += 1;
    if (!events.agentKeys.has(made.keyId ?? '') && !events.isTrustErased) {
      throw new Fault(`${at}: no event says that an agent was trusted with the key that has signed the report`);
    }
    signed += 1;
  }
  return (
    `${signed} of ${number} scans are of reports that their agents have signed, by keys that they were trusted with` +
    (dropped === 0 ? '' : `; what ${dropped} of them have signed cannot be told, as something was dropped of it`)
  );
}

function keyOf({ keyId, publicKey }: z.infer<typeof signature>, at: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey(publicKey ?? '');
  } catch {
    throw new Fault(`${at}: the key that has signed the report is no key`);
  }
  const found = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');
  if (found !== keyId) throw new Fault(`${at}: the key that has signed the report is another than it is called`);
  return key;
}
