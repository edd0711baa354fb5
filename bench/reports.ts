import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { appendFile, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, createZstdCompress } from 'node:zlib';
import { formatDigest } from '../src/kernel/http/content.js';
import { policyReport } from './policy-report.js';
import { trivyReport } from './trivy-report.js';

/** Neither says when it was made, so that the same bytes can be posted as of another instant. */
export const REPORTS = { policy: policyReport, trivy: trivyReport } as const;

export type ReportKind = keyof typeof REPORTS;

export interface ReportOptions {
  /** Findings in the report; each becomes one result. */
  rows: number;
  /** Of every so many findings one has another severity than in the report without this. */
  changedOneIn?: number;
}

/** Content codings of HTTP that a report may be sent in. */
export const CODINGS = ['gzip', 'zstd'] as const;
export type Coding = (typeof CODINGS)[number];

export interface WrittenReport {
  path: string;
  /** As sent. */
  bytes: number;
  contentEncoding: Coding | null;
  /** Of the bytes as sent: `Content-Digest` (RFC 9530). */
  digest: string;
}

/** Writes a report of a whole cluster, streamed. */
export async function writeReport(path: string, kind: ReportKind, options: ReportOptions): Promise<WrittenReport> {
  await pipeline(Readable.from(reportText(kind, options), { objectMode: false }), createWriteStream(path));
  return written(path, null);
}

/** A report that says the same in bytes that nobody has had: by a line end more, in its file. */
export async function inOtherBytes(report: WrittenReport): Promise<WrittenReport> {
  await appendFile(report.path, '\n');
  return written(report.path, report.contentEncoding);
}

/** The same report as it is sent in a coding; at the coding's usual level. */
export async function compress(report: WrittenReport, coding: Coding): Promise<WrittenReport> {
  const path = `${report.path}.${coding}`;
  const coder = coding === 'gzip' ? createGzip() : createZstdCompress();
  await pipeline(createReadStream(report.path), coder, createWriteStream(path));
  return written(path, coding);
}

async function written(path: string, contentEncoding: Coding | null): Promise<WrittenReport> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return { path, bytes: (await stat(path)).size, contentEncoding, digest: formatDigest({ 'sha-256': hash.digest() }) };
}

function* reportText(kind: ReportKind, { rows, changedOneIn = 0 }: ReportOptions): Generator<Buffer> {
  const { head, workload, perWorkload, tail } = REPORTS[kind];
  const isChanged = (finding: number): boolean => changedOneIn > 0 && finding % changedOneIn === 0;
  yield Buffer.from(head);
  for (let first = 0; first < rows; first += perWorkload) {
    const findings = Math.min(perWorkload, rows - first);
    const text = workload(first / perWorkload, findings, (finding) => isChanged(first + finding));
    yield Buffer.from(first === 0 ? text : `,\n${text}`);
  }
  yield Buffer.from(tail);
}
