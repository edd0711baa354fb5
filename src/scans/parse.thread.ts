import { once } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import { EvidenceFile, type EvidenceFileRef } from '../evidence/evidence-file.js';
import { formatNamed, readReport, type ParseOptions } from './formats/index.js';
import { ReportFault, type FaultPlace, type ReportFaultCode } from './report.js';
import { Stager, type RowChunk, type StagedReport } from './stage.js';
import type { ByteSource } from './text/byte-source.js';
import { readDocument } from './text/read-document.js';

export interface ParseTask extends Required<ParseOptions> {
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
}

/** A fault crosses the thread's border as data: a class of ours would arrive as a plain Error. */
export type ParseOutcome =
  { report: StagedReport } | { fault: { code: ReportFaultCode; detail: string; place: FaultPlace } };

/** What comes through the port: chunks, and last of all the outcome. */
export type ParseMessage = RowChunk | ParseOutcome;

/** What comes of a report whose rows leave together; null where they are too many for that. */
export type ParsedTogether = { chunks: RowChunk[]; outcome: ParseOutcome } | null;

/** Bytes of lines that leave together at most. A small report's lines may be many times what it is itself. */
const MAX_TOGETHER = 64 * 1024 * 1024;

class TooMany extends Error {}

/** Runs in a thread of its own: a large report blocks nobody, and a hostile one can take no more memory and time than a thread is given. */
export default async function parse({ content, way, ...options }: ParseTask): Promise<ParsedTogether> {
  if (way === null) return together(content, options);
  const { port, underWay, maxUnderWay } = way;
  const outcome = read(content, options, (chunk) => {
    for (let count = Atomics.load(underWay, 0); count >= maxUnderWay; count = Atomics.load(underWay, 0)) {
      Atomics.wait(underWay, 0, count);
    }
    Atomics.add(underWay, 0, 1);
    port.postMessage(chunk, [chunk.bytes.buffer as ArrayBuffer]);
  });
  port.postMessage(outcome satisfies ParseMessage);
  // Waited for: between tasks the thread sleeps, and a port that is only told to close never is.
  const closed = once(port, 'close');
  port.close();
  await closed;
  return null;
}

function together(content: ParseTask['content'], options: ParseOptions): ParsedTogether {
  const chunks: RowChunk[] = [];
  let length = 0;
  try {
    const outcome = read(content, options, ({ kind, bytes }) => {
      length += bytes.length;
      if (length > MAX_TOGETHER) throw new TooMany();
      // A copy: with a part of a buffer, all of it would be sent.
      chunks.push({ kind, bytes: new Uint8Array(bytes) });
    });
    return { chunks, outcome };
  } catch (error) {
    if (error instanceof TooMany) return null;
    throw error;
  }
}

function read(content: ParseTask['content'], options: ParseOptions, send: (chunk: RowChunk) => void): ParseOutcome {
  try {
    if (content instanceof Uint8Array) return { report: stage(content, options, send) };
    const file = new EvidenceFile(content);
    try {
      return { report: stage(file, options, send) };
    } finally {
      file.close();
    }
  } catch (error) {
    if (!(error instanceof ReportFault)) throw error;
    const { code, detail, place } = error;
    return { fault: { code, detail, place } };
  }
}

function stage(content: Uint8Array | ByteSource, options: ParseOptions, send: (chunk: RowChunk) => void): StagedReport {
  const stager = new Stager(send);
  const head = readReport(readDocument(content), options, stager);
  return stager.finish(head, formatNamed(head.format).yields);
}
