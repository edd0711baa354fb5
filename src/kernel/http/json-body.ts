import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { Refusal } from './problem.js';

/** JSON bodies are what people and scripts write by hand; reports are not JSON bodies and have limits of their own. */
const MAX_JSON_BYTES = 1024 * 1024;
/** Nothing that is asked for here nests deeper than ten. */
const MAX_JSON_DEPTH = 64;

type JsonRequest = Readable & { headers: IncomingHttpHeaders };

/** Milliseconds in which a JSON body has to come whole: it is small, and whoever sends it drop by drop holds a connection. */
const PATIENCE = 30_000;

/** The body of a request as a value, with the digest of its bytes. */
export async function readJson(request: JsonRequest, method: string): Promise<{ value: unknown; digest: string }> {
  const mediaType = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  const accepted = method === 'PATCH' ? ['application/merge-patch+json', 'application/json'] : ['application/json'];
  if (mediaType === undefined || !accepted.includes(mediaType)) {
    throw new Refusal('unsupported-media-type', `Send ${accepted.join(' or ')}.`, { pointer: 'header/Content-Type' });
  }
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new Refusal('unsupported-encoding', 'Send this body without Content-Encoding.', {
      pointer: 'header/Content-Encoding',
    });
  }
  const bytes = await collect(request);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Refusal('malformed-json', 'The body is not JSON in UTF-8.');
  }
  if (isDeeperThan(value, MAX_JSON_DEPTH)) {
    throw new Refusal('malformed-json', `The body is nested deeper than ${MAX_JSON_DEPTH}.`);
  }
  return { value, digest: createHash('sha256').update(bytes).digest('base64url') };
}

async function collect(request: JsonRequest): Promise<Buffer> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const sender = { isLate: false };
  const timer = setTimeout(() => {
    sender.isLate = true;
    reject(new Refusal('truncated-body', 'The body did not come in time.'));
  }, PATIENCE);
  // Leaving it leaves the request alive: the refusal is answered on its connection, which may carry the next one.
  const body = request.iterator({ destroyOnReturn: false }) as AsyncGenerator<Buffer, undefined>;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await Promise.race([body.next(), late]);
      if (done === true) return Buffer.concat(chunks);
      size += value.length;
      if (size > MAX_JSON_BYTES) throw new Refusal('too-large', `A JSON body has at most ${MAX_JSON_BYTES} bytes.`);
      chunks.push(value);
    }
  } finally {
    clearTimeout(timer);
    const left = body.return(undefined).catch(() => undefined);
    // Else it waits for the next bytes, which may never come.
    if (!sender.isLate) await left;
  }
}

/** Level by level: what is deep enough to matter would end a recursion first. */
function isDeeperThan(value: unknown, limit: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true;
    level = level.flatMap((one) =>
      typeof one === 'object' && one !== null ? Object.values(one as Record<string, unknown>) : [],
    );
  }
  return false;
}
