import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import type { Stamp } from './stamp.js';
import type { SystemStates } from './states.js';

/** What a system says by itself from an instant on. */
export interface Segment {
  readonly starts: Date;
  readonly states: SystemStates;
}

/** What is remembered of a place. */
export interface Remembered {
  /** What its segments were made of. */
  readonly stamp: Stamp;
  /** What it says at the instant; null: no segment has begun by then. */
  readonly states: SystemStates | null;
}

const STAMP = `h.place_id as "placeId", h.basis, h.results_upto as "resultsUpto", h.records_upto as "recordsUpto",
  h.settings_version as "settingsVersion", h.system_version as "systemVersion"`;

type StampRow = Stamp & { placeId: string };

@Injectable()
export class SegmentStore {
  /** By place: what its segments were made of. */
  async horizons(tx: Tx): Promise<Map<string, Stamp>> {
    const rows = await tx.query<StampRow>(`select ${STAMP} from posture_horizon h where h.organization_id = $1`, [
      tx.organizationId,
    ]);
    return new Map(rows.map(({ placeId, ...stamp }) => [placeId, stamp]));
  }

  /** By place (`placeId` null: each), at an instant. */
  async recall(tx: Tx, placeId: string | null, asOf: Date): Promise<Map<string, Remembered>> {
    const rows = await tx.query<StampRow & { codes: Buffer | null; blind: number | null }>(
      `select ${STAMP}, s.codes, s.blind
       from posture_horizon h
         left join lateral (
           select codes, blind from posture_segment
           where organization_id = $1 and place_id = h.place_id and starts <= $3
           order by starts desc limit 1) s on true
       where h.organization_id = $1 and ($2::uuid is null or h.place_id = $2)`,
      [tx.organizationId, placeId, asOf],
    );
    return new Map(
      rows.map((row): [string, Remembered] => {
        const { placeId, codes, blind } = row;
        return [placeId, { stamp: row, states: codes === null ? null : { codes: codesOf(codes), blind } }];
      }),
    );
  }

  /**
   * Puts segments in the place of all that begin at `from` or later. `before`: the horizon that they were made upon; where it is another by now nothing is written,
   * for somebody else was here. Of two at once the second waits, and finds that.
   */
  async replace(
    tx: WriteTx,
    placeId: string,
    from: Date,
    segments: readonly Segment[],
    before: Stamp | null,
    stamp: Stamp,
  ): Promise<boolean> {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `posture/${tx.organizationId}/${placeId}`,
    ]);
    const known = (await this.horizons(tx)).get(placeId) ?? null;
    if (JSON.stringify(known) !== JSON.stringify(before)) return false;
    await tx.execute('delete from posture_segment where organization_id = $1 and place_id = $2 and starts >= $3', [
      tx.organizationId,
      placeId,
      from,
    ]);
    await tx.execute(
      `insert into posture_segment (organization_id, place_id, starts, codes, blind)
       select $1, $2, * from unnest($3::timestamptz[], $4::bytea[], $5::integer[])`,
      [
        tx.organizationId,
        placeId,
        segments.map(({ starts }) => starts),
        segments.map(({ states }) => bytesOf(states.codes)),
        segments.map(({ states }) => states.blind),
      ],
    );
    const { basis, resultsUpto, recordsUpto, settingsVersion, systemVersion } = stamp;
    await tx.execute(
      `insert into posture_horizon (organization_id, place_id, basis, results_upto, records_upto, settings_version, system_version, computed_at)
       values ($1, $2, $3, $4, $5, $6, $7, service_clock())
       on conflict (organization_id, place_id) do update
         set basis = excluded.basis, results_upto = excluded.results_upto, records_upto = excluded.records_upto,
             settings_version = excluded.settings_version, system_version = excluded.system_version, computed_at = excluded.computed_at`,
      [tx.organizationId, placeId, basis, resultsUpto, recordsUpto, settingsVersion, systemVersion],
    );
    return true;
  }
}

/** Little-endian, whatever the machine. */
export function bytesOf(codes: Uint16Array): Buffer {
  const bytes = Buffer.alloc(codes.length * 2);
  codes.forEach((code, at) => bytes.writeUInt16LE(code, at * 2));
  return bytes;
}

export function codesOf(bytes: Buffer): Uint16Array {
  const codes = new Uint16Array(bytes.length / 2);
  for (let at = 0; at < codes.length; at++) codes[at] = bytes.readUInt16LE(at * 2);
  return codes;
}
