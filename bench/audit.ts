import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { pino } from 'pino';
import { ANCHOR_CONFIG, type AnchorConfig } from '../src/audit/anchor/anchor.config.js';
import { AuditModule } from '../src/audit/audit.module.js';
import { AuditService } from '../src/audit/audit.service.js';
import { LogService } from '../src/audit/log.service.js';
import { Frontier, isIncluded, leafHash } from '../src/audit/merkle.js';
import { entriesOf, entryBundlesOf, hashesOfTile } from '../src/audit/tile.js';
import { DATABASE } from '../src/development/postgres.js';
import { Database } from '../src/kernel/db/database.js';
import { newId } from '../src/kernel/ids.js';
import { KernelModule } from '../src/kernel/kernel.module.js';
import { servicePrincipal, type Principal } from '../src/kernel/principal.js';
import { atLeast, atMost, progress, quantile, report } from './figures.js';
import type { BenchProgram } from './program.js';
import type { Bench } from './system.js';
import { mix } from './words.js';

const NAME = 'audit';

/** Writers at once: as many as there are connections for reports in a server. */
const WRITERS = 16;
/** Events of one statement while a log is filled. */
const FILL = 5_000;

/** What the project promises: events a second against the same writes without the log; milliseconds at p99. */
const GOAL = { ratio: 0.5, commit: 50, lag: 2_000, proof: 50 } as const;

export const audit: BenchProgram = {
  about:
    'events a second with the log and without it, how long until an event is in it, and proofs and a whole check of a large one',
  flags: {
    seconds: { default: '30', about: 'of writing, with the log and without' },
    leaves: { default: '1000000', about: 'of the log that proofs are asked of' },
    proofs: { default: '1000', about: 'proofs of inclusion' },
  },
  run: async (run) => {
    const [seconds, leaves, proofs] = [run.number('seconds'), run.number('leaves'), run.number('proofs')];
    const bench = await run.start();
    const parts = await openParts(bench);
    try {
      await measureWrites(bench, parts, seconds);
      await fill(parts, leaves);
      await measureProofs(bench, parts, proofs);
      await measureCheck(parts);
    } finally {
      await parts.context.close();
    }
  },
};

interface Parts {
  context: INestApplicationContext;
  database: Database;
  audit: AuditService;
  log: LogService;
  principal: Principal;
}

/** The program's own rooms, in this process: what is measured is the log, and not HTTP. The server beside it does its part, as another replica would. */
async function openParts(bench: Bench): Promise<Parts> {
  const context = await NestFactory.createApplicationContext(RoomsModule.with(bench), { logger: false });
  return {
    context,
    database: context.get(Database, { strict: false }),
    audit: context.get(AuditService, { strict: false }),
    log: context.get(LogService, { strict: false }),
    principal: servicePrincipal('bench', bench.organizationId, newId()),
  };
}

@Module({})
class RoomsModule {
  static with({ directory, postgres, url }: Bench): DynamicModule {
    const { host } = new URL(url);
    const anchors: AnchorConfig = { host, interval: 60_000, witnesses: [], authority: null, copies: null };
    return {
      module: RoomsModule,
      global: true,
      providers: [{ provide: ANCHOR_CONFIG, useValue: anchors }],
      exports: [ANCHOR_CONFIG],
      imports: [
        KernelModule.with({
          databaseUrl: postgres.url(DATABASE, 'server'),
          databasePool: WRITERS + 4,
          keyFile: join(directory, 'keys.json'),
          keyFileCreate: false,
          answerSecret: 'nobody asks again here',
          signing: { directory: join(directory, 'signing'), create: false, packageKey: null, vaultTokenFile: '' },
          logger: pino({ level: 'error', base: null }),
        }),
        AuditModule,
      ],
    };
  }
}

/** One event in a transaction of its own, as most are. Returns its leaf's hash. */
async function write({ database, audit, principal }: Parts): Promise<Buffer> {
  const object = { kind: 'system', id: newId() } as const;
  const { leafHash } = await database.write(principal, (tx) => audit.record(tx, { action: 'system.changed', object }));
  return leafHash;
}

async function measureWrites(bench: Bench, parts: Parts, seconds: number): Promise<void> {
  await writeFor(parts, 2);
  // Half before and half after, so that what grows slower with the tables does so for both; the load on the log is one.
  const rounds = { without: [] as Written[], with: [] as Written[] };
  for (const [which, time] of [
    ['without', seconds / 2],
    ['with', seconds],
    ['without', seconds / 2],
  ] as const) {
    const change = which === 'with' ? 'enable' : 'disable';
    await bench.admin.query(`alter table audit_event ${change} trigger queue`);
    const lags = which === 'with' ? watchLag(bench, parts) : null;
    progress(`${time} s ${which} the log`);
    const written = await writeFor(parts, time);
    rounds[which].push({ ...written, lags: (await lags?.end()) ?? [] });
    if (which === 'with') await parts.log.close(parts.principal);
  }
  await bench.admin.query('alter table audit_event enable trigger queue');
  const rate = (of: readonly Written[]): number => of.reduce((sum, { perSecond }) => sum + perSecond, 0) / of.length;
  const times = rounds.with.flatMap(({ times }) => times);
  report({
    bench: NAME,
    figure: 'events with the log, against the same writes without it',
    value: rate(rounds.with),
    unit: 'events/s',
    without: rate(rounds.without),
    ratio: rate(rounds.with) / rate(rounds.without),
    writers: WRITERS,
    goal: atLeast(GOAL.ratio),
  });
  report({
    bench: NAME,
    figure: 'commit with the log, p99',
    value: quantile(times, 0.99),
    unit: 'ms',
    p50: quantile(times, 0.5),
    without: quantile(
      rounds.without.flatMap(({ times }) => times),
      0.99,
    ),
    goal: atMost(GOAL.commit),
  });
  const lags = rounds.with.flatMap(({ lags }) => lags);
  report({
    bench: NAME,
    figure: 'from the commit to a place in the log, p99',
    value: quantile(lags, 0.99),
    unit: 'ms',
    p50: quantile(lags, 0.5),
    watched: lags.length,
    goal: atMost(GOAL.lag),
  });
}

interface Written {
  perSecond: number;
  times: number[];
  lags: number[];
}

async function writeFor(parts: Parts, seconds: number): Promise<Omit<Written, 'lags'>> {
  const times: number[] = [];
  const startedAt = performance.now();
  const end = startedAt + seconds * 1_000;
  await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      for (let at = performance.now(); at < end; at = performance.now()) {
        await write(parts);
        times.push(performance.now() - at);
      }
    }),
  );
  return { perSecond: (times.length * 1_000) / (performance.now() - startedAt), times };
}

/** One event after another, each until it has its index; beside the writers. */
function watchLag({ admin, organizationId }: Bench, parts: Parts): { end(): Promise<number[]> } {
  const lags: number[] = [];
  const watch = { ended: false };
  const done = (async () => {
    while (!watch.ended) {
      const hash = await write(parts);
      const committedAt = performance.now();
      for (;;) {
        // Looked for among the newest, as the table has no index of hashes.
        const { rowCount } = await admin.query(
          `select from (select leaf_hash from audit_leaf where organization_id = $1 and generation = 1 order by index desc limit 20000) l
           where leaf_hash = $2`,
          [organizationId, hash],
        );
        if (rowCount === 1) break;
        await sleep(5);
      }
      lags.push(performance.now() - committedAt);
    }
  })();
  return {
    end: async () => {
      watch.ended = true;
      await done;
      return lags;
    },
  };
}

async function fill(parts: Parts, leaves: number): Promise<void> {
  const { audit, database, log, principal } = parts;
  const before = await log.close(principal);
  const startedAt = performance.now();
  for (let size = before.size; size < leaves; size += FILL) {
    const events = Array.from({ length: Math.min(FILL, leaves - size) }, () => ({
      action: 'system.changed' as const,
      object: { kind: 'system' as const, id: newId() },
    }));
    await database.write(principal, (tx) => audit.recordAll(tx, events));
    if (size % 100_000 < FILL) progress(`${size} leaves`);
  }
  const { size } = await log.close(principal);
  const added = size - before.size;
  report({
    bench: NAME,
    figure: 'events of large batches, until a head is signed over them',
    value: (added * 1_000) / (performance.now() - startedAt),
    unit: 'events/s',
    leaves: size,
  });
}

async function measureProofs(bench: Bench, parts: Parts, proofs: number): Promise<void> {
  const { database, log, principal } = parts;
  const { size } = await log.close(principal);
  const times: Record<'rooms' | 'http', number[]> = { rooms: [], http: [] };
  for (let number = -10; number < proofs; number += 1) {
    const index = mix(number + 10) % size;
    const { rows } = await bench.admin.query<{ id: string }>(
      'select event_id as id from audit_leaf where organization_id = $1 and generation = 1 and index = $2',
      [bench.organizationId, index],
    );
    const id = rows[0]?.id ?? '';
    const startedAt = performance.now();
    const proven = await database.read(principal, (tx) => log.proveInclusion(tx, id));
    const time = performance.now() - startedAt;
    if (!isIncluded(leafHash(proven.leaf), index, proven, proven.proof)) throw new Error(`no proof of ${id}`);
    const asked = await bench.ask(`/v1/organizations/${bench.organizationId}/log/proof/inclusion?event=${id}`);
    // The first fill connections and plans.
    if (number < 0) continue;
    times.rooms.push(time);
    times.http.push(asked);
  }
  report({
    bench: NAME,
    figure: 'a proof of inclusion over HTTP, p99',
    value: quantile(times.http, 0.99),
    unit: 'ms',
    p50: quantile(times.http, 0.5),
    withoutHttp: quantile(times.rooms, 0.99),
    leaves: size,
    goal: atMost(GOAL.proof),
  });
}

/** As an auditor's program does: every leaf is hashed and held against its tile, and the root is made of all of them. */
async function measureCheck(parts: Parts): Promise<void> {
  const { database, log, principal } = parts;
  const head = await log.close(principal);
  const startedAt = performance.now();
  const frontier = new Frontier();
  for (const bundle of entryBundlesOf(head.size)) {
    const { entries, tile } = await database.read(principal, async (tx) => ({
      entries: await log.contentOf(tx, head.generation, bundle),
      tile: await log.contentOf(tx, head.generation, { ...bundle, level: 0 }),
    }));
    const hashes = hashesOfTile(tile);
    for (const [at, leaf] of entriesOf(entries).entries()) {
      const hash = leafHash(leaf);
      if (hashes[at]?.equals(hash) !== true) throw new Error(`leaf ${bundle.index * 256 + at} is not that of its tile`);
      frontier.append(hash);
    }
  }
  if (!frontier.root.equals(head.root)) throw new Error('the root is not that of the leaves');
  const milliseconds = performance.now() - startedAt;
  report({
    bench: NAME,
    figure: 'every leaf and tile of the log read and checked',
    value: milliseconds / 1_000,
    unit: 's',
    leaves: head.size,
    perSecond: (head.size * 1_000) / milliseconds,
  });
}
