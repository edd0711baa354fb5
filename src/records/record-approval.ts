import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import type { WriteTx } from '../kernel/db/database.js';
import { joinByHash } from '../kernel/db/join-by-hash.js';
import { Queue } from '../kernel/queue.js';
import { WHOLE } from './interval.js';
import { IntervalStore, type VersionRef } from './interval.store.js';
import { actorOf, requireMove } from './life.js';
import { candidateOf, RecordCheck } from './record-check.js';
import { RecordsStore, type RecordRow, type VersionRow } from './records.store.js';
import type { ApprovedVersion, RecordRules } from './rules.js';
import { objectOf } from './version-object.js';

/** A record with its version that waits for a decision. */
export interface Submitted {
  record: RecordRow;
  open: VersionRow;
}

/** What becomes of versions that a second person says are so: one, or all of a table. */
@Injectable()
export class RecordApproval {
  constructor(
    private readonly store: RecordsStore,
    private readonly intervals: IntervalStore,
    private readonly checks: RecordCheck,
    private readonly audit: AuditService,
    private readonly queue: Queue,
  ) {}

  /**
   * Approves submitted versions that were checked under the lock of `lockDecisions`, each record once. They are taken as they come, and of those that were taken only
   * ids are held, so that it needs no more memory for many; and few statements, for each of them may read a whole table. The transaction is the caller's, and is one:
   * a refusal of any of them (of the principal's own hands) ends it.
   */
  async approve(tx: WriteTx, versions: Iterable<Submitted> | AsyncIterable<Submitted>, known: Date): Promise<void> {
    const actor = actorOf(tx.principal);
    const rules = new Map<string, RecordRules | null>();
    let refs: VersionRef[] = [];
    let followed: { rules: RecordRules; version: ApprovedVersion }[] = [];
    const write = async (): Promise<void> => {
      const areMany = refs.length >= TAKEN_AT_ONCE;
      if (areMany) await joinByHash(tx, true);
      await this.store.approve(tx, refs, { known, by: actor.id, person: actor.person });
      await this.intervals.approve(tx, known, refs);
      if (areMany) await joinByHash(tx, false);
      for (const { rules: own, version } of followed) await own.approved?.(tx, version);
      [refs, followed] = [[], []];
    };
    for await (const page of pagesOf(versions, TAKEN_AT_ONCE)) {
      for (const { record, open } of page) {
        requireMove('approve', record, open, actor);
        refs.push({ recordId: open.recordId, version: open.version });
        let own = rules.get(open.type);
        if (own === undefined) rules.set(open.type, (own = await this.checks.rules(tx, open.type)));
        if (own?.approved === undefined) continue;
        followed.push({ rules: own, version: { ...candidateOf(open, open), knownAt: known } });
      }
      await this.audit.recordAll(
        tx,
        page.map(({ open }) => ({ action: 'record.approved', object: objectOf(open), details: {}, at: known })),
      );
      if (refs.length >= WRITTEN_AT_ONCE) await write();
    }
    if (refs.length > 0) await write();
    await this.tellPosture(tx, known);
  }

  /** What of the posture depends on what has just become known. */
  private async tellPosture(tx: WriteTx, known: Date): Promise<void> {
    const { organizationId } = tx;
    for (const place of new Set([WHOLE, ...(await this.intervals.placesTold(tx, known))])) {
      const systemId = place === WHOLE ? '' : place;
      await this.queue.send(tx, 'posture', { organizationId, systemId, id: systemId || organizationId });
    }
    await tellNotices(tx, this.queue);
  }
}

/** Whoever wants to be told of it is not to wait. */
export async function tellNotices(tx: WriteTx, queue: Queue): Promise<void> {
  const { organizationId } = tx;
  await queue.send(tx, 'notice', { organizationId, systemId: '', id: organizationId });
}

async function* pagesOf<Item>(items: Iterable<Item> | AsyncIterable<Item>, size: number): AsyncGenerator<Item[]> {
  let page: Item[] = [];
  for await (const item of items) {
    page.push(item);
    if (page.length < size) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

/** Versions with their content. */
const TAKEN_AT_ONCE = 1_000;
/** Ids: a megabyte for each statement. */
const WRITTEN_AT_ONCE = 20_000;
