import type { z } from 'zod';
import { Fault } from './fault.js';
import type { PackageFiles } from './package-files.js';

/** A page of evidence has some hundred bytes in index.json: enough for half a million of them, and less than what V8 makes a string of. */
const MAX_DOCUMENT = 256 * 2 ** 20;
/** An audit event's leaf has 16 KiB at most; what it says more, its details, some kilobytes and at worst some megabytes. */
const MAX_LINE = 64 * 2 ** 20;

/** A whole file; a Fault where it is absent or larger than what such a file has any reason to be. */
export async function readFile(files: PackageFiles, path: string, limit = MAX_DOCUMENT): Promise<Buffer> {
  const size = files.sizes.get(path);
  if (size === undefined) throw new Fault(`${path} is not there`);
  if (size > limit) throw new Fault(`${path} has ${size} bytes, more than the ${limit} that such a file may have`);
  // Once, however large.
  const bytes = Buffer.allocUnsafeSlow(size);
  let length = 0;
  for await (const chunk of files.open(path)) {
    if (length + chunk.length > size) throw new Fault(`${path} has more bytes than its size says`);
    length += chunk.copy(bytes, length);
  }
  return bytes;
}

/** UTF-8, and nothing that is not. */
export function textOf(bytes: Buffer, path: string): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new Fault(`${path} is not UTF-8`);
  }
}
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** JSON of a shape; what the shape does not name is let by. */
export function jsonOf<Schema extends z.ZodType>(schema: Schema, bytes: Buffer, path: string): z.infer<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(textOf(bytes, path));
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault(`${path} is no JSON`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Fault(
    `${path}: ${issue === undefined ? '' : `/${issue.path.join('/')}: `}${issue?.message ?? 'another shape'}`,
  );
}

/** The lines of a file, each ended by LF. */
export async function* linesOf(files: PackageFiles, path: string): AsyncGenerator<Buffer, void> {
  let rest: Buffer[] = [];
  let length = 0;
  for await (const chunk of files.open(path)) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      const piece = chunk.subarray(start, end);
      yield rest.length === 0 ? piece : Buffer.concat([...rest, piece]);
      rest = [];
      length = 0;
      start = end + 1;
    }
    if (start < chunk.length) {
      rest.push(chunk.subarray(start));
      length += chunk.length - start;
      if (length > MAX_LINE) throw new Fault(`${path} has a line of more than ${MAX_LINE} bytes`);
    }
  }
  if (rest.length > 0) throw new Fault(`${path} ends within a line`);
}
