import { createSecretKey, hash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { decryptStream, encryptStream } from '../src/kernel/crypto/streaming-aead.js';
import { readReport } from '../src/scans/formats/index.js';
import { Stager } from '../src/scans/stage.js';
import { readDocument } from '../src/scans/text/read-document.js';
import type { Posted } from './system.js';

/** Where the time of one post went, in milliseconds; what is left over is the answer and the small statements. */
export interface Stages {
  /** Receive, digest, encrypt, write and sync; and what is read beside. */
  receive: number;
  /** What is left to decrypt, check and parse, the rows written as COPY takes them, and copied: the thread and Postgres at once. */
  read: number;
  /** Of it, the time from the first row's leaving to the last one's arriving. */
  copy: number;
  merge: number;
  coverage: number;
  commit: number;
}

interface Statement {
  startedAt: number;
  endedAt: number;
  pid: string;
  text: string;
}

/**
 * From the times at which Postgres logged the statements of a post, and the gaps between them. Null for a small report: it is read before it is looked for, and
 * nothing then parts its receiving from its reading.
 */
export async function stagesOf(posted: Posted, logFile: string): Promise<Stages | null> {
  const statements = (await readStatements(logFile)).filter(
    ({ startedAt, endedAt }) => startedAt >= posted.startedAt - 1 && endedAt <= posted.endedAt + 1,
  );
  const find = (what: string, matches: (statement: Statement) => boolean): Statement => {
    const found = statements.find(matches);
    if (found === undefined) throw new Error(`the log of Postgres does not show the statement: ${what}`);
    return found;
  };
  const kept = find('evidence', ({ text }) => /insert into "?evidence"?/i.test(text));
  const ofKey = statements.filter(({ text, endedAt }) => /from "?evidence"?/i.test(text) && endedAt < kept.startedAt);
  // By a digest that was announced it is looked for before it is received, and again when it was.
  const twin = ofKey.at(-1);
  if (twin === undefined) return null;
  // None where few rows said what earlier ones said.
  const ofRows = statements.find(({ pid, text }) => pid === kept.pid && text.startsWith('copy staging'));
  const time = (what: string, matches: (text: string) => boolean, optional = false): number => {
    const same = statements.filter(
      ({ pid, text, startedAt }) => pid === kept.pid && startedAt >= kept.startedAt - 1 && matches(text),
    );
    if (same.length === 0 && !optional) throw new Error(`the log of Postgres does not show the statement: ${what}`);
    return same.reduce((sum, { startedAt, endedAt }) => sum + endedAt - startedAt, 0);
  };
  return {
    receive: twin.startedAt - posted.startedAt,
    read: (ofRows ?? kept).endedAt - twin.endedAt,
    copy: time('copy', (text) => text.startsWith('copy staging'), true),
    // None where the rows said what earlier ones said.
    merge: time('merge', (text) => text.includes('opened as (') || text.startsWith('insert into result'), true),
    coverage: time('coverage', (text) => text.includes('insert into coverage')),
    commit: time('commit', (text) => /^commit/i.test(text)),
  };
}

const LINE = /^(\d+\.\d+)\|(\d+)\|/;
const DURATION = /^LOG: {2}duration: ([\d.]+) ms(?: {2}(?:parse|bind|execute|statement)[^:]*: ([\s\S]*))?$/;

async function readStatements(logFile: string): Promise<Statement[]> {
  const statements: Statement[] = [];
  for (const entry of (await readFile(logFile, 'utf8')).split(/\n(?=\d+\.\d+\|\d+\|)/)) {
    const prefix = LINE.exec(entry);
    const logged = prefix === null ? null : DURATION.exec(entry.slice(prefix[0].length));
    if (prefix === null || logged === null) continue;
    const endedAt = Number(prefix[1]) * 1_000;
    statements.push({
      startedAt: endedAt - Number(logged[1]),
      endedAt,
      pid: prefix[2] ?? '',
      text: (logged[2] ?? '').trim(),
    });
  }
  return statements;
}

/**
 * What is done with the bytes of a report, once more in this process, one after the other, in milliseconds: in a post some of it goes beside the rest. `scan`: of the text's
 * structure; `rows`: its members parsed, what the format makes of them, and rows as COPY takes them.
 */
export async function timeAlone(
  path: string,
): Promise<Record<'digest' | 'encrypt' | 'decrypt' | 'scan' | 'rows', number>> {
  const bytes = await readFile(path);
  const timed = async (work: () => unknown): Promise<number> => {
    const start = performance.now();
    await work();
    return performance.now() - start;
  };
  const digest = await timed(() => hash('sha256', bytes));
  const key = createSecretKey(randomBytes(32));
  const of = Buffer.from('stages');
  const sealed: Buffer[] = [];
  const encrypt = await timed(async () => {
    // Each chunk is valid until the next is asked for.
    for await (const part of encryptStream(key, of, chunksOf(bytes))) sealed.push(Buffer.from(part));
  });
  const decrypt = await timed(async () => {
    for await (const _ of decryptStream(key, of, chunksOf(Buffer.concat(sealed)))) continue;
  });
  let document: unknown;
  const scan = await timed(() => (document = readDocument(bytes)));
  const rows = await timed(() => {
    const declared = { targets: [{ kind: 'cluster', name: 'cluster' }], partial: false } as const;
    const stager = new Stager(() => undefined);
    stager.finish(readReport(document, { format: undefined, declared }, stager), ['results']);
  });
  return { digest, encrypt, decrypt, scan, rows };
}

const CHUNK = 2 ** 18;

function chunksOf(bytes: Buffer): Readable {
  return Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
    })(),
    { objectMode: false },
  );
}
