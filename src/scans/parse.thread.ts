import { once } from 'node:events';
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { SNAPSHOT_CHECKS, type SnapshotRules } from '../checks/snapshot-rules.js';
import { EvidenceFile, type EvidenceFileRef } from '../evidence/evidence-file.js';
import { IntegrityError } from '../kernel/crypto/integrity-error.js';
import { formatNamed, readReport, type ParseOptions } from './formats/index.js';
import {
  ReportFault,
  type CheckResult,
  type CheckStatus,
  type FaultPlace,
  type ReportFaultCode,
  type Rows,
} from './report.js';
import { Stager, type RowChunk, type StagedReport } from './stage.js';
import type { ByteSource } from './text/byte-source.js';
import { readDocument } from './text/read-document.js';

export interface ParseTask extends Required<Omit<ParseOptions, 'rules'>> {
  /** Bytes that are few, or where they lie. */
  content: Uint8Array | EvidenceFileRef;
  /** The way of rows that leave while the report is being read. Null: they leave with the outcome, all together. */
  way: RowWay | null;
}

export interface RowWay {
  port: MessagePort;
  /** Chunks that were sent and not yet taken: the thread waits while they are so many as may be. */
  underWay: Int32Array;
  maxUnderWay: number;
  /** 1 as soon as the rules that were asked for have been sent. */
  answered: Int32Array;
}

/** A fault crosses the thread's border as data: a class of ours would arrive as a plain Error. */
export type ParseOutcome =
  { report: StagedReport } | { fault: { code: ReportFaultCode; detail: string; place: FaultPlace } };

/** That stored bytes are not those that were kept, and how: it crosses as data too, for it has to be recorded. */
export interface Corrupt {
  corrupt: string;
}

/** What comes through the port: chunks, perhaps once the question by what a snapshot is judged, and last of all the outcome. */
export type ParseMessage = RowChunk | { asks: 'rules' } | ParseOutcome | Corrupt;

/** What comes of a report whose rows leave together; null where it needs a way: its rows are too many, or it is a snapshot, which asks by what it is judged. */
export type ParsedTogether = { chunks: RowChunk[]; outcome: ParseOutcome } | null;

/** Bytes of lines that leave together at most. A small report's lines may be many times what it is itself. */
const MAX_TOGETHER = 64 * 1024 * 1024;

class NeedsWay extends Error {}

/** Nobody takes its rows any more. */
class Unwanted extends Error {}

/** Stands for the number of chunks under way where no more are taken: below zero, whatever is added to it. */
export const UNWANTED = -(2 ** 30);

type ReportOptions = Pick<ParseTask, 'format' | 'declared' | 'trust'>;

/** Runs in a thread of its own: a large report blocks nobody, and a hostile one can take no more memory and time than a thread is given. */
export default async function parse({ content, way, ...given }: ParseTask): Promise<ParsedTogether> {
  if (way === null) return together(content, given);
  const { port, underWay, maxUnderWay, answered } = way;
  const send = (chunk: RowChunk): void => {
    for (let count = Atomics.load(underWay, 0); count >= maxUnderWay; count = Atomics.load(underWay, 0)) {
      Atomics.wait(underWay, 0, count);
    }
    if (Atomics.add(underWay, 0, 1) < 0) throw new Unwanted();
    port.postMessage(chunk, [chunk.bytes.buffer as ArrayBuffer]);
  };
  const last = orCorrupt(() => read(content, { ...given, rules: rulesFrom(port, answered) }, send));
  port.postMessage(last satisfies ParseMessage);
  // Waited for: between tasks the thread sleeps, and a port that is only told to close never is.
  const closed = once(port, 'close');
  port.close();
  await closed;
  return null;
}

function orCorrupt<T>(work: () => T): T | Corrupt {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    return { corrupt: error.message };
  }
}

function together(content: ParseTask['content'], given: ReportOptions): ParsedTogether {
  const chunks: RowChunk[] = [];
  let length = 0;
  const rules = (): never => {
    throw new NeedsWay();
  };
  try {
    const outcome = read(content, { ...given, rules }, (chunk) => {
      length += chunk.bytes.length;
      if (length > MAX_TOGETHER) throw new NeedsWay();
      // A copy: with a part of a buffer, all of it would be sent.
      chunks.push({ ...chunk, bytes: new Uint8Array(chunk.bytes) });
    });
    return { chunks, outcome };
  } catch (error) {
    if (error instanceof NeedsWay) return null;
    throw error;
  }
}

/** Few reports are snapshots, so what judges them is asked for when it is needed. The thread has nothing else to do until it comes. */
function rulesFrom(port: MessagePort, answered: Int32Array): () => SnapshotRules {
  let rules: SnapshotRules | null = null;
  return () => {
    if (rules !== null) return rules;
    port.postMessage({ asks: 'rules' } satisfies ParseMessage);
    Atomics.wait(answered, 0, 0);
    const answer = receiveMessageOnPort(port) as { message: SnapshotRules } | undefined;
    if (answer === undefined) throw new Error('the rules that were asked for have not come');
    return (rules = answer.message);
  };
}

export interface TryTask extends Required<Pick<ParseOptions, 'declared'>> {
  content: Uint8Array | EvidenceFileRef;
  rules: SnapshotRules;
  /** Results that are given; all are counted. */
  most: number;
}

/** What a snapshot's results would be, by rules that nobody keeps. */
export interface Tried {
  counts: Record<CheckStatus, number>;
  results: CheckResult[];
  /** Whether all was there that the checks read. */
  complete: boolean;
  notes: string[];
}

/** Like `parse`, of a snapshot, and nothing of it is kept. */
export function tryOut({ content, declared, rules, most }: TryTask): Tried | Corrupt {
  const counts = { pass: 0, fail: 0, warn: 0, error: 0, skip: 0, manual: 0 };
  const results: CheckResult[] = [];
  const rows: Rows = {
    observed: () => undefined,
    result: (_series, _targetId, result) => {
      counts[result.status]++;
      if (results.length < most) results.push(result);
    },
    fact: () => undefined,
    event: () => undefined,
  };
  const options: ParseOptions = { format: 'cluster-snapshot', declared, trust: [], rules: () => rules };
  const read = orCorrupt(() => opened(content, (bytes) => readReport(readDocument(bytes), options, rows)));
  if ('corrupt' in read) return read;
  const { coverage, notes } = read;
  const complete = coverage.some(({ source, extent }) => source === SNAPSHOT_CHECKS && extent === 'complete');
  return { counts, results, complete, notes };
}

function read(content: ParseTask['content'], options: ParseOptions, send: (chunk: RowChunk) => void): ParseOutcome {
  try {
    return { report: opened(content, (bytes) => stage(bytes, options, send)) };
  } catch (error) {
    if (!(error instanceof ReportFault)) throw error;
    const { code, detail, place } = error;
    return { fault: { code, detail, place } };
  }
}

function opened<T>(content: ParseTask['content'], use: (bytes: Uint8Array | ByteSource) => T): T {
  if (content instanceof Uint8Array) return use(content);
  const file = new EvidenceFile(content);
  try {
    return use(file);
  } finally {
    file.close();
  }
}

function stage(content: Uint8Array | ByteSource, options: ParseOptions, send: (chunk: RowChunk) => void): StagedReport {
  const stager = new Stager(send);
  const head = readReport(readDocument(content), options, stager);
  return stager.finish(head, formatNamed(head.format).yields);
}
