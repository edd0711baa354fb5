import { Injectable } from '@nestjs/common';
import type { Tx } from '../kernel/db/database.js';
import { OfOrganizations } from '../kernel/of-organizations.js';
import { TimelineStore, type Remembered } from './timeline.store.js';

/** Bytes of all organisations together: some thirty for each time that anything of a system changed, and a kilobyte and a half for each system. */
const MAX_BYTES = 32 * 2 ** 20;

/** Of a place, beside its timeline: its stamp, and the objects around it. */
const OBJECTS = 1_000;

/** What one process keeps of an organisation. */
interface Held {
  readonly state: string;
  readonly size: number;
  readonly places: ReadonlyMap<string, Remembered>;
}

/**
 * What is remembered of the systems of an organisation, kept in memory: of a thousand a question would read a thousand rows, of which since the last question few are others. Whether
 * what is kept still holds is seen by whoever asks, as of what stands in the database: by its stamp (stamp.ts). Of an organisation that has more than there is room for the rows are
 * read with each question, few at a time.
 */
@Injectable()
export class TimelineMemory {
  private readonly held: OfOrganizations<Held>;

  constructor(
    private readonly store: TimelineStore,
    maximum = MAX_BYTES,
  ) {
    this.held = new OfOrganizations(maximum, ({ size }) => size);
  }

  /** Of these places what is remembered, some at a time. */
  async *recall(tx: Tx, placeIds: readonly string[]): AsyncGenerator<readonly [string, Remembered][], void> {
    const [placeId] = placeIds;
    if (placeId === undefined) return;
    if (placeIds.length === 1) {
      const found = await tx.once(`timeline ${placeId}`, () => this.store.find(tx, placeId));
      if (found !== null) yield [[placeId, found]];
      return;
    }
    const kept = await tx.once('timelines', () => this.kept(tx));
    if (kept === null) yield* this.store.pages(tx, placeIds);
    else {
      yield placeIds.flatMap((id): [string, Remembered][] => {
        const found = kept.get(id);
        return found === undefined ? [] : [[id, found]];
      });
    }
  }

  /** By place, all of the organisation's; null where there is no room for it. */
  private async kept(tx: Tx): Promise<ReadonlyMap<string, Remembered> | null> {
    const { organizationId } = tx;
    const { state, places, bytes } = await this.store.seen(tx);
    const size = bytes + OBJECTS * places;
    if (!this.held.hasRoomFor(organizationId, size)) return null;
    const held = this.held.get(organizationId);
    if (held?.state === state) return held.places;
    let found = await this.read(tx, held?.places ?? new Map<string, Remembered>());
    // Other places than there are: another database under this process than before.
    if (found.size !== places) found = await this.read(tx, new Map());
    this.held.set(organizationId, { state, size, places: found });
    return found;
  }

  /** What is known, with what is new in its place. */
  private async read(tx: Tx, known: ReadonlyMap<string, Remembered>): Promise<Map<string, Remembered>> {
    const places = new Map(known);
    for await (const page of this.store.newer(tx, known))
      for (const [id, remembered] of page) places.set(id, remembered);
    return places;
  }
}
