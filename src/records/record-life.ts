import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import type { Action } from '../audit/event.js';
import { EvidenceService } from '../evidence/evidence.service.js';
import { Clock } from '../kernel/clock.js';
import type { JsonValue } from '../kernel/crypto/canonical-json.js';
import type { WriteTx } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import { newId } from '../kernel/ids.js';
import { Queue } from '../kernel/queue.js';
import { requireVersion } from '../organizations/version.js';
import type { RecordLink } from './effective.js';
import { IntervalStore, type VersionRef } from './interval.store.js';
import { actorOf, refuseFaults, requireMove, type Actor } from './life.js';
import { MOVES, type Move } from './moves.js';
import { RecordApproval, tellNotices } from './record-approval.js';
import { RecordCheck } from './record-check.js';
import { RetentionStore } from './retention.store.js';
import { RecordsStore, type RecordRow, type VersionRow } from './records.store.js';
import { secretFaults } from './secrets.js';
import { objectOf } from './version-object.js';

export interface NewRecord {
  type: string;
  title: string;
  ownerId: string;
  systemIds: readonly string[];
  effectiveFrom: Date;
  fields: Readonly<Record<string, unknown>>;
  links: readonly RecordLink[];
}

/** What is given replaces what was there. */
export type RecordEdit = {
  [Member in keyof Omit<NewRecord, 'type'>]?: NewRecord[Member] | undefined;
} & { reason?: string | undefined };

/** A record that is being moved: locked, with its open version. */
interface Moving {
  record: RecordRow;
  open: VersionRow | null;
  actor: Actor;
}

/** The moves of a record. Each is one transaction: the version, the move and the audit event. */
@Injectable()
export class RecordLife {
  constructor(
    private readonly store: RecordsStore,
    private readonly intervals: IntervalStore,
    private readonly checks: RecordCheck,
    private readonly approval: RecordApproval,
    private readonly retention: RetentionStore,
    private readonly evidence: EvidenceService,
    private readonly audit: AuditService,
    private readonly queue: Queue,
    private readonly clock: Clock,
  ) {}

  async create(tx: WriteTx, { type, ...content }: NewRecord): Promise<string> {
    const actor = actorOf(tx.principal);
    const definition = await this.checks.requireType(tx, type);
    const now = this.clock.now();
    const record: RecordRow = {
      organizationId: tx.organizationId,
      id: newId(),
      type,
      naturalKey: '',
      revision: 1,
      lastVersion: 1,
      approvedVersion: null,
      openVersion: 1,
      createdAt: now,
      createdBy: actor.id,
    };
    const version: VersionRow = {
      organizationId: tx.organizationId,
      recordId: record.id,
      version: 1,
      kind: 'content',
      state: 'draft',
      type,
      typeVersion: definition.version,
      title: content.title,
      ownerId: content.ownerId,
      fields: { ...content.fields },
      systemIds: sortedIds(content.systemIds),
      effectiveFrom: content.effectiveFrom,
      ...NOTHING_FOUND,
      goodFrom: content.effectiveFrom,
      naturalKey: '',
      links: [...content.links],
      documents: [],
      reason: null,
      hands: [actor.person],
      createdAt: now,
      createdBy: actor.id,
      ...UNDECIDED,
    };
    refuseFaults(await this.checks.draftFaults(tx, version));
    await this.store.insert(tx, record);
    await this.begin(tx, version, 'create', actor, null);
    return record.id;
  }

  /** A next version, to be edited: as the last approved one is. */
  async revise(tx: WriteTx, id: string, ifMatch: number | null): Promise<void> {
    const moving = await this.moving(tx, id, ifMatch, 'revise');
    const last = await this.lastContent(tx, moving.record);
    await this.open(tx, moving, 'revise', { ...last, kind: 'content', reason: null });
  }

  /** A next version that says from when on the record is no more. */
  async end(tx: WriteTx, id: string, ifMatch: number | null, effectiveFrom: Date, reason: string): Promise<void> {
    refuseFaults(secretFaults({ reason }));
    const moving = await this.moving(tx, id, ifMatch, 'end');
    const last = await this.lastContent(tx, moving.record);
    await this.open(tx, moving, 'end', { ...last, kind: 'end', effectiveFrom, reason });
  }

  async edit(tx: WriteTx, id: string, ifMatch: number | null, edit: RecordEdit): Promise<void> {
    const { record, open, actor } = await this.draft(tx, id, ifMatch, 'edit');
    const { reason, effectiveFrom, ...content } = edit;
    const given = Object.values(content).some((value) => value !== undefined);
    if (open.kind === 'end' ? given : reason !== undefined) {
      const detail =
        open.kind === 'end'
          ? 'An end has an effectiveFrom and a reason; its content is that of what it ends.'
          : 'A reason is of an end.';
      throw new Refusal('record-refused', detail, { pointer: '' });
    }
    const changed: Partial<VersionRow> = {
      ...(content.title === undefined ? {} : { title: content.title }),
      ...(content.ownerId === undefined ? {} : { ownerId: content.ownerId }),
      ...(content.systemIds === undefined ? {} : { systemIds: sortedIds(content.systemIds) }),
      ...(content.fields === undefined ? {} : { fields: { ...content.fields } }),
      ...(content.links === undefined ? {} : { links: [...content.links] }),
      ...(effectiveFrom === undefined ? {} : { effectiveFrom }),
      ...(reason === undefined ? {} : { reason }),
    };
    // What stands there already was judged when it was written, and is again when it is submitted.
    refuseFaults(await this.checks.draftFaults(tx, changed));
    await this.change(tx, record, { ...open, ...changed }, actor, 'edit', changed, null);
  }

  /** Changes the documents of the draft. */
  async changeDocuments(
    tx: WriteTx,
    id: string,
    ifMatch: number | null,
    action: Extract<Action, 'document.added' | 'document.removed'>,
    evidenceId: string,
    change: (documents: VersionRow['documents'], actor: Actor, now: Date) => VersionRow['documents'],
  ): Promise<void> {
    const { record, open, actor } = await this.draft(tx, id, ifMatch, 'edit');
    if (open.kind === 'end') {
      throw new Refusal('move-refused', 'An end has the documents of what it ends.', { extra: { move: 'edit' } });
    }
    const documents = change(open.documents, actor, this.clock.now());
    if (documents.length > MAX_DOCUMENTS) {
      throw new Refusal('document-refused', `A version has at most ${MAX_DOCUMENTS} documents.`);
    }
    await this.keepDocuments(tx, { recordId: id, version: open.version }, documents);
    await this.change(tx, record, { ...open, documents }, actor, 'edit', { documents }, null, { action, evidenceId });
  }

  /** Checks all that its type asks. */
  async submit(tx: WriteTx, id: string, ifMatch: number | null): Promise<void> {
    const { record, open, actor } = await this.draft(tx, id, ifMatch, 'submit');
    const { checked, faults } = await this.checks.check(tx, open);
    refuseFaults(faults);
    if (record.naturalKey !== '' && checked.naturalKey !== record.naturalKey) {
      throw new Refusal('record-refused', 'The key of a record stays what it was; its title may change.', {
        pointer: '/fields',
      });
    }
    const { typeVersion, fields, naturalKey, subject, subjectId, goodFrom, expiresAt, outcome, fails, about, links } =
      checked;
    const changed: Partial<VersionRow> = {
      ...{ typeVersion, fields, naturalKey, subject, subjectId, goodFrom, expiresAt, outcome, fails, about, links },
      state: 'submitted',
      submittedAt: this.clock.now(),
      submittedBy: actor.id,
    };
    await this.change(tx, record, { ...open, ...changed }, actor, 'submit', changed, null);
    if (record.naturalKey !== naturalKey) await this.store.change(tx, id, { naturalKey });
    await tellNotices(tx, this.queue);
  }

  async recall(tx: WriteTx, id: string, ifMatch: number | null): Promise<void> {
    const { record, open, actor } = await this.draft(tx, id, ifMatch, 'recall');
    const changed: Partial<VersionRow> = { state: 'draft', submittedAt: null, submittedBy: null };
    await this.change(tx, record, open, actor, 'recall', changed, null);
  }

  async abandon(tx: WriteTx, id: string, ifMatch: number | null, reason: string): Promise<void> {
    refuseFaults(secretFaults({ reason }));
    const { record, open, actor } = await this.draft(tx, id, ifMatch, 'abandon');
    const changed: Partial<VersionRow> = {
      state: 'withdrawn',
      decidedAt: this.clock.now(),
      decidedBy: actor.id,
      decidedPerson: actor.person,
    };
    await this.change(tx, record, open, actor, 'abandon', changed, reason);
    // What never was does not keep a key from what is.
    const freed = record.approvedVersion === null ? { naturalKey: '' } : {};
    await this.store.change(tx, id, { openVersion: null, ...freed });
  }

  async reject(tx: WriteTx, id: string, ifMatch: number | null, reason: string): Promise<void> {
    refuseFaults(secretFaults({ reason }));
    const { record, open, actor } = await this.draft(tx, id, ifMatch, 'reject');
    const changed: Partial<VersionRow> = { state: 'draft', submittedAt: null, submittedBy: null };
    await this.change(tx, record, open, actor, 'reject', changed, reason);
  }

  /** The second of two people says that it is so. From then on it is known. */
  async approve(tx: WriteTx, id: string, ifMatch: number | null): Promise<void> {
    actorOf(tx.principal);
    // Before any record is locked: whoever decides on many takes them in the same order, and no two wait for each other.
    const known = await this.intervals.lockDecisions(tx);
    const { record, open } = await this.draft(tx, id, ifMatch, 'approve');
    const { faults } = await this.checks.check(tx, open);
    refuseFaults(faults);
    await this.approval.approve(tx, [{ record, open }], known);
  }

  /** The record, locked, at the revision that was read, from which the move is allowed. */
  private async moving(tx: WriteTx, id: string, ifMatch: number | null, move: Move): Promise<Moving> {
    const actor = actorOf(tx.principal);
    const record = await this.store.lock(tx, id);
    if (record === null) throw new Refusal('not-found', 'There is no such record.');
    requireVersion(record.revision, ifMatch);
    const open = record.openVersion === null ? null : await this.store.findVersion(tx, id, record.openVersion);
    requireMove(move, record, open, actor);
    return { record, open, actor };
  }

  private async draft(
    tx: WriteTx,
    id: string,
    ifMatch: number | null,
    move: Exclude<Move, 'create' | 'revise' | 'end'>,
  ): Promise<Moving & { open: VersionRow }> {
    const { open, ...moving } = await this.moving(tx, id, ifMatch, move);
    if (open === null) throw new Error('a move of an open version found none');
    return { ...moving, open };
  }

  /** What the record is, or was before it ended. */
  private async lastContent(tx: WriteTx, record: RecordRow): Promise<VersionRow> {
    const approved = (await this.store.versions(tx, record.id)).filter(({ state }) => state === 'approved');
    const last = approved.findLast(({ kind }) => kind === 'content');
    if (last === undefined) throw new Error('an approved record has no content');
    if (last.disposedAt !== null) throw new Refusal('disposed', 'The record was disposed of. Create another.');
    return last;
  }

  private async open(tx: WriteTx, { record, actor }: Moving, move: 'revise' | 'end', from: VersionRow): Promise<void> {
    const version: VersionRow = {
      ...from,
      version: record.lastVersion + 1,
      state: 'draft',
      hands: [actor.person],
      createdAt: this.clock.now(),
      createdBy: actor.id,
      ...UNDECIDED,
    };
    await this.store.change(tx, record.id, {
      revision: record.revision + 1,
      lastVersion: version.version,
      openVersion: version.version,
    });
    await this.begin(tx, version, move, actor, move === 'end' ? from.reason : null);
    await this.keepDocuments(tx, { recordId: record.id, version: version.version }, version.documents);
  }

  /** A disposal at the same time either sees that the evidence is named, or is seen here. */
  private async keepDocuments(tx: WriteTx, ref: VersionRef, documents: VersionRow['documents']): Promise<void> {
    const named = [...new Set(documents.map(({ evidenceId }) => evidenceId))];
    await this.retention.lockEvidence(tx, named);
    for (const id of named) {
      if (!(await this.evidence.isKept(tx, id))) {
        throw new Refusal('disposed', 'A document of it was disposed of.', { extra: { evidenceId: id } });
      }
    }
    await this.store.keepDocuments(tx, ref, named);
  }

  private async begin(
    tx: WriteTx,
    version: VersionRow,
    move: Move,
    actor: Actor,
    reason: string | null,
  ): Promise<void> {
    await this.store.insertVersion(tx, version);
    await this.store.keepMoves(tx, [version], move, { at: version.createdAt, by: actor.id, reason });
    await this.record(tx, move === 'create' ? 'record.created' : 'record.revised', version, {
      title: version.title,
      type: version.type,
      kind: version.kind,
      reason,
    });
  }

  /** Writes what a move changes of the open version. `version`: as it is then. */
  private async change(
    tx: WriteTx,
    record: RecordRow,
    version: VersionRow,
    actor: Actor,
    move: Exclude<Move, 'create' | 'revise' | 'end' | 'approve'>,
    changed: Partial<VersionRow>,
    reason: string | null,
    document: { action: Action; evidenceId: string } | null = null,
  ): Promise<void> {
    const ref: VersionRef = { recordId: record.id, version: version.version };
    const hands = MOVES[move].addsHand ? [...new Set([...version.hands, actor.person])] : version.hands;
    await this.store.changeVersion(tx, ref, { ...changed, hands });
    await this.store.change(tx, record.id, { revision: record.revision + 1 });
    await this.store.keepMoves(tx, [ref], move, { at: this.clock.now(), by: actor.id, reason });
    await this.record(tx, document?.action ?? PAST_TENSE[move], version, {
      ...(move === 'edit' ? { changed: Object.keys(changed) } : {}),
      ...(document === null ? {} : { evidence: document.evidenceId }),
      reason,
    });
  }

  private async record(tx: WriteTx, action: Action, version: VersionRow, details: JsonValue): Promise<void> {
    await this.audit.record(tx, { action, object: objectOf(version), details });
  }
}

/** More than any auditor reads of one version. */
const MAX_DOCUMENTS = 200;

const PAST_TENSE = {
  edit: 'record.edited',
  submit: 'record.submitted',
  recall: 'record.recalled',
  reject: 'record.rejected',
  abandon: 'record.abandoned',
} as const satisfies Partial<Record<Move, Action>>;

/** Of a version that was not checked yet. */
export const NOTHING_FOUND = {
  expiresAt: null,
  subject: null,
  subjectId: null,
  outcome: null,
  fails: false,
  about: [],
};

export const UNDECIDED = {
  submittedAt: null,
  submittedBy: null,
  decidedAt: null,
  decidedBy: null,
  decidedPerson: null,
  disposedAt: null,
};

const sortedIds = (ids: readonly string[]): string[] => [...new Set(ids)].sort();
