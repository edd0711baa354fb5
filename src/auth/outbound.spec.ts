import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { outbound } from './outbound.js';

const servers: ReturnType<typeof createServer>[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<{ url: string; port: number; hits: () => number }> {
  let hits = 0;
  const server = createServer((request, response) => {
    hits += 1;
    listener(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, port, hits: () => hits };
}

const lenient = outbound({ publicOnly: false, allowInsecure: true });
const strict = outbound({ publicOnly: true, allowInsecure: true });

describe('calls to identity providers', () => {
  it('give the answer', async () => {
    const { url } = await serve((_, response) => {
      response.setHeader('content-type', 'application/json').end('{"a":1}');
    });
    const answer = await lenient(url);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ a: 1 });
  });

  it('reach no private address, written as number or behind a name', async () => {
    const { port, hits } = await serve((_, response) => void response.end('{}'));
    for (const host of ['127.0.0.1', '[::1]', 'localhost', '0x7f.1', '2130706433', '[::ffff:127.0.0.1]', '0.0.0.0']) {
      await expect(strict(`http://${host}:${port}/`)).rejects.toThrow(/private address/);
    }
    expect(hits()).toBe(0);
  });

  it('use https alone', async () => {
    const { url, hits } = await serve((_, response) => void response.end('{}'));
    await expect(outbound({ publicOnly: false, allowInsecure: false })(url)).rejects.toThrow(/https/);
    await expect(lenient('file:///etc/passwd')).rejects.toThrow(/https/);
    expect(hits()).toBe(0);
  });

  it('follow no redirect', async () => {
    const target = await serve((_, response) => void response.end('{}'));
    const { url } = await serve((_, response) => void response.writeHead(302, { location: target.url }).end());
    expect((await lenient(url)).status).toBe(302);
    expect(target.hits()).toBe(0);
  });

  it('stop reading at the bound', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200);
      for (let count = 0; count < 16; count += 1) response.write(Buffer.alloc(64 * 1024));
      response.end();
    });
    await expect(lenient(url)).rejects.toThrow();
  });

  it('unpack nothing, so that a small answer stays small', async () => {
    const packed = gzipSync(Buffer.alloc(10_000_000));
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed);
    });
    expect((await (await lenient(url)).arrayBuffer()).byteLength).toBe(packed.length);
  });
});
