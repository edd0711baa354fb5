import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { certified } from '../agent/certificate.js';

/** Something that a receiver was sent. */
export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface CloudEvent {
  specversion: string;
  id: string;
  source: string;
  type: string;
  subject: string;
  time: string;
  data: Record<string, unknown>;
}

type Answer = { status: number; headers?: Record<string, string> } | null;

/** A receiver of webhooks by https on loopback, of a certificate authority of its own. */
export interface Receiver {
  /** Of 127.0.0.1, with a port. */
  url: string;
  /** The certificate that is to be trusted, in PEM. */
  authority: string;
  received: Received[];
  /** What it answers from now on; null: nothing, for ever. */
  answer: Answer;
  /** What it answers on paths of which it is said by themselves. */
  answers: Map<string, Answer>;
  /** The first thing that it is sent, other than what it was sent before this call, that is so; verified by the secret as the specification asks for. */
  next(secret: string, isIt: (event: CloudEvent) => boolean, patience?: number): Promise<CloudEvent>;
  stop(): Promise<void>;
}

const MAX_BYTES = 32 * 1024;

export async function startReceiver(port = 0, certificate = certified()): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer({ key: certificate.key, cert: certificate.cert }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      });
      const own = receiver.answers.get(request.url ?? '');
      const answer = own === undefined ? receiver.answer : own;
      if (answer !== null) response.writeHead(answer.status, answer.headers).end('This is not read.');
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  const receiver: Receiver = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    authority: certificate.cert,
    received,
    answer: { status: 204 },
    answers: new Map(),
    next: async (secret, isIt, patience = 20_000) => {
      const from = received.length;
      const until = Date.now() + patience;
      for (;;) {
        for (const one of received.slice(from)) {
          const event = verified(one, secret);
          if (isIt(event)) return event;
        }
        if (Date.now() > until) throw new Error(`the receiver was not told: ${JSON.stringify(received.slice(from))}`);
        await delay(50);
      }
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}

/** As a receiver that takes security seriously does: bounded, and by the library of the specification. Throws where it is not what was signed. */
export function verified({ headers, body }: Received, secret: string): CloudEvent {
  if (Buffer.byteLength(body) > MAX_BYTES) throw new Error('larger than what is documented');
  return new Webhook(secret).verify(body, {
    'webhook-id': String(headers['webhook-id']),
    'webhook-timestamp': String(headers['webhook-timestamp']),
    'webhook-signature': String(headers['webhook-signature']),
  }) as CloudEvent;
}
