import { OfOrganizations } from '../kernel/of-organizations.js';
import type { Knowledge } from './stamp.js';
import type { Status } from './status.js';

/** By the id of an item of the rules. */
export type Statuses = ReadonlyMap<string, Status>;

/** Statuses of all organisations together: of some fifty the last month. */
const MAX_STATUSES = 200_000;

interface Held {
  readonly knowledge: string;
  readonly at: ReadonlyMap<number, Statuses>;
}

/** How an organisation stood at instants that are past: the same for as long as nothing becomes known. */
export class PastStatuses {
  private readonly held = new OfOrganizations<Held>(MAX_STATUSES, sizeOf);

  /** By instant (milliseconds since 1970). */
  recall(organizationId: string, { state }: Knowledge): ReadonlyMap<number, Statuses> {
    const held = this.held.get(organizationId);
    return held?.knowledge === state ? held.at : new Map<number, Statuses>();
  }

  /** In the place of what was kept of the organisation. */
  keep(organizationId: string, { state }: Knowledge, at: ReadonlyMap<number, Statuses>): void {
    const held = { knowledge: state, at };
    if (this.held.hasRoomFor(organizationId, sizeOf(held))) this.held.set(organizationId, held);
  }
}

const sizeOf = ({ at }: Held): number => [...at.values()].reduce((sum, { size }) => sum + size, 0);
