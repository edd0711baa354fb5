import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, it, vi } from 'vitest';
import { receiveContent, type ContentLimits } from './content.js';

const MIB = 2 ** 20;
const LIMITS: ContentLimits = { maxEncodedBytes: 8 * MIB, maxDecodedBytes: 16 * MIB, maxSilence: 60_000 };

/** Bytes that no encoding makes fewer, so that half of them are half of what is sent. */
const report = randomBytes(256 * 1024);

/** A real request whose handler is given; resolves with what the handler made of it. */
async function exchange<T>(
  handle: (incoming: IncomingMessage) => Promise<T>,
  send: (out: ReturnType<typeof request>) => void,
): Promise<{ result: T; status: number | null }> {
  let settle: (result: T) => void = () => undefined;
  const result = new Promise<T>((resolve) => (settle = resolve));
  const server = createServer((incoming, response) => {
    void handle(incoming).then((made) => {
      settle(made);
      response.writeHead(400, { connection: 'close' }).end();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const out = request({ port, host: '127.0.0.1', method: 'POST' });
  const status = new Promise<number | null>((resolve) => {
    out.on('response', (response) => {
      resolve(response.statusCode ?? null);
      out.destroy();
    });
    out.on('error', () => {
      resolve(null);
    });
  });
  try {
    send(out);
    return { result: await result, status: await status };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

it('does a client that goes away half-way reject everything and free it?', async () => {
  const { result } = await exchange(
    async (incoming) => {
      const { decoded, finished } = receiveContent(incoming, { contentEncoding: 'gzip' }, LIMITS);
      decoded.once('data', () => undefined);
      const error = await finished.catch((reason: unknown) => reason);
      return { error, destroyed: decoded.destroyed, listeners: incoming.listenerCount('data') };
    },
    (out) => {
      const gzip = gzipSync(report);
      out.setHeader('content-length', gzip.length);
      out.write(gzip.subarray(0, gzip.length >> 1), () => setImmediate(() => out.destroy()));
    },
  );
  expect(result.error).toMatchObject({ code: 'truncated-body' });
  expect(result).toMatchObject({ destroyed: true, listeners: 0 });
});

it('is a client given up that stays connected and says nothing more, and only then?', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const source = new PassThrough();
    const { decoded, finished } = receiveContent(source, {}, LIMITS);
    decoded.resume();
    let isOver = false;
    finished.catch(() => (isOver = true));
    for (let second = 0; second < 180; second += 45) {
      source.write(Buffer.alloc(100));
      await turn();
      await vi.advanceTimersByTimeAsync(45_000);
    }
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(15_000);
    await expect(finished).rejects.toMatchObject({
      code: 'truncated-body',
      detail: expect.stringContaining('60 s') as string,
    });
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

it('is a client blamed for a reader that stands still, with bytes of it waiting, or with all of them?', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    for (const isWhole of [false, true]) {
      const source = new PassThrough();
      const { decoded, finished } = receiveContent(source, {}, LIMITS);
      const sent = Buffer.alloc(isWhole ? 100 : MIB);
      if (isWhole) source.end(sent);
      else source.write(sent);
      for (let minute = 0; minute < 5; minute++) {
        await turn();
        await vi.advanceTimersByTimeAsync(60_000);
      }
      source.end();
      decoded.resume();
      await expect(finished).resolves.toMatchObject({ decodedBytes: sent.length });
    }
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

it('can a refusal still be answered while the client is sending?', async () => {
  const { result, status } = await exchange(
    async (incoming) => {
      const { decoded, finished } = receiveContent(
        incoming,
        {},
        { ...LIMITS, maxEncodedBytes: 10, maxDecodedBytes: 10 },
      );
      decoded.resume();
      const error = await finished.catch((reason: unknown) => reason);
      return { error, sourceDestroyed: incoming.destroyed };
    },
    (out) => out.write(Buffer.alloc(100)),
  );
  expect(result).toMatchObject({ error: { code: 'too-large' }, sourceDestroyed: false });
  expect(status).toBe(400);
});

it('does a reader that goes away stop the reading, without an error nobody hears?', async () => {
  const source = new PassThrough();
  const { decoded, finished } = receiveContent(source, { contentEncoding: 'zstd' }, LIMITS);
  source.write(zstdCompressSync(report).subarray(0, 50_000));
  decoded.destroy();
  await expect(finished).rejects.toThrow();
  await turn();
  expect(source.destroyed).toBe(false);
  expect(source.listenerCount('data')).toBe(0);
});
