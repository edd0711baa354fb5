import { type Command, InvalidArgumentError, Option } from 'commander';
import { lastServer } from './client/credentials.js';
import { setting } from './client/environment.js';
import { Client, serverUrl } from './client/http.js';
import { tokenSource } from './client/tokens.js';

const defaultServer = 'http://127.0.0.1:8080';

/** What every command that speaks to the server takes. */
export interface ServerOptions {
  server?: string;
  allowHttp?: boolean;
  tokenFile?: string;
  retryFor: number;
  json?: boolean;
}

export interface ScopeOptions extends ServerOptions {
  organization?: string;
  system?: string;
}

/** --server and --allow-http. */
export function addressed(command: Command): Command {
  return command
    .addOption(
      new Option('--server <url>', `the server (default: the one of the last login, else ${defaultServer})`)
        .env('SAFEGUARD_SERVER')
        .argParser(given),
    )
    .option(
      '--allow-http',
      'send over http to another machine, where the way is protected otherwise (env: SAFEGUARD_ALLOW_HTTP=1)',
    );
}

/** The options of a call: where, as whom, how long to try, and how to print. `retryFor`: "15s", "5m". */
export function calling(command: Command, retryFor: string): Command {
  return addressed(command)
    .option(
      '--token-file <file>',
      'read the bearer token from this file, anew at each use (a projected service account token)',
    )
    .addOption(
      new Option('--retry-for <duration>', 'how long to try when the server cannot be reached or is busy')
        .argParser(duration)
        .default(duration(retryFor), retryFor),
    )
    .option('--json', 'print JSON');
}

export function inOrganization(command: Command): Command {
  return command.addOption(
    new Option('--organization <id>', 'the organisation (default: yours, when you belong to exactly one)').env(
      'SAFEGUARD_ORGANIZATION',
    ),
  );
}

export function inSystem(command: Command, meaning: string): Command {
  return inOrganization(command).addOption(
    new Option('--system <id|name>', meaning).env('SAFEGUARD_SYSTEM').argParser(given),
  );
}

export async function openServer(options: { server?: string; allowHttp?: boolean }): Promise<URL> {
  return serverUrl(
    options.server ?? (await lastServer()) ?? defaultServer,
    options.allowHttp ?? setting('SAFEGUARD_ALLOW_HTTP') === '1',
  );
}

export async function openClient(options: ServerOptions): Promise<Client> {
  const server = await openServer(options);
  return new Client(server, tokenSource(server, options.tokenFile, options.retryFor), options.retryFor);
}

/** Not empty: a script whose variable is unset must not act on something else instead (`--system "$SYSTEM"`). */
export function given(text: string): string {
  if (text === '') throw new InvalidArgumentError('It is empty.');
  return text;
}

/** "500ms", "30s", "5m", "2h", "0" in milliseconds. */
export function duration(text: string): number {
  const match = /^(\d{1,6})(ms|s|m|h)$/.exec(text);
  if (match === null) {
    if (text === '0') return 0;
    throw new InvalidArgumentError('A duration is a number with ms, s, m or h: 30s, 5m.');
  }
  const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match[2] as 'ms' | 's' | 'm' | 'h'];
  return Number(match[1]) * unit;
}

/** An instant (RFC 3339, with its offset from UTC), as UTC. What is in UTC already keeps its digits. */
export function instant(text: string): string {
  const milliseconds = Date.parse(text);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(text) || Number.isNaN(milliseconds)) {
    throw new InvalidArgumentError('An instant is RFC 3339 with its offset: 2026-01-31T12:00:00Z.');
  }
  return text.endsWith('Z') ? text : new Date(milliseconds).toISOString();
}

/** Collects the values of an option that may be given several times, each checked. */
export function each(check: (value: string) => string): (value: string, before: string[] | undefined) => string[] {
  return (value, before) => [...(before ?? []), check(value)];
}

/** A list, comma-separated, of words out of `allowed`. */
export function oneOf<T extends string>(allowed: readonly T[]): (text: string) => T[] {
  return (text) =>
    text.split(',').map((word) => {
      const found = allowed.find((one) => one === word.trim());
      if (found === undefined) throw new InvalidArgumentError(`Allowed are ${allowed.join(', ')}.`);
      return found;
    });
}

/** "kind/name"; the name may have slashes of its own (an image). */
export function target(text: string): string {
  if (!/^[a-z][a-z0-9-]*\/./.test(text)) throw new InvalidArgumentError('A target is kind/name: cluster/production.');
  return text;
}

/** SHA-256 of a key, as lower-case hex; also as openssl prints it, in capitals and with colons. */
export function fingerprint(text: string): string {
  const digits = text.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(digits)) throw new InvalidArgumentError('A fingerprint is 64 hexadecimal digits.');
  return digits;
}
