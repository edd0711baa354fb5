import { request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';
import { retryAfter } from '../bin/client/http.js';
import { printable } from '../bin/client/text.js';
import { version } from '../bin/client/version.js';
import { backoff, type Clock } from './clock.js';

/** Of an answer that is no success: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
const statusSchema = z.looseObject({
  reason: z.string().optional(),
  message: z.string().optional(),
  details: z.looseObject({ retryAfterSeconds: z.number().optional() }).nullish(),
});

/** The API server did not give what it was asked for. */
export class ApiFault extends Error {
  constructor(
    /** Null where there was no answer, or none that could be read. */
    readonly status: number | null,
    message: string,
    /** Milliseconds that the server asked to wait. */
    readonly after?: number,
  ) {
    super(printable(message, 300));
  }

  get isRefusal(): boolean {
    return this.status === 401 || this.status === 403;
  }

  /** Another try may be answered otherwise. */
  get mayPass(): boolean {
    return this.status === null || this.status === 429 || this.status >= 500;
  }
}

/** The answer is larger than what is held in memory: a smaller page may be asked for. */
export class TooLarge extends ApiFault {}

export interface Limits {
  /** Bytes of one answer. It is held in memory, and some five times as much while it is read. */
  answer: number;
  /** Tries of one request. */
  tries: number;
  /** Milliseconds without a byte, and for the whole answer. */
  idle: number;
  total: number;
}

/**
 * 16 MiB: a page of 500 pods is 5 MB where pods are large, and one object at most 3 MiB (etcd's limit of 1.5 MiB is of its encoding). The API server itself gives up a
 * request after a minute (--request-timeout).
 */
export const LIMITS: Limits = { answer: 16 * 2 ** 20, tries: 6, idle: 30_000, total: 90_000 };

export interface Asked {
  /** The media type wanted; of none other is an answer taken. */
  accept?: string;
  query?: Readonly<Record<string, string>>;
  signal: AbortSignal;
}

const JSON_TYPE = 'application/json';
/** A `Retry-After` of the API server is seconds; longer than this, and the list is given up. */
const LONGEST_WAIT = 60_000;

/**
 * One cluster's API server, read only. The library finds the way and authenticates (in a pod, by kubeconfig, by plugins); answers are read as they come, for its models
 * would drop every field that they do not know.
 */
export class ApiServer {
  private config: KubeConfig;

  constructor(
    private readonly open: () => KubeConfig,
    private readonly clock: Clock,
    private readonly limits: Limits = LIMITS,
  ) {
    this.config = open();
  }

  /** The answer's JSON. Throws ApiFault, after as many tries as are worth it. */
  async get(path: string, asked: Asked): Promise<unknown> {
    let isRenewed = false;
    for (let tries = 1; ; tries++) {
      try {
        return await this.once(path, asked);
      } catch (error) {
        asked.signal.throwIfAborted();
        if (!(error instanceof ApiFault)) throw error;
        if (error.status === 401 && !isRenewed) {
          // The kubelet has replaced the token, and the library remembers one for a minute.
          isRenewed = true;
          this.renew();
          continue;
        }
        const after = error.after ?? 0;
        if (!error.mayPass || error instanceof TooLarge || tries >= this.limits.tries || after > LONGEST_WAIT)
          throw error;
        await this.clock.pause(backoff(this.clock, tries - 1, { first: 500, longest: 30_000, after }), asked.signal);
      }
    }
  }

  /** Whether the cluster is that in which the agent is a pod, found by its service account. */
  get isOfPod(): boolean {
    return this.config.getCurrentContext() === 'inClusterContext';
  }

  /** Reads the configuration anew: token, certificate and authorities may have been replaced. */
  renew(): void {
    this.config = this.open();
  }

  private async once(path: string, { accept = JSON_TYPE, query = {}, signal }: Asked): Promise<unknown> {
    const { url, options } = await this.prepare(path, query);
    const ends = AbortSignal.any([signal, AbortSignal.timeout(this.limits.total)]);
    const { status, headers, body } = await this.send(url, options, ends, accept).catch((error: unknown) => {
      if (error instanceof ApiFault) throw error;
      throw new ApiFault(null, ends.aborted ? 'no answer in time' : wordsOf(error));
    });
    if (status !== 200) throw faultOf(status, headers['retry-after'], body);
    try {
      return JSON.parse(body.toString('utf8')) as unknown;
    } catch {
      throw new ApiFault(null, 'the answer is no JSON');
    }
  }

  private async prepare(
    path: string,
    query: Readonly<Record<string, string>>,
  ): Promise<{ url: URL; options: RequestOptions }> {
    const server = this.config.getCurrentCluster()?.server;
    if (server === undefined || !URL.canParse(server)) throw new ApiFault(null, 'the kubeconfig names no cluster');
    const url = new URL(server);
    // Some clusters are reached under a path (Rancher).
    url.pathname = url.pathname.replace(/\/+$/, '') + path;
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const options: RequestOptions = { headers: {} };
    try {
      await this.config.applyToHTTPSOptions(options);
    } catch (error) {
      // A token or certificate that cannot be read, a plugin that fails: as good as none.
      throw new ApiFault(401, `cannot authenticate: ${wordsOf(error)}`);
    }
    return { url, options };
  }

  private send(
    url: URL,
    options: RequestOptions,
    ends: AbortSignal,
    accept: string,
  ): Promise<{ status: number; headers: Record<string, string | string[] | undefined>; body: Buffer }> {
    const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<ApiServer['send']>>>();
    const call = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = call(url, {
      ...options,
      signal: ends,
      method: 'GET',
      headers: Object.assign({}, options.headers, { accept, 'user-agent': `safeguard-agent/${version}` }),
    });
    const end = (fault: ApiFault): void => {
      reject(fault);
      request.destroy();
    };
    request.setTimeout(this.limits.idle, () => end(new ApiFault(null, 'no answer in time')));
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > this.limits.answer) end(new TooLarge(null, `the answer is larger than ${this.limits.answer} bytes`));
        else chunks.push(chunk);
      });
      response.on('error', () => reject(new ApiFault(null, ends.aborted ? 'no answer in time' : 'the answer was cut')));
      response.on('end', () => {
        if (response.complete)
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    request.end();
    return promise;
  }
}

/** The library's way to a cluster: the file that is named, else what kubectl would take, which in a pod is its service account. */
export function configuration(file: string | undefined, context: string | undefined): () => KubeConfig {
  return () => {
    const config = new KubeConfig();
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
    if (context !== undefined) config.setCurrentContext(context);
    return config;
  };
}

function faultOf(status: number, header: string | string[] | undefined, body: Buffer): ApiFault {
  let said: unknown;
  try {
    said = JSON.parse(body.toString('utf8'));
  } catch {
    // A proxy answered, in a language of its own.
  }
  const parsed = statusSchema.safeParse(said);
  const words = parsed.success ? (parsed.data.message ?? parsed.data.reason) : undefined;
  const seconds = parsed.success ? parsed.data.details?.retryAfterSeconds : undefined;
  return new ApiFault(
    status,
    words ?? `answered ${status}`,
    retryAfter(header) ?? (seconds === undefined ? undefined : seconds * 1_000),
  );
}

/** Node's words for what went wrong with the network; an AggregateError has none of its own. */
function wordsOf(error: unknown): string {
  if (error instanceof AggregateError) return wordsOf(error.errors[0]);
  if (!(error instanceof Error)) return 'unknown';
  return error.message;
}
