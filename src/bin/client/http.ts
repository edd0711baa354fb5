import type { Readable } from 'node:stream';
import { type Dispatcher, request } from 'undici';
import type { ZodType } from 'zod';
import { exitCode, Failure, Transient } from './failure.js';
import { dispatcherFor, isPrivate, networkError } from './network.js';
import { nextStep, type Problem, problemSchema, Refused } from './problem.js';
import { persist } from './retry.js';
import { printable } from './text.js';
import type { TokenSource } from './tokens.js';
import { version } from './version.js';

/** Largest JSON answer read: a posture with all its reasons is below 2 MB. */
const answerLimit = 16 * 1024 * 1024;
const problemLimit = 256 * 1024;
/** Longest a `Retry-After` is believed; what is more is for `--retry-for` to refuse. */
const longestRetryAfter = 24 * 3_600_000;

export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;
export type Answer = Dispatcher.ResponseData;

export interface Call {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  query?: Query;
  headers?: Readonly<Record<string, string>>;
  /** Opened anew for each try. */
  body?: { readonly length: number; open: () => Readable | Buffer };
  /** Milliseconds that the server may take before it begins to answer. */
  patience?: number;
}

/** A path of segments, each escaped: no name can climb out of its place. */
export function path(...segments: string[]): string {
  return `/${segments.map(encodeURIComponent).join('/')}`;
}

/** The server's address, checked: http only on this machine, unless the caller says that the way is protected otherwise. */
export function serverUrl(text: string, allowHttp: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new Failure(
      exitCode.usage,
      `not the address of a server: ${printable(text, 200)}`,
      'give it as https://host[:port]',
    );
  }
  if (!isPrivate(url) && !allowHttp) {
    throw new Failure(
      exitCode.usage,
      `${url.origin} would get tokens and evidence unencrypted`,
      'use https, or --allow-http where the way is protected otherwise (a service mesh)',
    );
  }
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
}

export interface ClientOptions {
  /** PEM of the authorities that the server's certificate is checked by, instead of the public ones. */
  ca?: string;
  /** Who calls, for the server's log. */
  product?: string;
  /** Ends a call that is under way. */
  signal?: AbortSignal;
}

/** Speaks to one server: bearer token, retries, problems, bounds. Follows no redirect: a token goes nowhere else. */
export class Client {
  private lastDate: number | undefined;

  constructor(
    readonly server: URL,
    private readonly tokens: TokenSource | null,
    readonly retryFor: number,
    private readonly options: ClientOptions = {},
  ) {}

  /** One call, retried, whose answer is JSON of this shape. `raw` is the answer as it came. */
  async read<T>(schema: ZodType<T>, call: Call): Promise<{ value: T; raw: unknown; status: number }> {
    return persist(this.retryFor, () => this.readOnce(schema, call));
  }

  /** The same in one try: for a caller that decides by itself when to try again. */
  async readOnce<T>(schema: ZodType<T>, call: Call): Promise<{ value: T; raw: unknown; status: number }> {
    return this.once(call, async (answer) => {
      const body = await readJson(answer.body, answerLimit);
      const parsed = schema.safeParse(body);
      if (!parsed.success) {
        const issue = parsed.error.issues[0];
        throw new Failure(
          exitCode.refused,
          `the answer to ${call.method} ${call.path} is not what a safeguard server says` +
            (issue === undefined ? '' : `: ${printable(issue.message)} at /${issue.path.map(String).join('/')}`),
          `check --server, and that this program (${version}) is of the server's version`,
        );
      }
      return { value: parsed.data, raw: body, status: answer.statusCode };
    });
  }

  /** One call, retried, that answers nothing. */
  async done(call: Call): Promise<void> {
    await persist(this.retryFor, () => this.once(call, discard));
  }

  /** One try. Rejects with `Transient` where another may help, with `Refused` where the server said no. */
  async once<T>(call: Call, consume: (answer: Answer) => Promise<T>): Promise<T> {
    const url = this.url(call.path, call.query);
    let sending = call.body !== undefined;
    try {
      let token = await this.tokens?.token();
      let answer = await this.send(url, call, token);
      if (
        answer.statusCode === 401 &&
        this.tokens !== null &&
        token !== undefined &&
        (await this.tokens.renew(token))
      ) {
        await discard(answer);
        token = await this.tokens.token();
        answer = await this.send(url, call, token);
      }
      sending = false;
      this.noteDate(answer);
      if (answer.statusCode >= 300) throw await this.refusal(answer, call);
      return await consume(answer);
    } catch (error) {
      throw networkError(error, url, sending);
    }
  }

  /** A path at this server. Set and not resolved: `//host` resolves to another server, which would get the token. */
  url(at: string, query: Query = {}): URL {
    const url = new URL(this.server);
    url.pathname = url.pathname.replace(/\/$/, '') + at;
    for (const [name, value] of Object.entries(query)) {
      if (value === undefined) continue;
      for (const one of typeof value === 'string' ? [value] : value) url.searchParams.append(name, one);
    }
    return url;
  }

  /** The instant of the server's last answer, by its own clock (whole seconds, rounded down): a caller's clock that runs
   * ahead must not ask for a posture of the future. */
  serverTime(): Date | null {
    return this.lastDate === undefined ? null : new Date(this.lastDate);
  }

  private async send(url: URL, call: Call, token: string | undefined): Promise<Answer> {
    return request(url, {
      method: call.method,
      dispatcher: dispatcherFor(url, this.options.ca),
      signal: this.options.signal ?? null,
      headersTimeout: call.patience ?? 30_000,
      bodyTimeout: 30_000,
      headers: {
        accept: 'application/json, application/problem+json',
        'user-agent': `${this.options.product ?? 'safeguard-cli'}/${version}`,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(call.body === undefined ? {} : { 'content-length': String(call.body.length) }),
        ...call.headers,
      },
      ...(call.body === undefined ? {} : { body: call.body.open() }),
    });
  }

  private noteDate(answer: Answer): void {
    const date = Date.parse(String(answer.headers.date));
    if (!Number.isNaN(date)) this.lastDate = date;
  }

  private async refusal(answer: Answer, call: Call): Promise<Error> {
    const status = answer.statusCode;
    if (status < 400) {
      await discard(answer);
      return new Failure(
        exitCode.refused,
        `${this.server.origin} answers ${status}, a redirect${locationText(answer)}; tokens follow none`,
        'give the address that it leads to as --server',
      );
    }
    const after = retryAfter(answer.headers['retry-after']);
    // 409 with Retry-After: the first request of this Idempotency-Key is still at work.
    if ([408, 429, 502, 503, 504].includes(status) || (status === 409 && after !== undefined)) {
      await discard(answer);
      return new Transient(`${this.server.origin} answers ${status}`, after, undefined, status === 408);
    }
    const type = String(answer.headers['content-type'] ?? '');
    let problem: unknown;
    try {
      if (/\bjson\b/.test(type)) problem = await readJson(answer.body, problemLimit);
      else await discard(answer);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
    const parsed = problemSchema.safeParse(problem);
    const signIn = this.tokens?.advice ?? 'the server wants a token for this';
    const said: Problem = parsed.success
      ? parsed.data
      : {
          type: 'about:blank',
          title: `${call.method} ${call.path}`,
          detail: 'no reason given: perhaps a proxy between answered, not the server',
        };
    return new Refused(status, said, nextStep(status, said, signIn));
  }
}

/** Reads JSON of at most `limit` bytes. */
async function readJson(body: Readable, limit: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new Failure(exitCode.refused, `the answer is larger than ${limit} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    throw new Failure(exitCode.refused, 'the answer is not JSON', 'check --server');
  }
}

async function discard(answer: Answer): Promise<void> {
  await answer.body.dump({ limit: problemLimit }).catch(() => undefined);
}

function locationText(answer: Answer): string {
  const location = answer.headers.location;
  return typeof location === 'string' ? ` to ${printable(location, 200)}` : '';
}

/** `Retry-After` (RFC 9110 section 10.2.3: seconds, or an HTTP date) in milliseconds. */
export function retryAfter(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined;
  const wait = /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(wait) ? undefined : Math.min(longestRetryAfter, Math.max(0, wait));
}
