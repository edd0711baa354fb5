import { type Scan, scanSchema } from '../client/answers.js';
import { exitCode, Failure } from '../client/failure.js';
import type { Client, Query } from '../client/http.js';
import { type Encoding, type Payload, prepare, Unreadable } from '../client/payload.js';
import { lacksTime, type Problem, problemLines, Refused } from '../client/problem.js';
import { pollPause } from '../client/retry.js';
import { isEnded, scanCall, scansOf } from '../client/scans.js';
import { explaining, organizationOf, systemOf, UnknownSystem } from '../client/scope.js';
import { withScratch } from '../client/scratch.js';
import { print, progress, say, setExit } from '../client/terminal.js';
import { bytes, plural, printable } from '../client/text.js';
import { openClient, type ScopeOptions } from '../options.js';

export interface PushOptions extends ScopeOptions {
  observedAt?: string;
  targets?: string[];
  partial?: boolean;
  format?: string;
  encoding: Encoding;
  async?: boolean;
  wait?: boolean;
  waitFor: number;
}

type Outcome =
  | { file: string; outcome: 'stored' | 'queued'; scan: Scan }
  | { file: string; outcome: 'refused'; reason: string; problem: Problem | null }
  /** `unconfirmed`: it was under way when the push ended; the server may have it. */
  | { file: string; outcome: 'unconfirmed' | 'not sent' };

const rejectsShown = 10;

/** Sends reports as scans of one system, one after the other. */
export async function push(files: string[], options: PushOptions): Promise<void> {
  if (options.system === undefined) {
    throw new Failure(exitCode.usage, 'which system is it a report of?', 'name it with --system or SAFEGUARD_SYSTEM');
  }
  if (files.filter((file) => file === '-').length > 1) {
    throw new Failure(exitCode.usage, 'standard input can be read once only');
  }
  const client = await openClient(options);
  const organization = await organizationOf(client, options.organization);
  const system = await systemOf(client, organization, options.system);
  const destination = { client, organization, system };

  const outcomes: Outcome[] = [];
  let end: { error: unknown } | null = null;
  for (const file of files) {
    let outcome: Outcome = { file, outcome: 'not sent' };
    try {
      if (end === null) outcome = await pushOne(destination, file, options);
    } catch (error) {
      progress(null);
      end = { error };
      const refused = error instanceof Refused || error instanceof UnknownSystem;
      outcome = refused
        ? { file, outcome: 'refused', reason: error.message, problem: error instanceof Refused ? error.problem : null }
        : { file, outcome: 'unconfirmed' };
    }
    outcomes.push(outcome);
    if (options.json) print(JSON.stringify(outcome));
    else printOutcome(outcome);
  }
  summarise(outcomes);
  if (end !== null) throw end.error;
  // Who waited and saw no end has no ground to go on.
  const open = options.async && !options.wait ? ['refused'] : ['refused', 'queued'];
  if (outcomes.some(({ outcome }) => open.includes(outcome))) setExit(exitCode.refused);
}

interface Destination {
  client: Client;
  organization: string;
  system: string;
}

/** Rejects with what the next file would meet as well: nobody there, no right to, no such system. */
async function pushOne(destination: Destination, file: string, options: PushOptions): Promise<Outcome> {
  const { client, organization, system } = destination;
  const room = scansOf(organization, system);
  try {
    const scan = await withScratch(async (directory) => {
      const payload = await prepare(file, options.encoding, directory);
      return explaining(client, organization, system, () => send(client, room, file, payload, options));
    });
    return outcomeOf(file, scan);
  } catch (error) {
    const ofThisFile =
      error instanceof Unreadable || (error instanceof Refused && ![401, 403, 404].includes(error.status));
    if (!ofThisFile) throw error;
    report(file, error);
    return {
      file,
      outcome: 'refused',
      reason: error.message,
      problem: error instanceof Refused ? error.problem : null,
    };
  }
}

async function send(client: Client, room: string, file: string, payload: Payload, options: PushOptions): Promise<Scan> {
  // Said at once, or, where the server defers, of the scan.
  const first = await post(client, room, file, payload, options, options.observedAt).catch((error: unknown) => {
    if (error instanceof Refused && lacksTime(error.problem)) return error;
    throw error;
  });
  if (!(first instanceof Refused) && !lacksTime(first.problem)) return first;
  if (options.observedAt !== undefined || payload.modifiedAt === null) {
    if (!(first instanceof Refused)) return first;
    throw new Refused(first.status, first.problem, 'say when the tool looked with --observed-at');
  }
  const observedAt = payload.modifiedAt.toISOString();
  say(`${printable(file)}: the report has no time of its own; sent as of the file's modification time, ${observedAt}`);
  return post(client, room, file, payload, options, observedAt);
}

async function post(
  client: Client,
  room: string,
  file: string,
  payload: Payload,
  options: PushOptions,
  observedAt: string | undefined,
): Promise<Scan> {
  const query: Query = {
    format: options.format,
    observedAt,
    partial: options.partial ? 'true' : undefined,
    targets: options.targets,
  };
  progress(`${printable(file)}: sending ${bytes(payload.size)}`);
  const answer = await client.read(scanSchema, scanCall(room, query, payload, { async: options.async === true }));
  progress(null);
  // A server that defers by its own choice is waited for; one that was asked to, only with --wait.
  if (answer.status !== 202 || isEnded(answer.value) || (options.async && !options.wait)) return answer.value;
  return settled(client, answer.value, `${room}/${encodeURIComponent(answer.value.id)}`, file, options.waitFor);
}

/** Where to look is ours to say, never a `Location`'s: the token goes along. */
async function settled(client: Client, queued: Scan, at: string, file: string, waitFor: number): Promise<Scan> {
  const startedAt = Date.now();
  for (let scan = queued; ; scan = (await client.read(scanSchema, { method: 'GET', path: at })).value) {
    if (isEnded(scan)) {
      progress(null);
      // Only the answer to the post tells it.
      return { ...scan, duplicate: queued.duplicate };
    }
    if (Date.now() > startedAt + waitFor) {
      say(`${printable(file)}: still ${printable(scan.status, 40)}; the server goes on without us`);
      return scan;
    }
    progress(`${printable(file)}: ${printable(scan.status, 40)}`);
    await pollPause(startedAt);
  }
}

function outcomeOf(file: string, scan: Scan): Outcome {
  if (scan.status === 'stored') return { file, outcome: 'stored', scan };
  if (scan.status !== 'refused') return { file, outcome: 'queued', scan };
  const problem = scan.problem ?? { type: 'about:blank', title: 'refused' };
  const before = scan.duplicate ? [`kept before as scan ${printable(scan.id, 40)}`] : [];
  const reason = [...problemLines(undefined, problem), ...before].join('\n');
  report(file, new Failure(exitCode.refused, reason));
  return { file, outcome: 'refused', reason, problem };
}

function report(file: string, error: Failure): void {
  progress(null);
  const lines = [...error.message.split('\n'), ...(error.next === undefined ? [] : [`next: ${error.next}`])];
  say(`${printable(file)}: ${lines.join('\n    ')}`);
}

function printOutcome(outcome: Outcome): void {
  const head = `${outcome.outcome.padEnd(11)}  ${printable(outcome.file)}`;
  if (!('scan' in outcome)) {
    print(head);
    return;
  }
  const { scan } = outcome;
  const format = scan.format ? `  ${printable(scan.format, 60)}` : '';
  print(
    `${head}${format}  ${countsText(scan)}${scan.duplicate ? ' (kept before)' : ''}  scan ${printable(scan.id, 40)}`,
  );
  for (const { detail } of scan.flags ?? []) print(`    look at this: ${printable(detail)}`);
  for (const note of scan.notes ?? []) print(`    note: ${printable(note)}`);
  const rejects = scan.rejects ?? [];
  for (const { pointer, reason } of rejects.slice(0, rejectsShown)) {
    print(`    not taken: ${printable(pointer ?? '', 300)} ${printable(reason, 300)}`);
  }
  const more = Math.max(rejects.length, scan.counts?.rejected ?? 0) - rejectsShown;
  if (more > 0) print(`    and ${more} more not taken`);
}

function countsText({ counts, status }: Scan): string {
  if (!counts) return printable(status, 40);
  return (
    `${plural(counts.total, 'result')}: ${counts.new} new, ${counts.changed} changed, ${counts.unchanged} unchanged, ` +
    `${counts.closed} closed, ${counts.rejected} rejected`
  );
}

/** To standard error: with --json too, for a person who reads the log of a job. */
function summarise(outcomes: readonly Outcome[]): void {
  const those = (which: Outcome['outcome']): string[] =>
    outcomes.filter(({ outcome }) => outcome === which).map(({ file }) => printable(file));
  const parts = (['stored', 'queued', 'refused', 'unconfirmed', 'not sent'] as const)
    .map((which) => ({ which, files: those(which) }))
    .filter(({ files }) => files.length > 0)
    .map(({ which, files }) =>
      which === 'stored' || which === 'queued'
        ? `${files.length} ${which}`
        : `${files.length} ${which} (${files.join(', ')})`,
    );
  say(`${plural(outcomes.length, 'file')}: ${parts.join(', ')}`);
}
