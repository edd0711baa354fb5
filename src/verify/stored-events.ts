import { z } from 'zod';
import type { JsonValue } from '../kernel/crypto/canonical-json.js';

const detailsShape = z.object({
  systemId: z.string(),
  evidenceId: z.string(),
  format: z.string(),
  observedAt: z.string(),
  counts: z.json(),
  /** Events from before it was said do not have it. */
  reader: z.string().optional(),
});

export interface StoredEvent {
  index: number;
  time: string;
  /** Null where they were erased. */
  details: z.infer<typeof detailsShape> | null;
}

/** What the log says of each scan that was stored: its first word, for whoever changes a row can add another, and cannot take that one away. */
export class StoredEvents {
  private readonly events = new Map<string, StoredEvent>();

  /** `index`: of the entry of the log. */
  add(scanId: string, index: number, time: string, details: JsonValue): void {
    if ((this.events.get(scanId)?.index ?? Infinity) < index) return;
    this.events.set(scanId, { index, time, details: detailsShape.safeParse(details).data ?? null });
  }

  of(scanId: string): StoredEvent | undefined {
    return this.events.get(scanId);
  }
}
