import type { X509Certificate } from 'node:crypto';
import { checkTimeStamp, MAX_TIME_STAMP, parseChain, TimeStampError } from '../kernel/crypto/time-stamp/time-stamp.js';
import { ANCHOR_CHECKPOINT } from './anchor.js';
import { Fault } from './fault.js';
import type { PackageFiles } from './package-files.js';
import { readFile, textOf } from './read.js';
import { BUNDLE, RAW_SIGNATURE, TIME_STAMP, type Envelope } from './signature.js';

/** Of the authority that stamped; trusted where whoever verifies names no other. */
export const AUTHORITY_CHAIN = 'keys/tsa-chain.pem';
const MAX_CHAIN = 1_000_000;

/** What has been stamped, and by whom it says that it was. */
interface Stamped {
  name: string;
  response: Buffer;
  bytes: Buffer;
}

/** Time stamps in files of their own, and what each is of. */
const FILES = [
  [TIME_STAMP, RAW_SIGNATURE],
  [`${ANCHOR_CHECKPOINT}.tsr`, ANCHOR_CHECKPOINT],
] as const;

export const hasTimeStamps = (files: PackageFiles, { timeStamps }: Envelope): boolean =>
  timeStamps.length > 0 || FILES.some(([path]) => files.sizes.has(path));

async function timeStampsIn(files: PackageFiles, envelope: Envelope): Promise<Stamped[]> {
  const stamped: Stamped[] = envelope.timeStamps.map((response) => ({
    name: BUNDLE,
    response,
    bytes: envelope.signature,
  }));
  for (const [name, of] of FILES) {
    if (!files.sizes.has(name)) continue;
    stamped.push({ name, response: await readFile(files, name, MAX_TIME_STAMP), bytes: await readFile(files, of) });
  }
  return stamped;
}

/** Certificates in PEM, a root among them. Throws a Fault. */
export function authoritiesIn(pem: Buffer, name: string): X509Certificate[] {
  try {
    return parseChain(textOf(pem, name));
  } catch (error) {
    if (error instanceof TimeStampError) throw new Fault(`${name}: ${error.message}`, { cause: error });
    throw error;
  }
}

/**
 * Each stamp is an authority's over just these bytes (RFC 3161), and the authority was good at that time.
 * @param trusted roots of authorities; empty: those in the package
 */
export async function checkTimeStamps(
  files: PackageFiles,
  envelope: Envelope,
  trusted: readonly X509Certificate[],
): Promise<string> {
  const stamped = await timeStampsIn(files, envelope);
  if (stamped.length === 0) throw new Fault('the package has no time stamp, by none of the authorities that you trust');
  const chain =
    trusted.length > 0 ? trusted : authoritiesIn(await readFile(files, AUTHORITY_CHAIN, MAX_CHAIN), AUTHORITY_CHAIN);
  const said = stamped.map(({ name, response, bytes }) => {
    try {
      return `${name}: ${checkTimeStamp(response, bytes, { chain }).time.toISOString()}`;
    } catch (error) {
      if (error instanceof TimeStampError) throw new Fault(`${name}: ${error.message}`, { cause: error });
      throw error;
    }
  });
  return `${said.join('; ')}${trusted.length > 0 ? '' : `, by the authority whose certificates are in ${AUTHORITY_CHAIN}`}`;
}
