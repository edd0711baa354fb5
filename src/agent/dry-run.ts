import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createZstdDecompress } from 'node:zlib';
import { print, say } from '../bin/client/terminal.js';
import { bytes, plural, printable, table } from '../bin/client/text.js';
import type { ApiServer } from './api-server.js';
import { type Collected, collectSnapshot } from './collect.js';
import type { Clock } from './clock.js';
import type { Wanted } from './discovery.js';
import { DocumentWriter, type Written } from './document.js';
import { REPORT_SETS } from './report-kinds.js';
import { gatherReports } from './reports.js';
import { STRIPPED } from './strip.js';

export interface DryRun {
  api: ApiServer;
  kinds: readonly Wanted[];
  clusterName: string | null;
  reports: boolean;
  clock: Clock;
  signal: AbortSignal;
  /** A folder for the time of the run, and the largest document. */
  scratch: string;
  largest: number;
  /** Where the snapshot goes; `-`: standard output, and what is said goes to standard error. */
  output: string | undefined;
}

/** Collects as ever, says what would be sent, and sends nothing. Whether every list was complete. */
export async function dryRun(of: DryRun): Promise<boolean> {
  const tell = of.output === '-' ? say : print;
  const writer = await DocumentWriter.create(join(of.scratch, randomUUID()), of.largest);
  const collected = await collectSnapshot(of, writer).catch(async (error: unknown) => {
    await writer.abandon();
    throw error;
  });
  const written = await writer.finish();
  for (const line of [...linesOf(collected, written), ...(of.reports ? await reportLines(of) : [])]) tell(line);
  tell('nothing was sent');
  if (of.output !== undefined) await writeOut(written, of.output);
  return collected.lists.every(({ outcome }) => outcome === 'complete' || outcome === 'absent');
}

function linesOf({ uid, startedAt, lists }: Collected, { size, content, digest }: Written): string[] {
  const rows = lists.map(({ group, version, resource, outcome, count, bytes: length, reason }) => [
    resource,
    group === '' ? version : `${group}/${version}`,
    outcome,
    outcome === 'absent' ? '' : String(count),
    outcome === 'absent' ? '' : bytes(length),
    reason === null ? '' : printable(reason, 200),
  ]);
  const objects = lists.reduce((sum, { count }) => sum + count, 0);
  return [
    `cluster ${printable(uid, 60)}, as of ${startedAt}`,
    ...table([['resource', 'version', 'outcome', 'objects', 'bytes', 'reason'], ...rows]),
    `snapshot: ${plural(objects, 'object')}, ${bytes(content.size)}, ${bytes(size)} as it would be sent, sha-256 ${digest}`,
    'taken out before it is written:',
    ...STRIPPED.map((what) => `  ${what}`),
  ];
}

async function reportLines({ api, clock, signal, scratch, largest }: DryRun): Promise<string[]> {
  const lines: string[] = [];
  for (const set of REPORT_SETS) {
    try {
      const of = { api, clock, signal, scratch: () => join(scratch, randomUUID()), largest };
      for (const { engine, objects, written } of await gatherReports(of, set)) {
        lines.push(
          `reports ${set.name}${engine ? ` of ${printable(engine, 60)}` : ''}: ${plural(objects, 'object')}, ${bytes(written.content.size)}`,
        );
        await rm(written.file);
      }
    } catch (error) {
      signal.throwIfAborted();
      lines.push(
        `reports ${set.name}: would not be sent: ${printable(error instanceof Error ? error.message : 'unknown', 200)}`,
      );
    }
  }
  return lines;
}

/** The document as the server reads it. Node's decompressor ends with a frame. */
async function writeOut(written: Written, output: string): Promise<void> {
  const target: Writable = output === '-' ? process.stdout : createWriteStream(output, { mode: 0o600 });
  await pipeline(contentOf(written), target, { end: output !== '-' });
}

async function* contentOf({ file, frames }: Written): AsyncGenerator<Buffer> {
  let start = 0;
  for (const end of frames) {
    const frame = createZstdDecompress();
    // What goes wrong with the file goes wrong with the frame too, and is thrown to whoever reads that.
    pipeline(createReadStream(file, { start, end: end - 1 }), frame).catch(() => undefined);
    yield* frame as AsyncIterable<Buffer>;
    start = end;
  }
}
