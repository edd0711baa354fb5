import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { Clock } from './clock.js';
import type { Collected } from './collect.js';
import type { Spool } from './spool.js';

/** What the agent tells of itself; docs/agent.md lists it. Names of objects are in none of it. */
export class Metrics {
  readonly registry = new Registry();

  readonly collections = this.counter('collections_total', 'Collections by how they ended.', ['outcome']);
  readonly posts = this.counter('posts_total', 'Posts by how they ended.', ['outcome']);
  readonly dropped = this.counter('spool_dropped_total', 'Reports dropped for lack of room, replaced by later ones.');
  readonly setAside = this.counter('refused_reports_total', 'Reports that the server refused for good.');
  readonly scannerRuns = this.counter('scanner_runs_total', 'Runs of scanners by how they ended.', [
    'scanner',
    'outcome',
  ]);
  readonly lastSnapshot = this.gauge('last_snapshot_timestamp_seconds', 'When the last snapshot was begun.');
  readonly lastPost = this.gauge('last_post_timestamp_seconds', 'When the server last took a report.');
  readonly snapshotSeconds = this.gauge('snapshot_duration_seconds', 'How long the last snapshot took.');
  readonly lists = this.gauge('snapshot_lists', 'Lists of the last snapshot by how they ended.', ['outcome']);
  readonly objects = this.gauge('snapshot_objects', 'Objects in the last snapshot.');
  readonly dropWaiting = this.gauge('drop_folder_waiting', 'Files in the drop folder that are not taken yet.');
  readonly denied = this.gauge('denied', '1 while the server refuses the token, the organisation or the system.');

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** What the spool holds, asked for when metrics are read. */
  watch(spool: Pick<Spool, 'bytes' | 'limit' | 'count' | 'byAge'>): void {
    const { registry } = this;
    const of = (name: string, help: string, value: () => number): void => {
      new Gauge({
        name: PREFIX + name,
        help,
        registers: [registry],
        collect() {
          this.set(value());
        },
      });
    };
    of('spool_bytes', 'Bytes of reports that wait to be posted.', () => spool.bytes);
    of('spool_limit_bytes', 'Bytes that the spool may hold.', () => spool.limit);
    of('spool_reports', 'Reports that wait to be posted.', () => spool.count);
    of(
      'spool_oldest_timestamp_seconds',
      'Of what instant the oldest of them is; 0: none waits.',
      () => Date.parse(spool.byAge[0]?.createdAt ?? '1970-01-01T00:00:00Z') / 1_000,
    );
  }

  /** A snapshot was made. */
  collected({ startedAt, lists }: Collected, clock: Clock): void {
    const begun = Date.parse(startedAt);
    this.lastSnapshot.set(begun / 1_000);
    this.snapshotSeconds.set((clock.now() - begun) / 1_000);
    this.objects.set(lists.reduce((sum, { count }) => sum + count, 0));
    for (const outcome of ['complete', 'absent', 'refused', 'failed'] as const) {
      this.lists.set({ outcome }, lists.filter((list) => list.outcome === outcome).length);
    }
  }

  private counter<Label extends string = never>(name: string, help: string, labelNames: Label[] = []): Counter<Label> {
    return new Counter({ name: PREFIX + name, help, labelNames, registers: [this.registry] });
  }

  private gauge<Label extends string = never>(name: string, help: string, labelNames: Label[] = []): Gauge<Label> {
    return new Gauge({ name: PREFIX + name, help, labelNames, registers: [this.registry] });
  }
}

const PREFIX = 'safeguard_agent_';

/** Serves GET /metrics and GET /healthz. `standstill`: what does not go on, in words; null where all does. */
export async function serveMetrics(metrics: Metrics, port: number, standstill: () => string | null): Promise<Server> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0];
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (isRead && path === '/metrics') {
      void metrics.registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': metrics.registry.contentType }).end(text),
        () => response.writeHead(500).end(),
      );
    } else if (isRead && path === '/healthz') {
      const problem = standstill();
      response.writeHead(problem === null ? 200 : 503, { 'content-type': 'text/plain' }).end(`${problem ?? 'ok'}\n`);
    } else response.writeHead(isRead ? 404 : 405).end();
  });
  // Nobody who asks for these needs longer, or many connections.
  server.requestTimeout = 10_000;
  server.maxConnections = 32;
  server.listen(port);
  await once(server, 'listening');
  return server;
}
