import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { type Package, packageSchema } from '../client/answers.js';
import { download } from '../client/download.js';
import { exitCode, Failure } from '../client/failure.js';
import { type Client, path } from '../client/http.js';
import { problemLines } from '../client/problem.js';
import { pollPause } from '../client/retry.js';
import { explaining, organizationOf, systemOf } from '../client/scope.js';
import { print, printJson, progress, say } from '../client/terminal.js';
import { bytes, printable, span } from '../client/text.js';
import { openClient, type ScopeOptions, type ServerOptions } from '../options.js';

export interface OutputOptions {
  output?: string;
  force?: boolean;
}

export interface PackageOptions extends ScopeOptions, OutputOptions {
  periodFrom?: string;
  asOf?: string;
  knownAt?: string;
  id?: string;
  encryptTo?: string[];
  expiresAt?: string;
  cancel?: boolean;
  waitFor: number;
}

/** Has a package for an auditor built, waits for it, and downloads it. */
export async function packageCommand(options: PackageOptions): Promise<void> {
  const { periodFrom, asOf, knownAt, encryptTo, expiresAt } = options;
  if (options.id !== undefined && [periodFrom, asOf, knownAt, encryptTo, expiresAt].some((one) => one !== undefined)) {
    throw new Failure(
      exitCode.usage,
      'a package that there is stays as it was asked for: --id goes without --period-from, --as-of, --known-at, --encrypt-to and --expires-at',
    );
  }
  if (options.cancel === true && options.id === undefined) {
    throw new Failure(exitCode.usage, '--cancel says of which package: --id');
  }
  if (options.output !== undefined) await mayWrite(options.output, options.force ?? false);
  const client = await openClient(options);
  const organization = await organizationOf(client, options.organization);
  const room = path('v1', 'organizations', organization, 'packages');
  if (options.cancel === true && options.id !== undefined) {
    await cancel(client, `${room}/${encodeURIComponent(options.id)}`, options);
    return;
  }
  const first =
    options.id === undefined
      ? await request(client, room, organization, options)
      : await read(client, `${room}/${encodeURIComponent(options.id)}`);
  const output = await fileOf(first, options);
  const at = `${room}/${encodeURIComponent(first.id)}`;
  await save(client, at, await ready(client, at, first, options.waitFor), output, options);
}

/** Where a package is written: where it was said, or under its own name. */
export async function fileOf({ id, encryptTo }: Package, options: OutputOptions): Promise<string> {
  if (options.output !== undefined) return options.output;
  const suffix = (encryptTo ?? []).length === 0 ? '' : '.age';
  const output = `safeguard-${id.replace(/[^\w-]/g, '_')}.zip${suffix}`;
  await mayWrite(output, options.force ?? false);
  return output;
}

/** Downloads a package that is ready, and says what it is. */
export async function save(
  client: Client,
  at: string,
  built: Package,
  output: string,
  { json }: ServerOptions,
): Promise<void> {
  const { size, sha256 } = await download(client, `${at}/content`, built, output);
  if (json) printJson({ id: built.id, file: output, size, sha256 });
  else print(`${output}  ${bytes(size)}  sha256 ${sha256}  package ${printable(built.id, 40)}`);
}

async function cancel(client: Client, at: string, options: PackageOptions): Promise<void> {
  const { value } = await client.read(packageSchema, { method: 'POST', path: `${at}/cancellation` });
  if (options.json) printJson({ id: value.id, status: value.status });
  else print(`package ${printable(value.id, 40)} ${printable(value.status, 40)}`);
}

const read = async (client: Client, at: string): Promise<Package> =>
  (await client.read(packageSchema, { method: 'GET', path: at })).value;

export async function mayWrite(file: string, force: boolean): Promise<void> {
  const there = await stat(file).catch(() => null);
  if (there !== null && !force) {
    throw new Failure(
      exitCode.usage,
      `${file} is there already`,
      'name another with --output, or replace it with --force',
    );
  }
}

async function request(client: Client, room: string, organization: string, options: PackageOptions): Promise<Package> {
  const system = options.system === undefined ? null : await systemOf(client, organization, options.system);
  const asOf = options.asOf ?? (await now(client));
  const body = Buffer.from(
    JSON.stringify({
      scope: { systemId: system },
      asOf,
      ...(options.periodFrom === undefined ? {} : { periodFrom: options.periodFrom }),
      ...(options.knownAt === undefined ? {} : { knownAt: options.knownAt }),
      ...(options.encryptTo === undefined ? {} : { encryptTo: options.encryptTo }),
      ...(options.expiresAt === undefined ? {} : { expiresAt: options.expiresAt }),
    }),
  );
  const key = randomUUID();
  const { value } = await explaining(client, organization, system, () =>
    client.read(packageSchema, {
      method: 'POST',
      path: room,
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: { length: body.length, open: () => body },
    }),
  );
  say(
    `package ${printable(value.id, 40)}, as of ${asOf}, is being built; \`safeguard package --id\` takes it up again`,
  );
  return value;
}

/** The server's clock where it has told it: an instant that is not yet would be refused. */
async function now(client: Client): Promise<string> {
  if (client.serverTime() === null) await organizationOf(client, undefined).catch(() => undefined);
  return (client.serverTime() ?? new Date()).toISOString();
}

async function ready(client: Client, at: string, first: Package, waitFor: number): Promise<Package> {
  const startedAt = Date.now();
  for (let value = first; ; value = await read(client, at)) {
    const isOver = ['ready', 'failed', 'cancelled', 'expired'].includes(value.status);
    if (isOver) progress(null);
    if (value.status === 'ready') return value;
    if (value.status === 'failed') {
      const reason = value.problem ? problemLines(undefined, value.problem).join('\n') : 'no reason given';
      throw new Failure(
        exitCode.refused,
        `the package was not built: ${reason}`,
        'ask for a new one, or tell the operator',
      );
    }
    if (isOver) throw new Failure(exitCode.refused, `the package is ${value.status}`, 'ask for a new one');
    const lasted = Date.now() - startedAt;
    if (lasted > waitFor) {
      throw new Failure(
        exitCode.refused,
        `the package is still ${printable(value.status, 40)} after ${span(lasted)}`,
        `take it up again later: safeguard package --id ${printable(value.id, 40)}`,
      );
    }
    progress(`package ${printable(value.status, 40)}, ${span(lasted)}${howFar(value)}`);
    await pollPause(startedAt);
  }
}

function howFar({ progress: far }: Package): string {
  if (!far) return '';
  const { phase, filesDone, filesTotal, bytesDone, bytesTotal } = far;
  return `, ${printable(phase, 20)}: ${filesDone} of ${filesTotal} files, ${bytes(bytesDone)} of ${bytes(bytesTotal)} of evidence`;
}
