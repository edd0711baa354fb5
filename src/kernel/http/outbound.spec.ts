import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { growthByClock } from '../../../test/support/growth.js';
import { outbound, poster, type Resolve } from './outbound.js';

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

/** Of the public Internet, and given to nobody by IANA's registry: it does not answer. */
const PUBLIC = '2000::1';

/** A name server that gives one list of addresses after the other, and counts how often it is asked. */
function nameServer(...answers: string[][]): { resolve: Resolve; asked: () => number } {
  let asked = 0;
  const resolve: Resolve = (_name, _options, callback) => {
    const addresses = answers[Math.min(asked++, answers.length - 1)] ?? [];
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return { resolve, asked: () => asked };
}

describe('does what is sent to an address that a tenant named stay out of private networks?', () => {
  const headers = { 'content-type': 'application/json' };

  it.each([
    ['a private address', ['10.0.0.1']],
    ['loopback', ['127.0.0.1']],
    ['loopback, mapped', ['::ffff:127.0.0.1']],
    ['the metadata service of a cloud', ['169.254.169.254']],
    ['a public and a private one', [PUBLIC, '10.0.0.1']],
    ['none', []],
  ])('a name that has %s is not connected to', async (_, addresses) => {
    const { hits, port } = await serve((_request, response) => void response.end());
    const { resolve } = nameServer(addresses);
    const post = poster({ publicOnly: true, allowInsecure: true, resolve });
    await expect(post(`http://receiver.example:${port}/`, headers, '{}')).rejects.toThrow(/private address/);
    expect(hits()).toBe(0);
  });

  it('a name that changes its address between two answers is asked once, and what was looked at is what is connected to', async () => {
    const { hits, port } = await serve((_request, response) => void response.end());
    const names = nameServer([PUBLIC], ['127.0.0.1']);
    const post = poster({ publicOnly: true, allowInsecure: true, resolve: names.resolve, patience: 300 });
    await expect(post(`http://rebinding.example:${port}/`, headers, '{}')).rejects.toThrow();
    expect([names.asked(), hits()]).toEqual([1, 0]);
    await expect(post(`http://rebinding.example:${port}/`, headers, '{}')).rejects.toThrow(/private address/);
    expect([names.asked(), hits()]).toEqual([2, 0]);
  });

  it('a host that the operator has named is called, and no other', async () => {
    const { url, hits, port } = await serve((_request, response) => void response.writeHead(204).end());
    const post = poster({ publicOnly: true, allowInsecure: true, privateHosts: new Set(['127.0.0.1']) });
    expect(await post(url, headers, '{}')).toBe(204);
    await expect(post(`http://localhost:${port}/`, headers, '{}')).rejects.toThrow(/private address/);
    expect(hits()).toBe(1);
  });

  it('a redirect is an answer like any other', async () => {
    const target = await serve((_request, response) => void response.end());
    const { url } = await serve((_request, response) => void response.writeHead(307, { location: target.url }).end());
    const post = poster({ publicOnly: false, allowInsecure: true });
    expect(await post(url, headers, '{}')).toBe(307);
    expect(target.hits()).toBe(0);
  });

  it('of an answer the status counts, whatever follows it and for however long', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200);
      const pouring = setInterval(() => response.write(Buffer.alloc(256 * 1024)), 1);
      response.on('close', () => clearInterval(pouring));
    });
    expect(await poster({ publicOnly: false, allowInsecure: true })(url, headers, '{}')).toBe(200);
  });

  it('whoever does not answer is waited for as long as patience goes, and no longer', async () => {
    const { url } = await serve(() => undefined);
    const givesUp = (patience: number): Promise<void> =>
      expect(poster({ publicOnly: false, allowInsecure: true, patience })(url, headers, '{}')).rejects.toThrow();
    const times = await growthByClock(givesUp, 50, 10, 1);
    expect(times).toBeGreaterThan(2);
    expect(times).toBeLessThan(50);
  });
});
