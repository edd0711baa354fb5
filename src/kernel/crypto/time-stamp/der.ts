/*
 * As much of DER (X.690) as is read of time stamps and certificates. Lengths are definite, minimal, and within what is there; how deep it goes, whoever reads decides.
 */

/** What is said to be DER, or a structure in it, and is none. */
export class DerError extends Error {
  override name = 'DerError';
}

export interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
  /** With tag and length: the bytes that others hash and sign. */
  readonly whole: Buffer;
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  octets: 0x04,
  identifier: 0x06,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** [0], [1] and [3], constructed: explicit, or implicit for a sequence or set. */
  context0: 0xa0,
  context1: 0xa1,
  context3: 0xa3,
} as const;

/** The one value that the bytes are. */
export function readDer(bytes: Buffer): DerValue {
  const [value, ...rest] = readAll(bytes);
  if (value === undefined || rest.length > 0) throw new DerError('not one DER value');
  return value;
}

/** The values within one of a tag that the caller expects. */
export function within(value: DerValue | undefined, tag: number): DerValue[] {
  return readAll(contentOf(value, tag));
}

export function contentOf(value: DerValue | undefined, tag: number): Buffer {
  if (value?.tag !== tag) throw new DerError('another value than the structure has here');
  return value.content;
}

function readAll(bytes: Buffer): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const { start, end } = extentOf(bytes, at);
    values.push({ tag: bytes.readUInt8(at), content: bytes.subarray(start, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return values;
}

/** Where the content of the value at an offset begins and ends. */
function extentOf(bytes: Buffer, at: number): { start: number; end: number } {
  const first = bytes[at + 1];
  if (first === undefined || ((bytes[at] ?? 0) & 0x1f) === 0x1f)
    throw new DerError('a tag of one byte is followed by a length');
  const lengthBytes = first < 0x80 ? 0 : first - 0x80;
  const start = at + 2 + lengthBytes;
  // No time stamp or certificate has 16 MiB; 0x80 alone is an indefinite length, which DER does not have.
  if (first === 0x80 || lengthBytes > 3 || start > bytes.length) throw new DerError('a length that DER does not have');
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes);
  const isMinimal = lengthBytes === 0 || (length >= 0x80 && length >= 256 ** (lengthBytes - 1));
  if (!isMinimal || start + length > bytes.length) throw new DerError('a length that DER does not have');
  return { start, end: start + length };
}

/** An object identifier in dots. */
export function identifierOf(value: DerValue | undefined): string {
  const arcs: number[] = [];
  let arc = 0;
  const content = contentOf(value, TAG.identifier);
  for (const byte of content) {
    if (arc > Number.MAX_SAFE_INTEGER / 256) throw new DerError('an identifier with an arc of more than 2^45');
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [first = 0, ...rest] = arcs;
  if (arcs.length === 0 || ((content.at(-1) ?? 0) & 0x80) !== 0) throw new DerError('an identifier that is cut');
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...rest].join('.');
}

/** A whole number that is neither negative nor larger than some thousands: versions and statuses. */
export function smallInteger(value: DerValue | undefined): number {
  const content = contentOf(value, TAG.integer);
  if (content.length === 0 || content.length > 2 || content.readInt8() < 0) throw new DerError('not a small number');
  return content.readUIntBE(0, content.length);
}

/** A GeneralizedTime as RFC 5280 and RFC 3161 have it: in UTC, with or without a fraction of a second. */
export function timeOf(value: DerValue | undefined): Date {
  const text = contentOf(value, TAG.generalizedTime).toString('latin1');
  const [, year, month, day, hour, minute, second, fraction = ''] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{1,9})?Z$/.exec(text) ?? [];
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${fraction.slice(0, 4)}Z`);
  if (Number.isNaN(time.getTime())) throw new DerError('not a time in UTC');
  return time;
}
