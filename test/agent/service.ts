import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { json, problem, received, SCANS, STORED, SYSTEM } from '../cli/support.js';

export interface Posted {
  key: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** How a post is answered, in place of the service's own way; `goOn` answers as it does. */
export type Answer = (response: ServerResponse, posted: Posted, goOn: () => void) => void | Promise<void>;

/**
 * The service as far as an agent sees it: custody by Idempotency-Key, so that what is posted twice is there once. What it does wrong, a test tells it to. The real one is
 * in the test of the product (agent.spec.ts).
 */
export interface Service {
  url: string;
  /** Every post that came whole, in order. */
  posts: Posted[];
  /** What is in custody, by key. */
  kept: Map<string, Posted>;
  /** For the next posts, one each; null: as ever. */
  answers: (Answer | null)[];
  /** What it takes; null: any. */
  token: string | null;
  /** Resolves when this many posts have come. */
  came(count: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startService(): Promise<Service> {
  const waiting: { count: number; resolve: () => void }[] = [];
  const service: Service = {
    url: '',
    posts: [],
    kept: new Map(),
    answers: [],
    token: null,
    came: (count) =>
      new Promise((resolve) => {
        waiting.push({ count, resolve });
        tell();
      }),
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  const tell = (): void => {
    for (const one of waiting) if (service.posts.length >= one.count) one.resolve();
  };
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://service');
    if (service.token !== null && request.headers.authorization !== `Bearer ${service.token}`) {
      request.resume();
      problem(response, 401, 'unauthenticated', 'No valid token');
      return;
    }
    if (url.pathname === SCANS.replace('/scans', '').replace(`/${SYSTEM}`, '')) {
      const systems = [{ id: SYSTEM, name: 'production' }].filter(({ name }) =>
        [null, name].includes(url.searchParams.get('name')),
      );
      json(response, 200, { items: systems, next: null });
      return;
    }
    if (request.method === 'GET' && url.pathname === `${SCANS}/${STORED.id}`) {
      json(response, 200, STORED);
      return;
    }
    if (request.method !== 'POST' || url.pathname !== SCANS) {
      problem(response, 404, 'not-found', 'There is no such resource');
      return;
    }
    const body = await received(request);
    const posted: Posted = {
      key: String(request.headers['idempotency-key']),
      query: url.searchParams,
      headers: request.headers,
      body,
    };
    service.posts.push(posted);
    const goOn = (): void => {
      const duplicate = service.kept.has(posted.key);
      if (!duplicate) service.kept.set(posted.key, posted);
      json(response, duplicate ? 200 : 201, { ...STORED, duplicate });
    };
    const trouble = service.answers.shift();
    if (trouble) await trouble(response, posted, goOn);
    else goOn();
    tell();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  service.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return service;
}
