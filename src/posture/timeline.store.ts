import { randomInt } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { prepared } from '../kernel/db/prepared.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { isSameStamp, type Stamp } from './stamp.js';
import { Timeline, writeTimeline, type Segment } from './timeline.js';

/** What is remembered of a place. */
export interface Remembered {
  /** What it was made of. */
  readonly stamp: Stamp;
  readonly timeline: Timeline;
  /** Another number with each writing, drawn by lot: also of what was put back and written again it is another. */
  readonly revision: number;
}

/** What of an organisation is remembered, in few numbers. */
export interface Seen {
  /** Another one where anything of it is new. */
  readonly state: string;
  readonly places: number;
  readonly bytes: number;
}

/** Rows that are read at once. */
const PAGE = 200;
/** Of an organisation that has much of each place: some hundred kilobytes of each. */
const SMALL_PAGE = 25;

/** Numbers that JavaScript tells apart: a few million writings draw no number twice, and of two that are drawn twice another place would have to stay the same. */
const REVISIONS = 2 ** 48 - 1;

const STAMP = `place_id as "placeId", basis, results_upto as "resultsUpto", records_upto as "recordsUpto",
  settings_version as "settingsVersion", system_version as "systemVersion"`;

const REMEMBERED = `${STAMP}, revision::float8 as revision, segments`;

type StampRow = Stamp & { placeId: string };

@Injectable()
export class TimelineStore {
  async seen(tx: Tx): Promise<Seen> {
    const [row] = await tx.query<Seen>(
      prepared(`select count(*) || ' ' || coalesce(sum(revision), 0) as state, count(*)::int as places,
                coalesce(sum(octet_length(segments)), 0)::float8 as bytes
         from posture_timeline where organization_id = $1`),
      [tx.organizationId],
    );
    return row ?? { state: '', places: 0, bytes: 0 };
  }

  /** By place: what is remembered of it was made of. */
  async stamps(tx: Tx): Promise<Map<string, Stamp>> {
    const rows = await tx.query<StampRow>(`select ${STAMP} from posture_timeline where organization_id = $1`, [
      tx.organizationId,
    ]);
    return new Map(rows.map(({ placeId, ...stamp }) => [placeId, stamp]));
  }

  /** Of one place; null where nothing is remembered of it. */
  async find(tx: Tx, placeId: string): Promise<Remembered | null> {
    const [row] = await tx.query<Row>(
      `select ${REMEMBERED} from posture_timeline where organization_id = $1 and place_id = $2`,
      [tx.organizationId, placeId],
    );
    return row === undefined ? null : rememberedOf(row);
  }

  /** Of some places, in pages. */
  async *pages(tx: Tx, placeIds: readonly string[]): AsyncGenerator<[string, Remembered][], void> {
    for (let from = 0; from < placeIds.length; from += SMALL_PAGE) {
      const rows: Row[] = await tx.query<Row>(
        prepared(
          `select ${REMEMBERED} from posture_timeline where organization_id = $1 and place_id = any($2::uuid[])`,
        ),
        [tx.organizationId, placeIds.slice(from, from + SMALL_PAGE)],
      );
      yield rows.map((row) => [row.placeId, rememberedOf(row)]);
    }
  }

  /** By place, in pages: each of which there is another revision than `known` has. */
  async *newer(tx: Tx, known: ReadonlyMap<string, Remembered>): AsyncGenerator<[string, Remembered][], void> {
    for (let after: string | null = null; ;) {
      const rows: Row[] = await tx.query<Row>(
        `select ${REMEMBERED} from posture_timeline t
         where organization_id = $1 and ($2::uuid is null or place_id > $2)
           and not exists (select from unnest($3::uuid[], $4::bigint[]) k(id, revision) where k.id = t.place_id and k.revision = t.revision)
         order by place_id limit ${PAGE}`,
        [tx.organizationId, after, [...known.keys()], [...known.values()].map(({ revision }) => revision)],
      );
      yield rows.map((row) => [row.placeId, rememberedOf(row)]);
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) return;
      after = last.placeId;
    }
  }

  /**
   * Puts segments in the place of all that begin at `from` or later. `before`: what they were made upon; where it is another by now nothing is written, for somebody
   * else was here. Of two at once the second waits, and finds that.
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
    const found = await this.find(tx, placeId);
    const isAsBefore = before === null ? found === null : found !== null && isSameStamp(found.stamp, before);
    if (!isAsBefore) return false;
    const { basis, resultsUpto, recordsUpto, settingsVersion, systemVersion } = stamp;
    const timeline = writeTimeline([...(found?.timeline.before(from) ?? []), ...segments]);
    await tx.execute(
      `insert into posture_timeline (organization_id, place_id, basis, results_upto, records_upto, settings_version, system_version, computed_at, revision, segments)
       values ($1, $2, $3, $4, $5, $6, $7, service_clock(), $8, $9)
       on conflict (organization_id, place_id) do update
         set basis = excluded.basis, results_upto = excluded.results_upto, records_upto = excluded.records_upto,
             settings_version = excluded.settings_version, system_version = excluded.system_version, computed_at = excluded.computed_at,
             revision = excluded.revision, segments = excluded.segments`,
      [
        ...[tx.organizationId, placeId, basis, resultsUpto, recordsUpto, settingsVersion, systemVersion],
        ...[randomInt(REVISIONS), timeline],
      ],
    );
    return true;
  }
}

type Row = StampRow & { revision: number; segments: Buffer };

const rememberedOf = ({ placeId: _, revision, segments, ...stamp }: Row): Remembered => ({
  stamp,
  revision,
  timeline: new Timeline(segments),
});
