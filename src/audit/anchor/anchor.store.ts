import { Injectable } from '@nestjs/common';
import { IntegrityError } from '../../kernel/crypto/integrity-error.js';
import type { Tx, WriteTx } from '../../kernel/db/database.js';
import { HASH_SIZE, leafHash } from '../merkle.js';
import { rootOfTile, TILE_WIDTH, type TileReader } from '../tile.js';

/** A signed head of a log. */
export interface Head {
  origin: string;
  size: number;
  note: Buffer;
}

export interface LeafRow extends Head {
  index: number;
}

export interface AnchoringRow {
  size: number;
  note: Buffer;
  timeStamp: Buffer | null;
  anchoredAt: Date;
}

/** One turn at a time, of all replicas. Any number that no other lock of this program has. */
const TURN = 6_962_060;

/** Heads that are appended at once: each has some 300 bytes. */
export const MAX_APPENDED = 2_000;

const HEAD = 'origin, size::float8 as size, note';

/** The tables of the anchor log. All of them are of no organisation: the transactions know none. */
@Injectable()
export class AnchorStore {
  /** The number of the logs that are written now. */
  async generation(tx: Tx): Promise<number> {
    const [row] = await tx.query<{ number: number }>('select max(number) as number from log_generation');
    if (row === undefined) throw new Error('there is no generation of logs');
    return row.number;
  }

  async startGeneration(tx: WriteTx, number: number): Promise<void> {
    await tx.execute('insert into log_generation (number, started_at) values ($1, service_clock())', [number]);
  }

  /** False where another replica has the turn. Until the transaction ends. */
  async takeTurn(tx: WriteTx): Promise<boolean> {
    const [row] = await tx.query<{ taken: boolean }>('select pg_try_advisory_xact_lock($1) as taken', [TURN]);
    return row?.taken === true;
  }

  /** Says that the turn is still being taken: Postgres ends a transaction that stands still. */
  async keepTurn(tx: WriteTx): Promise<void> {
    await tx.query('select 1');
  }

  /** In the transaction in which a head is kept: it becomes a leaf with the next turn. */
  async enqueue(tx: WriteTx, generation: number, { origin, size, note }: Head): Promise<void> {
    await tx.execute(
      `insert into anchor_pending (generation, origin, size, note) values ($1, $2, $3, $4)
       on conflict (generation, origin) do update set size = excluded.size, note = excluded.note where anchor_pending.size < excluded.size`,
      [generation, origin, size, note],
    );
  }

  /** How many leaves there are. */
  async size(tx: Tx, generation: number): Promise<number> {
    const [row] = await tx.query<{ size: number }>(
      'select coalesce(max(index) + 1, 0)::float8 as size from anchor_leaf where generation = $1',
      [generation],
    );
    return row?.size ?? 0;
  }

  /** Makes leaves of what is pending, in the order of origins; returns how many. A head that is a leaf already is let go. */
  async appendPending(tx: WriteTx, generation: number): Promise<number> {
    const pending = await tx.query<Head>(
      `delete from anchor_pending where (generation, origin) in (
         select generation, origin from anchor_pending where generation = $1 order by origin limit ${MAX_APPENDED} for update)
       returning ${HEAD}`,
      [generation],
    );
    const known = await tx.query<{ origin: string; size: number }>(
      `select origin, max(size)::float8 as size from anchor_leaf where generation = $1 and origin = any ($2) group by origin`,
      [generation, pending.map(({ origin }) => origin)],
    );
    const sizes = new Map(known.map(({ origin, size }) => [origin, size]));
    const fresh = pending
      .filter(({ origin, size }) => size > (sizes.get(origin) ?? -1))
      .sort((one, other) => (one.origin < other.origin ? -1 : 1));
    await this.append(tx, generation, fresh);
    return fresh.length;
  }

  /** Appends leaves, and the tiles that they fill. */
  async append(tx: WriteTx, generation: number, heads: readonly Head[]): Promise<void> {
    if (heads.length === 0) return;
    const first = await this.size(tx, generation);
    await tx.execute(
      `insert into anchor_leaf (generation, index, origin, size, note, hash)
       select $1, $2::bigint + l.at - 1, l.origin, l.size, l.note, l.hash
       from unnest($3::text[], $4::bigint[], $5::bytea[], $6::bytea[]) with ordinality as l(origin, size, note, hash, at)`,
      [
        generation,
        first,
        heads.map(({ origin }) => origin),
        heads.map(({ size }) => size),
        heads.map(({ note }) => note),
        heads.map(({ note }) => leafHash(note)),
      ],
    );
    await tx.execute(
      `insert into anchor_copy (generation, origin, leaf_size) select $1, h.* from unnest($2::text[], $3::bigint[]) as h
       on conflict (generation, origin) do update set leaf_size = excluded.leaf_size`,
      [generation, heads.map(({ origin }) => origin), heads.map(({ size }) => size)],
    );
    const last = first + heads.length;
    let [from, to] = [Math.floor(first / TILE_WIDTH), Math.floor(last / TILE_WIDTH)];
    for (let level = 0; from < to; level += 1) {
      for (let index = from; index < to; index += 1) {
        const hashes = await this.hashes(tx, generation, { level, index, width: TILE_WIDTH });
        await tx.execute('insert into anchor_tile (generation, level, index, hashes) values ($1, $2, $3, $4)', [
          generation,
          level,
          index,
          hashes,
        ]);
      }
      [from, to] = [Math.floor(from / TILE_WIDTH), Math.floor(to / TILE_WIDTH)];
    }
  }

  /** Reads tiles: full ones as they are kept, others made of what they consist of. */
  tileReader(tx: Tx, generation: number): TileReader {
    return async (tiles) => {
      const read: Buffer[] = [];
      for (const tile of tiles) {
        const [row] =
          tile.width === TILE_WIDTH
            ? await tx.query<{ hashes: Buffer }>(
                'select hashes from anchor_tile where generation = $1 and level = $2 and index = $3',
                [generation, tile.level, tile.index],
              )
            : [];
        read.push(row?.hashes ?? (await this.hashes(tx, generation, tile)));
      }
      return read;
    };
  }

  /** The hashes of a tile, of the leaves or of the full tiles below it. */
  private async hashes(
    tx: Tx,
    generation: number,
    { level, index, width }: { level: number; index: number; width: number },
  ): Promise<Buffer> {
    const first = index * TILE_WIDTH;
    const [table, column] = level === 0 ? ['anchor_leaf', 'hash'] : ['anchor_tile', 'hashes'];
    const rows = await tx.query<{ hash: Buffer }>(
      `select ${column} as hash from ${table}
       where generation = $1 and index >= $2 and index < $3 ${level === 0 ? '' : 'and level = $4'} order by index`,
      [generation, first, first + width, ...(level === 0 ? [] : [level - 1])],
    );
    const hashes = Buffer.concat(rows.map(({ hash }) => (level === 0 ? hash : rootOfTile(hash))));
    if (hashes.length !== width * HASH_SIZE)
      throw new IntegrityError('the anchor log has fewer leaves than its size says');
    return hashes;
  }

  /** The last head of a log that is a leaf among the first `within`, and not larger than `size`; null where there is none. */
  async leafOf(
    tx: Tx,
    generation: number,
    origin: string,
    { size = 2 ** 53, within = 2 ** 53 } = {},
  ): Promise<LeafRow | null> {
    const [row] = await tx.query<LeafRow>(
      `select index::float8 as index, ${HEAD} from anchor_leaf
       where generation = $1 and origin = $2 and size <= $3 and index < $4 order by size desc limit 1`,
      [generation, origin, size, within],
    );
    return row ?? null;
  }

  /** The last heads of the logs of which a later one is a leaf than is kept outside. */
  async uncopied(tx: Tx, generation: number): Promise<Head[]> {
    return tx.query<Head>(
      `select l.origin, l.size::float8 as size, l.note
       from anchor_copy c join anchor_leaf l on l.generation = c.generation and l.origin = c.origin and l.size = c.leaf_size
       where c.generation = $1 and c.leaf_size > coalesce(c.size, -1) order by l.origin`,
      [generation],
    );
  }

  /** How large the head of a log was of which this database kept a copy last; null where it kept none. */
  async copySize(tx: Tx, generation: number, origin: string): Promise<number | null> {
    const [row] = await tx.query<{ size: number | null }>(
      'select size::float8 as size from anchor_copy where generation = $1 and origin = $2',
      [generation, origin],
    );
    return row?.size ?? null;
  }

  async copied(tx: WriteTx, generation: number, { origin, size }: Omit<Head, 'note'>, version: string): Promise<void> {
    await tx.execute(
      `insert into anchor_copy (generation, origin, leaf_size, size, version) values ($1, $2, $3, $3, $4)
       on conflict (generation, origin) do update set size = excluded.size, version = excluded.version`,
      [generation, origin, size, version],
    );
  }

  /** The last head of the anchor log that went out, with a time stamp or whatever it has. */
  async lastAnchoring(tx: Tx, generation: number, { stamped = false } = {}): Promise<AnchoringRow | null> {
    const [row] = await tx.query<AnchoringRow>(
      `select size::float8 as size, note, time_stamp as "timeStamp", anchored_at as "anchoredAt" from anchoring
       where generation = $1 ${stamped ? 'and time_stamp is not null' : ''} order by number desc limit 1`,
      [generation],
    );
    return row ?? null;
  }

  async anchored(tx: WriteTx, generation: number, row: Omit<AnchoringRow, 'anchoredAt'>): Promise<void> {
    await tx.execute(
      `insert into anchoring (generation, number, size, note, time_stamp, anchored_at)
       select $1, coalesce(max(number), 0) + 1, $2, $3, $4, service_clock() from anchoring where generation = $1`,
      [generation, row.size, row.note, row.timeStamp],
    );
  }
}
