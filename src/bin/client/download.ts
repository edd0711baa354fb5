import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Package } from './answers.js';
import { exitCode, Failure, Transient } from './failure.js';
import type { Answer, Client } from './http.js';
import { Refused } from './problem.js';
import { persist } from './retry.js';
import { progress, say } from './terminal.js';
import { bytes, printable } from './text.js';

/**
 * Downloads into FILE.part, going on where it was cut (in this run or one before: a package never changes), and renames
 * only what has the size and the SHA-256 that the server stated. What was left by another package is found out by the
 * digest, and fetched once more from the start.
 */
export async function download(
  client: Client,
  at: string,
  built: Package,
  output: string,
): Promise<{ size: number; sha256: string }> {
  const { size, sha256 } = built;
  if (typeof size !== 'number' || typeof sha256 !== 'string') {
    throw new Failure(exitCode.refused, 'the server states no size and digest of the package: nothing to check it by');
  }
  const part = `${output}.part`;
  const file = await open(part, 'a+', 0o600);
  try {
    const before = (await file.stat()).size;
    if (before > 0) say(`${printable(part)}: going on after ${bytes(before)}`);
    await fetchInto(client, at, file, size, sha256);
    let actual = await sha256Of(part);
    if (actual !== sha256 && before > 0) {
      say(`${printable(part)} was of something else; from the start`);
      await file.truncate(0);
      await fetchInto(client, at, file, size, sha256);
      actual = await sha256Of(part);
    }
    if (actual !== sha256) {
      await rm(part, { force: true });
      throw new Failure(
        exitCode.refused,
        `what arrived is not the package: its SHA-256 is ${actual}, the server states ${sha256}`,
        'deleted; try again, and tell the operator if it stays so',
      );
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, output);
  return { size, sha256 };
}

/** Fetches what is missing. Whatever gets further than before starts the time of `--retry-for` anew. */
async function fetchInto(client: Client, at: string, file: FileHandle, size: number, sha256: string): Promise<void> {
  let etag: string | undefined;
  // A server that cuts early and always begins anew brings bytes, but gets nowhere: the time goes on.
  let furthest = 0;
  await persist(client.retryFor, async (moved) => {
    const have = (await file.stat()).size;
    if (have === size) return;
    if (have > size) await file.truncate(0);
    const from = have > size ? 0 : have;
    const headers = {
      accept: '*/*',
      'accept-encoding': 'identity',
      ...(from === 0 ? {} : { range: `bytes=${from}-` }),
      // If-Range takes a strong validator only (RFC 9110 section 13.1.5).
      ...(from > 0 && etag !== undefined ? { 'if-range': etag } : {}),
    };
    try {
      await client.once({ method: 'GET', path: at, headers }, async (answer) => {
        checkDigest(answer, sha256);
        const tag = answer.headers.etag;
        etag = typeof tag === 'string' && /^"[\x21\x23-\x7e]*"$/.test(tag) ? tag : undefined;
        if (answer.statusCode === 206) checkRange(answer, from, size);
        else await file.truncate(0);
        await append(answer.body, file, answer.statusCode === 206 ? from : 0, size, (reached) => {
          if (reached > furthest) moved();
          furthest = Math.max(furthest, reached);
        });
      });
    } catch (error) {
      if (!(error instanceof Refused && error.status === 416 && from > 0)) throw error;
      await file.truncate(0);
      throw new Transient('the server has no more of the package than what is here');
    }
  });
}

async function append(
  body: Readable,
  file: FileHandle,
  from: number,
  size: number,
  reach: (at: number) => void,
): Promise<void> {
  let at = from;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    at += chunk.length;
    if (at > size) throw new Failure(exitCode.refused, `the server sends more than the ${size} bytes that it stated`);
    // Opened for appending: every write goes to the end.
    await file.write(chunk);
    reach(at);
    progress(`${bytes(at)} of ${bytes(size)}`);
  }
  progress(null);
}

/** `Repr-Digest` (RFC 9530) is of the whole, also on a 206; absent is allowed: the digest is checked at the end. */
function checkDigest(answer: Answer, sha256: string): void {
  const header = answer.headers['repr-digest'];
  const stated = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]{44}):/.exec(String(header ?? ''))?.[1];
  if (stated !== undefined && Buffer.from(stated, 'base64').toString('hex') !== sha256) {
    throw new Failure(exitCode.refused, 'the server offers other bytes than the package whose digest it stated');
  }
}

function checkRange(answer: Answer, from: number, size: number): void {
  const range = String(answer.headers['content-range'] ?? '');
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range);
  if (match?.[1] !== String(from) || (match[2] !== '*' && match[2] !== String(size))) {
    throw new Failure(
      exitCode.refused,
      `asked to go on from byte ${from} of ${size}, the server sends ${printable(range, 80) || 'another part'}`,
    );
  }
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
