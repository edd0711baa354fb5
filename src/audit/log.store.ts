import { Injectable } from '@nestjs/common';
import { brokenConstraint, type Tx, type WriteTx } from '../kernel/db/database.js';
import type { RecordedEvent } from './event.js';
import type { FullTile } from './full-tiles.js';
import { LogDamaged } from './log-damaged.js';
import type { Log, NewLeaf, SignedHead } from './log.js';
import { EMPTY_ROOT, HASH_SIZE } from './merkle.js';
import { TILE_WIDTH, type Tile } from './tile.js';

interface LogRow extends Omit<Log, 'size' | 'signedSize'> {
  size: string;
  signedSize: string;
}
interface HeadRow extends Omit<SignedHead, 'size'> {
  size: string;
}

const LOG = `select generation, origin, size, root, frontier, is_complete as "isComplete", signed_size as "signedSize" from log_state`;
const HEAD = `
  select c.generation, s.origin, c.size, c.root, c.note, c.signed_at as "signedAt"
  from log_checkpoint c join log_state s on s.organization_id = c.organization_id and s.generation = c.generation`;

@Injectable()
export class LogStore {
  /** Of all organisations (the policy `program`): who has events without an index, leaves to take over, a head that is not signed, or a fault that may be over. */
  async waiting(tx: Tx): Promise<string[]> {
    await tx.query(`select set_config('app.program', 'sequencer', true)`);
    const rows = await tx.query<{ id: string }>(
      `with recursive present as (select max(number) as number from log_generation),
         queued as (
           (select organization_id from audit_queue order by organization_id limit 1)
           union all
           select (select q.organization_id from audit_queue q where q.organization_id > queued.organization_id
                   order by q.organization_id limit 1)
           from queued where organization_id is not null)
       select organization_id as id from queued where organization_id is not null
       union
       select organization_id from log_state, present
       where generation = present.number and (not is_complete or signed_size < size)
       union
       select s.organization_id from log_fault f, present, log_state s
       where f.generation = present.number and s.generation = f.generation and s.origin = f.origin
       union
       select organization_id from log_state old, present
       where generation < present.number and not exists (
         select from log_state l where l.organization_id = old.organization_id and l.generation = present.number)`,
    );
    return rows.map(({ id }) => id);
  }

  /** The number of the present generation of logs. */
  async generation(tx: Tx): Promise<number> {
    const [row] = await tx.query<{ number: number }>('select max(number) as number from log_generation');
    if (row === undefined) throw new Error('there is no generation of logs');
    return row.number;
  }

  async find(tx: Tx, generation: number): Promise<Log | null> {
    const [row] = await tx.query<LogRow>(`${LOG} where organization_id = $1 and generation = $2`, [
      tx.organizationId,
      generation,
    ]);
    return row === undefined ? null : logOf(row);
  }

  /**
   * The log, which no other transaction appends to until this one ends; made where there was none. Null where another has it in hand and `wait` does not ask to wait
   * for that.
   */
  async lock(tx: WriteTx, generation: number, origin: string, { wait }: { wait: boolean }): Promise<Log | null> {
    const [row] = await tx.query<LogRow>(
      `${LOG} where organization_id = $1 and generation = $2 for update ${wait ? '' : 'skip locked'}`,
      [tx.organizationId, generation],
    );
    if (row !== undefined) return logOf(row);
    const log: Log = {
      generation,
      origin,
      size: 0,
      root: EMPTY_ROOT,
      frontier: Buffer.alloc(0),
      isComplete: generation === 1,
      signedSize: 0,
    };
    const isNew = await tx.execute(
      `insert into log_state (organization_id, generation, origin, size, root, frontier, is_complete, signed_size)
       values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
      [tx.organizationId, generation, origin, 0, log.root, log.frontier, log.isComplete, 0],
    );
    if (isNew === 1) return log;
    return wait ? this.lock(tx, generation, origin, { wait }) : null;
  }

  /** The oldest events without an index; by the order of their ids, so of their times as nearly as nobody needs. */
  async queued(tx: Tx, limit: number): Promise<NewLeaf[]> {
    return tx.query<NewLeaf>(
      `select leaf_hash as "leafHash", event_id as "eventId", null as leaf from audit_queue
       where organization_id = $1 order by event_id limit $2`,
      [tx.organizationId, limit],
    );
  }

  /** The organisation's log of before, where there was one. A transaction that still appends to it is waited for. */
  async before(tx: WriteTx, { generation }: Log): Promise<Log | null> {
    const [row] = await tx.query<LogRow>(
      `${LOG} where organization_id = $1 and generation < $2 order by generation desc limit 1 for update`,
      [tx.organizationId, generation],
    );
    return row === undefined ? null : logOf(row);
  }

  /** Events of the log before which this one does not have yet, in their order there. By their own texts: the hashes there may be what the log was refused for. */
  async carried(tx: Tx, before: Log, { generation, size }: Log, limit: number): Promise<NewLeaf[]> {
    return tx.query<NewLeaf>(
      `select sha256('\\x00'::bytea || e.leaf) as "leafHash", l.event_id as "eventId", null as leaf
       from audit_leaf l cross join lateral
         (select leaf from audit_event where organization_id = l.organization_id and id = l.event_id offset 0) e
       where l.organization_id = $1 and l.generation = $2 and l.index > coalesce(
         (select there.index from audit_leaf last join audit_leaf there
            on there.organization_id = $1 and there.generation = $2 and there.event_id = last.event_id
          where last.organization_id = $1 and last.generation = $3 and last.index = $4 - 1), -1)
       order by l.index limit $5`,
      [tx.organizationId, before.generation, generation, size, limit],
    );
  }

  /**
   * Events that are neither a leaf of a log nor wait to become one: somebody has taken them out of it past the service. They wait from here on. By sets: a plan that looks
   * for each event by itself is at the mercy of statistics.
   */
  async requeue(tx: WriteTx, { generation }: Log): Promise<void> {
    await tx.execute(
      `insert into audit_queue (organization_id, event_id, leaf_hash)
       select e.organization_id, e.id, sha256('\\x00'::bytea || e.leaf)
       from (select id from audit_event where organization_id = $1
             except (select event_id from audit_leaf where organization_id = $1 and generation = $2
                     union all select event_id from audit_queue where organization_id = $1)) lost
       join audit_event e on e.organization_id = $1 and e.id = lost.id`,
      [tx.organizationId, generation],
    );
  }

  /** Throws a LogDamaged where a place is taken, or an event has one already: the state of the log, or the queue, is not what it was. */
  async append(
    tx: WriteTx,
    log: Log,
    leaves: readonly NewLeaf[],
    tiles: readonly FullTile[],
    after: Pick<Log, 'size' | 'root' | 'frontier' | 'isComplete'>,
  ): Promise<void> {
    try {
      await this.insert(tx, log, leaves, tiles);
    } catch (error) {
      const taken = TAKEN[brokenConstraint(error) ?? ''];
      throw taken === undefined ? error : new LogDamaged(taken, { cause: error });
    }
    await tx.execute(
      `update log_state set size = $3, root = $4, frontier = $5, is_complete = $6
       where organization_id = $1 and generation = $2`,
      [tx.organizationId, log.generation, after.size, after.root, after.frontier, after.isComplete],
    );
  }

  /**
   * What the next leaves would meet, by which `append` would throw; null where nothing. Of what waits, so many are looked at as are appended at once. A log of 2^53 leaves,
   * which none will have, has full tiles of levels 0 to 5.
   */
  async inTheWay(tx: Tx, { generation, size }: Log, limit: number): Promise<string | null> {
    const [row] = await tx.query<{ met: string | null }>(
      `select case
         when exists (select from audit_leaf where organization_id = $1 and generation = $2 and index >= $3) then 'audit_leaf_pk'
         when exists (
           select from generate_series(0, 5) as at where exists (
             select from log_tile t
             where t.organization_id = $1 and t.generation = $2 and t.level = at and t.index >= $3::bigint >> (8 * (at + 1)))) then 'log_tile_pk'
         when exists (
           select from (select event_id from audit_queue where organization_id = $1 order by event_id limit $4) q
           join audit_leaf l on l.organization_id = $1 and l.generation = $2 and l.event_id = q.event_id) then 'audit_leaf_of_event'
       end as met`,
      [tx.organizationId, generation, size, limit],
    );
    return TAKEN[row?.met ?? ''] ?? null;
  }

  private async insert(tx: WriteTx, log: Log, leaves: readonly NewLeaf[], tiles: readonly FullTile[]): Promise<void> {
    const key = [tx.organizationId, log.generation];
    await tx.execute(
      `insert into audit_leaf (organization_id, generation, index, leaf_hash, event_id, leaf)
       select $1, $2, $3 + l.at - 1, l.leaf_hash, l.event_id, l.leaf
       from unnest($4::bytea[], $5::uuid[], $6::bytea[]) with ordinality as l (leaf_hash, event_id, leaf, at)`,
      [
        ...key,
        log.size,
        leaves.map(({ leafHash }) => leafHash),
        leaves.map(({ eventId }) => eventId),
        leaves.map(({ leaf }) => leaf),
      ],
    );
    if (tiles.length > 0) {
      await tx.execute(
        `insert into log_tile (organization_id, generation, level, index, hashes, root)
         select $1, $2, t.* from unnest($3::integer[], $4::bigint[], $5::bytea[], $6::bytea[]) as t`,
        [
          ...key,
          tiles.map(({ level }) => level),
          tiles.map(({ index }) => index),
          tiles.map(({ hashes }) => hashes),
          tiles.map(({ root }) => root),
        ],
      );
    }
  }

  async unqueue(tx: WriteTx, leaves: readonly NewLeaf[]): Promise<void> {
    await tx.execute('delete from audit_queue where organization_id = $1 and event_id = any ($2)', [
      tx.organizationId,
      leaves.map(({ eventId }) => eventId),
    ]);
  }

  async complete(tx: WriteTx, { generation }: Log): Promise<void> {
    await tx.execute('update log_state set is_complete = true where organization_id = $1 and generation = $2', [
      tx.organizationId,
      generation,
    ]);
  }

  /** Hashes that a level of a log's tiles has: those of leaves, or the roots of the full tiles of the level below. */
  async hashes(tx: Tx, generation: number, level: number, from: number, to: number): Promise<Buffer[]> {
    const range = [tx.organizationId, generation, from, to];
    const rows =
      level === 0
        ? await tx.query<{ hash: Buffer }>(
            `select leaf_hash as hash from audit_leaf
             where organization_id = $1 and generation = $2 and index >= $3 and index < $4 order by index`,
            range,
          )
        : await tx.query<{ hash: Buffer }>(
            `select root as hash from log_tile
             where organization_id = $1 and generation = $2 and level = $5 and index >= $3 and index < $4 order by index`,
            [...range, level - 1],
          );
    return rows.map(({ hash }) => hash);
  }

  /** Tiles, in the order in which they are asked for; a full one as it is kept, of any other what is below it. */
  async tiles(tx: Tx, generation: number, asked: readonly (Tile & { level: number })[]): Promise<Buffer[]> {
    const full = asked.filter(({ width }) => width === TILE_WIDTH);
    const kept = await tx.query<{ level: number; index: string; hashes: Buffer }>(
      `select level, index, hashes from log_tile
       where organization_id = $1 and generation = $2
         and (level, index) in (select * from unnest($3::integer[], $4::bigint[]))`,
      [tx.organizationId, generation, full.map(({ level }) => level), full.map(({ index }) => index)],
    );
    const byName = new Map(kept.map(({ level, index, hashes }) => [`${level}/${index}`, hashes]));
    const tiles: Buffer[] = [];
    for (const { level, index, width } of asked) {
      const from = index * TILE_WIDTH;
      const tile =
        width === TILE_WIDTH
          ? byName.get(`${level}/${index}`)
          : Buffer.concat(await this.hashes(tx, generation, level, from, from + width));
      if (tile?.length !== width * HASH_SIZE) {
        throw new LogDamaged(`the log has lost a part of its tile ${level}/${index}`);
      }
      tiles.push(tile);
    }
    return tiles;
  }

  /** The bytes of leaves, in their order. Throws a LogDamaged where one is gone. */
  async leaves(tx: Tx, generation: number, from: number, to: number): Promise<Buffer[]> {
    const rows = await tx.query<{ leaf: Buffer | null }>(
      `select coalesce(l.leaf, e.leaf) as leaf from audit_leaf l
       left join audit_event e on e.organization_id = l.organization_id and e.id = l.event_id
       where l.organization_id = $1 and l.generation = $2 and l.index >= $3 and l.index < $4 order by l.index`,
      [tx.organizationId, generation, from, to],
    );
    const leaves = rows.flatMap(({ leaf }) => (leaf === null ? [] : [leaf]));
    if (leaves.length !== to - from) throw new LogDamaged(`the log has lost leaves from ${from} to ${to}`);
    return leaves;
  }

  /** Where events are in a log; those without an index are left out. */
  async indexes(tx: Tx, generation: number, eventIds: readonly string[]): Promise<Map<string, number>> {
    const rows = await tx.query<{ id: string; index: string }>(
      `select event_id as id, index from audit_leaf
       where organization_id = $1 and generation = $2 and event_id = any ($3)`,
      [tx.organizationId, generation, eventIds],
    );
    return new Map(rows.map(({ id, index }) => [id, Number(index)]));
  }

  /** Keeps what was signed. A head that another has signed meanwhile is the same: Ed25519 signs the same text alike. */
  async keepHead(tx: WriteTx, head: SignedHead): Promise<void> {
    await tx.execute(
      `insert into log_checkpoint (organization_id, generation, size, root, note, signed_at)
       values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
      [tx.organizationId, head.generation, head.size, head.root, head.note, head.signedAt],
    );
    await tx.execute(
      `update log_state set signed_size = $3 where organization_id = $1 and generation = $2 and signed_size < $3`,
      [tx.organizationId, head.generation, head.size],
    );
  }

  /** The last head that was signed. */
  async lastHead(tx: Tx, generation: number): Promise<SignedHead | null> {
    const [row] = await tx.query<HeadRow>(
      `${HEAD} where c.organization_id = $1 and c.generation = $2 order by c.size desc limit 1`,
      [tx.organizationId, generation],
    );
    return row === undefined ? null : headOf(row);
  }

  /** The signed head of just that size. */
  async headOfSize(tx: Tx, generation: number, size: number): Promise<SignedHead | null> {
    const [row] = await tx.query<HeadRow>(
      `${HEAD} where c.organization_id = $1 and c.generation = $2 and c.size = $3`,
      [tx.organizationId, generation, size],
    );
    return row === undefined ? null : headOf(row);
  }

  /** What the first event of an object with one of these actions has in the log, or will have: the same in each generation, and known while a new one takes it over. */
  async leafOf(
    tx: Tx,
    object: { kind: string; id: string },
    actions: readonly string[],
  ): Promise<RecordedEvent | null> {
    const [row] = await tx.query<RecordedEvent>(
      `select coalesce(q.leaf_hash, l.leaf_hash) as "leafHash", e.created_at as time from audit_event e
       left join audit_queue q on q.organization_id = e.organization_id and q.event_id = e.id
       left join audit_leaf l on l.organization_id = e.organization_id and l.event_id = e.id
       where e.organization_id = $1 and e.object_kind = $2 and e.object_id = $3 and e.action = any ($4)
       order by e.id, l.generation desc limit 1`,
      [tx.organizationId, object.kind, object.id, actions],
    );
    return row ?? null;
  }
}

/** By the constraint that it breaks. */
const TAKEN: Readonly<Record<string, string>> = {
  audit_leaf_pk: 'the log has leaves above its size',
  log_tile_pk: 'the log has tiles above its size',
  audit_leaf_of_event: 'an event that is a leaf of the log waits to become one',
};

const logOf = (row: LogRow): Log => ({ ...row, size: Number(row.size), signedSize: Number(row.signedSize) });
const headOf = (row: HeadRow): SignedHead => ({ ...row, size: Number(row.size) });
