import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { EvidenceService } from '../evidence/evidence.service.js';
import { Clock } from '../kernel/clock.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import { Refusal } from '../kernel/http/problem.js';
import { newId } from '../kernel/ids.js';
import type { ApprovedRecord, PastRecord } from './effective.js';
import { IntervalStore, type VersionRef } from './interval.store.js';
import { actorOf, refuseFaults, type Actor } from './life.js';
import { Batch } from './record-batch.js';
import {
  RecordBulkStore,
  type EffectivePage,
  type NewVersion,
  type PastPage,
  type Period,
  type StandingRecord,
} from './record-bulk.store.js';
import { candidateOf, RecordCheck } from './record-check.js';
import { RecordApproval, type Submitted } from './record-approval.js';
import { NOTHING_FOUND, UNDECIDED, type NewRecord } from './record-life.js';
import { objectOf } from './version-object.js';
import { RecordsStore, type RecordRow, type VersionRow } from './records.store.js';
import { RetentionStore } from './retention.store.js';
import type { RecordFault } from './rules.js';
import { secretFaults } from './secrets.js';
import type { TypeInForce } from './types/record-types.service.js';

/** Records read and locked by one statement. */
const PAGE = 1_000;
/** Faults that a refusal of many tells of. */
const MAX_FAULTS = 50;

/**
 * Records of whose type rules speak that are written or decided on together: each is held against its neighbours and all the others at once. A table of more is sent
 * in parts.
 */
export const MAX_WITH_RULES = 5_000;

/** A record as a table finds it: what is in effect of it at last, and what is open. */
export type { NewVersion, StandingRecord } from './record-bulk.store.js';

/** Many records at once: what a table of them becomes. The moves are those of one record (moves.ts), by a fixed number of statements for a thousand. */
@Injectable()
export class RecordBulk {
  constructor(
    private readonly records: RecordsStore,
    private readonly store: RecordBulkStore,
    private readonly intervals: IntervalStore,
    private readonly checks: RecordCheck,
    private readonly approval: RecordApproval,
    private readonly retention: RetentionStore,
    private readonly evidence: EvidenceService,
    private readonly audit: AuditService,
    private readonly clock: Clock,
  ) {}

  /** Refuses a type that is not there. `hasRules`: see MAX_WITH_RULES. */
  async type(tx: Tx, type: string): Promise<TypeInForce & { hasRules: boolean }> {
    return { ...(await this.checks.requireType(tx, type)), hasRules: (await this.checks.rules(tx, type)) !== null };
  }

  /** All records of a type, by id. */
  async *standing(tx: Tx, type: string): AsyncGenerator<StandingRecord[], void> {
    for (let after: string | null = null; ;) {
      const page: StandingRecord[] = await this.store.standing(tx, type, after, PAGE);
      if (page.length > 0) yield page;
      if (page.length < PAGE) return;
      after = page.at(-1)?.record.id ?? null;
    }
  }

  /** Those of the records, as they are now. */
  read(tx: Tx, ids: readonly string[]): Promise<StandingRecord[]> {
    return this.store.find(tx, ids);
  }

  idsByKey(tx: Tx, type: string, keys: readonly string[]): Promise<Map<string, string>> {
    return this.store.idsByKey(tx, type, keys);
  }

  keysById(tx: Tx, ids: readonly string[]): Promise<Map<string, { type: string; key: string }>> {
    return this.store.keysById(tx, ids);
  }

  /** A page of the records of a type in effect at an instant, by id. */
  effective(tx: Tx, type: string, instant: Instant, page: EffectivePage): Promise<ApprovedRecord[]> {
    return this.store.effective(tx, type, instant, page);
  }

  /** The types of which anything is in effect in one of the places, by name. */
  effectiveTypes(tx: Tx, instant: Instant, places: readonly string[]): Promise<string[]> {
    return this.store.effectiveTypes(tx, instant, places);
  }

  /** A page of the versions of a type that were in effect within a period and no longer at its end, by id and version. */
  past(tx: Tx, type: string, period: Period, page: PastPage): Promise<PastRecord[]> {
    return this.store.past(tx, type, period, page);
  }

  /** The types of which there are such versions, by name. */
  pastTypes(tx: Tx, period: Period): Promise<string[]> {
    return this.store.pastTypes(tx, period);
  }

  /** A first version, or the next one of `last`'s record, with its documents: not checked, and not written yet. */
  draft({ type, ...content }: NewRecord, last: VersionRow | null, version: number, hand: Actor): NewVersion {
    const now = this.clock.now();
    const id = last?.recordId ?? newId();
    const draft: VersionRow = {
      organizationId: '',
      recordId: id,
      version,
      kind: 'content',
      state: 'draft',
      type,
      typeVersion: '',
      title: content.title,
      ownerId: content.ownerId,
      fields: { ...content.fields },
      systemIds: [...new Set(content.systemIds)].sort(),
      effectiveFrom: content.effectiveFrom,
      ...NOTHING_FOUND,
      goodFrom: content.effectiveFrom,
      naturalKey: '',
      links: [...content.links],
      documents: last?.documents ?? [],
      reason: null,
      hands: [hand.person],
      createdAt: now,
      createdBy: hand.id,
      ...UNDECIDED,
    };
    const record: RecordRow = {
      organizationId: '',
      id,
      type,
      naturalKey: '',
      revision: 1,
      lastVersion: 1,
      approvedVersion: null,
      openVersion: 1,
      createdAt: now,
      createdBy: hand.id,
    };
    return { version: draft, record: last === null ? record : null };
  }

  /**
   * The version submitted, with what was found in it; or why it cannot be. What lacks nothing but documents stays a draft, for a table brings none: `faults` is empty
   * then too. `naturalKey`: that of its record, which stays.
   */
  async submit(
    tx: Tx,
    made: NewVersion,
    naturalKey: string,
    batch: Batch,
  ): Promise<{ made: NewVersion; faults: RecordFault[] }> {
    const { checked, faults } = await this.checks.check(tx, made.version, batch);
    const version = { ...made.version, ...checked };
    if (naturalKey !== '' && checked.naturalKey !== naturalKey && faults.length === 0) {
      faults.push({ pointer: '/fields', detail: 'The key of a record stays what it was; its title may change.' });
    }
    const others = faults.filter(({ pointer }) => pointer !== '/documents');
    if (faults.length > 0) {
      return { made: { ...made, version: { ...version, naturalKey: '' } }, faults: others };
    }
    const submitted: VersionRow = {
      ...version,
      state: 'submitted',
      submittedAt: version.createdAt,
      submittedBy: version.createdBy,
    };
    const record = made.record === null ? null : { ...made.record, naturalKey: version.naturalKey, revision: 2 };
    return { made: { version: submitted, record }, faults: [] };
  }

  /** Writes versions, at most a thousand. Throws where somebody has begun another version of one of the records: then all of it is to be read anew. */
  async keep(tx: WriteTx, versions: readonly NewVersion[], hand: Actor): Promise<void> {
    const named = new Set(versions.flatMap(({ version }) => version.documents.map(({ evidenceId }) => evidenceId)));
    await this.retention.lockEvidence(tx, [...named]);
    for (const id of named) {
      if (await this.evidence.isKept(tx, id)) continue;
      throw new Refusal('disposed', 'A document of a record was disposed of.', { extra: { evidenceId: id } });
    }
    if (!(await this.store.insert(tx, versions))) throw new Error('a record was changed while a table was read');
    const moves = [
      ['create', ({ record }: NewVersion) => record !== null],
      ['revise', ({ record }: NewVersion) => record === null],
      ['submit', ({ version }: NewVersion) => version.state === 'submitted'],
    ] as const;
    for (const [move, isOf] of moves) {
      const moved = versions.filter(isOf).map(({ version }) => version);
      await this.records.keepMoves(tx, moved, move, { at: this.clock.now(), by: hand.id, reason: null });
    }
  }

  /**
   * Approves those of the versions that still wait, all of them or none: as one person approves one record, under the same lock. Each is held against the others as
   * well. Returns how many.
   */
  async approve(tx: WriteTx, type: string, pages: AsyncIterable<readonly VersionRef[]>): Promise<number> {
    actorOf(tx.principal);
    const known = await this.intervals.lockDecisions(tx);
    const hasRules = (await this.checks.rules(tx, type)) !== null;
    let count = 0;
    const counted = async function* (submitted: AsyncIterable<Submitted>): AsyncGenerator<Submitted, void> {
      for await (const one of submitted) {
        count++;
        yield one;
      }
    };
    const checked = hasRules ? this.checkedTogether(tx, pages) : this.checkedByPage(tx, pages);
    await this.approval.approve(tx, counted(checked), known);
    return count;
  }

  /** Withdraws those of the versions that still wait. Returns how many. */
  async abandon(tx: WriteTx, pages: AsyncIterable<readonly VersionRef[]>, reason: string): Promise<number> {
    const { id, person } = actorOf(tx.principal);
    refuseFaults(secretFaults({ reason }));
    let count = 0;
    for await (const page of pages) {
      const versions = (await this.submitted(tx, page)).map(({ open }) => open);
      const at = this.clock.now();
      await this.store.abandon(tx, versions, { known: at, by: id, person });
      await this.records.keepMoves(tx, versions, 'abandon', { at, by: id, reason });
      await this.audit.recordAll(
        tx,
        versions.map((version) => ({
          action: 'record.abandoned',
          object: objectOf(version),
          details: { reason },
        })),
      );
      count += versions.length;
    }
    return count;
  }

  private async *checkedByPage(
    tx: WriteTx,
    pages: AsyncIterable<readonly VersionRef[]>,
  ): AsyncGenerator<Submitted, void> {
    const batch = new Batch();
    for await (const page of pages) {
      const submitted = await this.submitted(tx, page);
      await this.requireSound(tx, submitted, batch);
      yield* submitted;
    }
  }

  private async *checkedTogether(
    tx: WriteTx,
    pages: AsyncIterable<readonly VersionRef[]>,
  ): AsyncGenerator<Submitted, void> {
    const submitted: Submitted[] = [];
    for await (const page of pages) submitted.push(...(await this.submitted(tx, page)));
    const peers = submitted.map(({ open }) => candidateOf(open, open));
    await this.requireSound(tx, submitted, new Batch(peers));
    yield* submitted;
  }

  private async requireSound(tx: WriteTx, submitted: readonly Submitted[], batch: Batch): Promise<void> {
    const found: (RecordFault & { recordId: string })[] = [];
    for (const { open } of submitted) {
      const { faults } = await this.checks.check(tx, open, batch);
      found.push(...faults.map((fault) => ({ ...fault, recordId: open.recordId })));
    }
    const [first] = found;
    if (first === undefined) return;
    throw new Refusal('record-refused', `${found.length} faults in its records: none of them is approved.`, {
      pointer: first.pointer,
      extra: {
        faults: found.slice(0, MAX_FAULTS).map(({ recordId, pointer, detail }) => ({ recordId, pointer, detail })),
      },
    });
  }

  /** Those that wait as they were written: what was recalled, rejected or decided on by itself is not meant any more. */
  private async submitted(tx: WriteTx, page: readonly VersionRef[]): Promise<Submitted[]> {
    const meant = new Map(page.map(({ recordId, version }) => [recordId, version]));
    return (await this.store.lock(tx, [...meant.keys()])).flatMap(({ record, open }) =>
      open?.state === 'submitted' && open.version === meant.get(record.id) ? [{ record, open }] : [],
    );
  }
}
