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
 * what is kept still holds is seen by whoever asks, as of what stands in the database: by its stamp (stamp.ts).
 */
@Injectable()
export class TimelineMemory {
  private readonly held = new OfOrganizations<Held>(MAX_BYTES, ({ size }) => size);

  constructor(private readonly store: TimelineStore) {}

  /** By place: one, or (null) each of the organisation. */
  async recall(tx: Tx, placeId: string | null): Promise<ReadonlyMap<string, Remembered>> {
    if (placeId === null) return tx.once('timelines', () => this.ofOrganization(tx));
    const found = await tx.once(`timeline ${placeId}`, () => this.store.find(tx, placeId));
    return new Map(found === null ? [] : [[placeId, found]]);
  }

  private async ofOrganization(tx: Tx): Promise<ReadonlyMap<string, Remembered>> {
    const { organizationId } = tx;
    if (this.held.isTooLarge(organizationId)) return this.read(tx, new Map());
    const { state, places, bytes } = await this.store.seen(tx);
    const held = this.held.get(organizationId);
    if (held?.state === state) return held.places;
    const known = held?.places ?? new Map<string, Remembered>();
    let found = await this.read(tx, known);
    // Other places than there are: another database under this process than before.
    if (found.size !== places) found = await this.read(tx, new Map());
    const size = bytes + OBJECTS * places;
    if (this.held.hasRoomFor(organizationId, size)) this.held.set(organizationId, { state, size, places: found });
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
