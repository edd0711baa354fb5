import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../kernel/clock.js';
import { canonicalJson, type JsonValue } from '../kernel/crypto/canonical-json.js';
import { IntegrityError } from '../kernel/crypto/integrity-error.js';
import { Keyring, type DataKey } from '../kernel/crypto/keyring.js';
import { open, seal } from '../kernel/crypto/sealed.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { newId } from '../kernel/ids.js';
import type { AuditDetail, AuditEvent } from './audit.entity.js';
import { AuditStore, type CustodyFilter, type ErasableEvent, type EventFilter, type EventRow } from './audit.store.js';
import {
  detailsDigest,
  leafBytes,
  type Action,
  type EventObject,
  type Leaf,
  type ObjectKind,
  type RecordedEvent,
} from './event.js';
import { LogDamaged } from './log-damaged.js';
import type { SignedHead } from './log.js';
import { LogWorker } from './log.worker.js';
import { leafHash } from './merkle.js';

export interface NewEvent {
  action: Action;
  object: EventObject;
  /** The effect, before and after; names and free text belong here. Encrypted, and erasable without harm to the log. */
  details?: JsonValue;
  outcome?: 'success' | 'failure';
  /** When it became so, where that is known better than by the present: the instant at which a scan's results became known. */
  at?: Date;
}

/** An event as it is listed: the leaf, and its details while they are kept. */
export interface ListedEvent {
  leaf: Leaf;
  /** The exact bytes that are hashed into the log. */
  leafText: string;
  /** Where the leaf is in the organisation's log; null before it has a place, which takes some seconds. */
  logIndex: number | null;
  details: JsonValue;
  /** Hex: `details_sha256` in the leaf is SHA-256 over it and the canonical details. Null with the details. */
  salt: string | null;
  /** The record by which two people decided to erase the details; null while they are kept, and where there were none. */
  erasedBy: string | null;
}

/** That the rows of an object were found altered, or right again. */
export type RowEvent = Pick<Leaf, 'action' | 'object'>;

@Injectable()
export class AuditService {
  constructor(
    private readonly store: AuditStore,
    private readonly keyring: Keyring,
    private readonly clock: Clock,
    private readonly worker: LogWorker,
  ) {}

  /** Writes the event in the transaction of the change itself: if it fails, the change fails. Returns what a receipt is made of. */
  async record(tx: WriteTx, event: NewEvent): Promise<RecordedEvent> {
    const { row, detail } = made(tx, event, await this.keyFor(tx, [event]), this.clock.now());
    await this.store.insert(tx, row, detail);
    this.recorded(tx);
    return { id: row.id, leafHash: leafHash(row.leaf), time: row.createdAt };
  }

  /** The same of many, in their order, by one statement: of a batch that fits in memory. */
  async recordAll(tx: WriteTx, events: readonly NewEvent[]): Promise<void> {
    const key = await this.keyFor(tx, events);
    const all = events.map((event) => made(tx, event, key, this.clock.now()));
    await this.store.insertAll(
      tx,
      all.map(({ row }) => row),
      all.flatMap(({ detail }) => (detail === null ? [] : [detail])),
    );
    this.recorded(tx);
  }

  private recorded(tx: WriteTx): void {
    tx.markAudited();
    tx.afterCommit(() => this.worker.wake());
  }

  /** Encrypts what the events have of details; null where none has any. */
  private async keyFor(tx: WriteTx, events: readonly NewEvent[]): Promise<DataKey | null> {
    if (events.every(({ details }) => details === undefined)) return null;
    return this.keyring.recent(tx.organizationId) ?? (await this.keyring.current(tx));
  }

  /** Newest first. */
  async findEvents(tx: Tx, filter: EventFilter): Promise<ListedEvent[]> {
    const rows = await this.store.list(tx, filter);
    const events: ListedEvent[] = [];
    for (const row of rows) events.push(await this.opened(tx, row));
    return events;
  }

  /** Ids of objects after one, in their order, of which there are such events. */
  findObjects(
    tx: Tx,
    kind: ObjectKind,
    actions: readonly Action[],
    after: string | null,
    limit: number,
  ): Promise<string[]> {
    return this.store.objects(tx, kind, actions, after, limit);
  }

  /** Such events about any of the objects, in the order of the log. */
  async findAbout(
    tx: Tx,
    kind: ObjectKind,
    actions: readonly Action[],
    ids: readonly string[],
  ): Promise<ListedEvent[]> {
    const events: ListedEvent[] = [];
    for (const row of await this.store.aboutObjects(tx, kind, actions, ids)) events.push(await this.opened(tx, row));
    return events;
  }

  /** All that the log says of rows that were altered, or found right, in its order; without what cannot be read any more, which is found by itself and says nothing. */
  async findRowEvents(tx: Tx): Promise<RowEvent[]> {
    return (await this.store.rowLeaves(tx)).flatMap(({ id, leaf }) => {
      try {
        return [leafOf(id, leaf.toString('utf8'))];
      } catch (error) {
        if (!(error instanceof LogDamaged)) throw error;
        return [];
      }
    });
  }

  isThere(tx: Tx, eventId: string): Promise<boolean> {
    return this.store.isThere(tx, eventId);
  }

  /** What the erasure of their details goes by, of those that there are. Of two who erase the second waits. */
  erasable(tx: Tx, eventIds: readonly string[]): Promise<Map<string, ErasableEvent>> {
    return this.store.erasable(tx, eventIds);
  }

  /** Erases the details of an event, which has some, by the record that two people decided it by. The leaf stays. */
  async erase(tx: WriteTx, eventId: string, recordId: string, at: Date): Promise<void> {
    await this.store.erase(tx, { organizationId: tx.organizationId, eventId, recordId, erasedAt: at });
    await this.record(tx, {
      action: 'event.erased',
      object: { kind: 'event', id: eventId },
      details: { by: recordId },
      at,
    });
  }

  /** Events that the custody of evidence is told by, oldest first. */
  async findCustody(tx: Tx, filter: CustodyFilter): Promise<ListedEvent[]> {
    const events: ListedEvent[] = [];
    for (const row of await this.store.about(tx, filter)) events.push(await this.opened(tx, row));
    return events;
  }

  /** Events of that action on any of these objects which a signed head speaks of, by their index. */
  findLeaves(
    tx: Tx,
    head: SignedHead,
    action: Action,
    kind: ObjectKind,
    objectIds: readonly string[],
  ): Promise<{ eventId: string; index: number }[]> {
    return this.store.leaves(tx, head, action, kind, objectIds);
  }

  private async opened(tx: Tx, row: EventRow): Promise<ListedEvent> {
    const leafText = row.leaf.toString('utf8');
    const leaf = leafOf(row.id, leafText);
    const logIndex = row.logIndex === null ? null : Number(row.logIndex);
    if (row.dataKeyId === null || row.encryptedDetail === null || row.salt === null) {
      return { leaf, leafText, logIndex, details: null, salt: null, erasedBy: row.erasedBy };
    }
    const { dataKeyId, encryptedDetail } = row;
    const detail = await readable(row.id, async () => {
      const { sealing } = await this.keyring.find(tx, dataKeyId);
      return open(sealing, encryptedDetail, detailContext(tx, row.id)).toString('utf8');
    });
    const salt = row.salt.toString('hex');
    return { leaf, leafText, logIndex, details: JSON.parse(detail) as JsonValue, salt, erasedBy: null };
  }
}

function made(
  tx: WriteTx,
  event: NewEvent,
  key: DataKey | null,
  present: Date,
): { row: AuditEvent; detail: AuditDetail | null } {
  const id = newId();
  const now = event.at ?? present;
  const salt = event.details === undefined ? null : randomBytes(32);
  const leaf: Leaf = {
    action: event.action,
    actor: { id: tx.principal.id, kind: tx.principal.kind },
    details_sha256: salt === null ? null : detailsDigest(salt, event.details ?? null),
    id,
    object: event.object,
    outcome: event.outcome ?? 'success',
    request_id: tx.principal.requestId,
    tenant: tx.organizationId,
    time: now.toISOString(),
    v: 1,
  };
  const row: AuditEvent = {
    organizationId: tx.organizationId,
    id,
    createdAt: now,
    action: leaf.action,
    actorKind: leaf.actor.kind,
    actorId: leaf.actor.id,
    objectKind: leaf.object.kind,
    objectId: leaf.object.id,
    outcome: leaf.outcome,
    requestId: leaf.request_id,
    leaf: leafBytes(leaf),
  };
  const detail =
    salt === null || key === null
      ? null
      : {
          organizationId: tx.organizationId,
          eventId: id,
          dataKeyId: key.id,
          salt,
          encryptedDetail: seal(key.sealing, Buffer.from(canonicalJson(event.details ?? null)), detailContext(tx, id)),
        };
  return { row, detail };
}

function leafOf(eventId: string, text: string): Leaf {
  let leaf: Partial<Leaf> | null;
  try {
    leaf = JSON.parse(text) as Partial<Leaf> | null;
  } catch (error) {
    throw new LogDamaged(`the text of event ${eventId} is no JSON`, { cause: error });
  }
  // Of its shape no more is looked at than what all who read it go by.
  if (typeof leaf?.action !== 'string' || typeof leaf.object?.kind !== 'string') {
    throw new LogDamaged(`the text of event ${eventId} is none of an event`);
  }
  return leaf as Leaf;
}

/** Details that cannot be read any more are damage to the log. */
async function readable(eventId: string, read: () => Promise<string>): Promise<string> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    throw new LogDamaged(`the details of event ${eventId}: ${error.message}`, { cause: error });
  }
}

const detailContext = (tx: Tx, eventId: string): Buffer =>
  Buffer.from(`audit-detail|${tx.organizationId}|${eventId}`, 'utf8');
