import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openCheckpoint, parseSize } from '../../src/audit/checkpoint.js';
import { isConsistent } from '../../src/audit/merkle.js';
import {
  base64,
  cosignature,
  cosignedMessage,
  formatVerifierKey,
  NoteError,
  parseNote,
  signatureLine,
  verifierKey,
  type VerifierKey,
} from '../../src/audit/note.js';

/**
 * A witness (C2SP tlog-witness) of its own, over HTTP on loopback: it keeps the last checkpoint of each log that it knows, and cosigns only what extends it. What it
 * keeps is kept in memory, and outlives the services that submit to it.
 */
export interface TestWitness {
  url: string;
  vkey: string;
  key: VerifierKey;
  /** Logs that it knows, by their origin. */
  logs: Map<string, VerifierKey>;
  /** What it has seen last, by origin. */
  seen: Map<string, { size: number; root: Buffer }>;
  /** Each request, as it came. */
  requests: string[];
  /** Null, or an answer that it gives to everything from now on. */
  answering: { status: number; body: string } | null;
  stop: () => Promise<void>;
}

export async function startWitness(name = 'witness.example/w1', now = (): number => Date.now()): Promise<TestWitness> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = verifierKey(name, publicKey, 'cosignature');
  const logs: TestWitness['logs'] = new Map();
  const seen: TestWitness['seen'] = new Map();

  const addCheckpoint = (body: string): { status: number; body: string; type?: string } => {
    const end = body.indexOf('\n\n');
    const [first = '', ...lines] = body.slice(0, end).split('\n');
    const old = parseSize(/^old (\S+)$/.exec(first)?.[1] ?? '');
    const proof = lines.map(base64);
    if (end < 0 || old === null || proof.length > 63 || proof.includes(null)) return { status: 400, body: '' };
    const note = Buffer.from(body.slice(end + 2), 'utf8');
    try {
      const { text, signatures } = parseNote(note);
      const log = logs.get(text.split('\n')[0] ?? '');
      if (log === undefined) return { status: 404, body: '' };
      if (!signatures.some(({ keyId }) => keyId === log.keyId)) return { status: 403, body: '' };
      const checkpoint = openCheckpoint(note, log);
      if (old > checkpoint.size) return { status: 400, body: '' };
      const last = seen.get(checkpoint.origin) ?? null;
      const conflict = { status: 409, body: `${last?.size ?? 0}\n`, type: 'text/x.tlog.size' };
      if (old !== (last?.size ?? 0)) return conflict;
      if (last?.size === checkpoint.size && !last.root.equals(checkpoint.root)) return conflict;
      if (
        last === null
          ? proof.length > 0
          : !isConsistent(
              last,
              checkpoint,
              proof.filter((hash) => hash !== null),
            )
      ) {
        return { status: 422, body: '' };
      }
      seen.set(checkpoint.origin, { size: checkpoint.size, root: checkpoint.root });
      const time = BigInt(Math.floor(now() / 1_000));
      const signature = cosignature(time, sign(null, cosignedMessage(text, time), privateKey));
      return { status: 200, body: signatureLine({ name, keyId: key.keyId, signature }) };
    } catch (error) {
      if (error instanceof NoteError) return { status: 403, body: '' };
      throw error;
    }
  };

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      witness.requests.push(body);
      const isCall = request.method === 'POST' && request.url === '/prefix/add-checkpoint';
      const answer: ReturnType<typeof addCheckpoint> =
        witness.answering ?? (isCall ? addCheckpoint(body) : { status: 405, body: '' });
      response.writeHead(answer.status, { 'content-type': answer.type ?? 'text/plain; charset=utf-8' });
      response.end(answer.body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const witness: TestWitness = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix`,
    vkey: formatVerifierKey(key),
    key,
    logs,
    seen,
    requests: [],
    answering: null,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return witness;
}
