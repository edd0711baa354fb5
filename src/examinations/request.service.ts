import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { Catalog } from '../catalog/catalog.js';
import { EngagementService } from '../engagements/engagement.service.js';
import type { Action } from '../audit/event.js';
import { Clock } from '../kernel/clock.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import { newId } from '../kernel/ids.js';
import { requireVersion } from '../organizations/version.js';
import { isWaiting, moved, type Move } from './moves.js';
import type { MoveRow, RequestRow } from './request.entity.js';
import type { NewRequest, RequestAnswer, RequestDecision, RequestView } from './request.schema.js';
import { RequestStore, type RequestFilter } from './request.store.js';
import { ScopeService } from './scope.service.js';

type Said = Pick<MoveRow, 'comment' | 'records' | 'evidence' | 'packages'>;

export const EVENTS: Readonly<Record<Move, Action>> = {
  open: 'evidence_request.opened',
  answer: 'evidence_request.answered',
  accept: 'evidence_request.accepted',
  return: 'evidence_request.returned',
  withdraw: 'evidence_request.withdrawn',
  comment: 'evidence_request.commented',
};

/** Things said and done of one request at most: a list of them is read at once. */
const MAX_MOVES = 1_000;

@Injectable()
export class RequestService {
  constructor(
    private readonly store: RequestStore,
    private readonly scope: ScopeService,
    private readonly engagements: EngagementService,
    private readonly catalog: Catalog,
    private readonly audit: AuditService,
    private readonly clock: Clock,
  ) {}

  async open(tx: WriteTx, engagementId: string, asked: NewRequest): Promise<RequestView> {
    const control = asked.control === undefined ? null : this.catalog.control(asked.control);
    if (asked.control !== undefined && control === null) {
      throw new Refusal('invalid-request', 'The catalogue has no such control.', { pointer: '/control' });
    }
    const row: RequestRow = {
      organizationId: tx.organizationId,
      engagementId,
      id: newId(),
      title: asked.title,
      what: asked.what,
      control: control?.id ?? null,
      dueAt: asked.dueAt === undefined ? null : new Date(asked.dueAt),
      state: 'open',
      version: 1,
      createdAt: this.clock.now(),
    };
    await this.store.insert(tx, row, this.moveOf(tx, row, 'open', 1, NOTHING));
    await this.record(tx, row, 'open', {
      ...{ title: row.title, what: row.what, control: row.control, dueAt: row.dueAt?.toISOString() ?? null },
    });
    return this.read(tx, engagementId, row.id);
  }

  /** In the order in which they were asked. */
  async list(tx: Tx, engagementId: string, filter: RequestFilter) {
    await this.engagements.scopeOf(tx, engagementId);
    const now = this.clock.now();
    return (await this.store.list(tx, engagementId, filter)).map((row) => summaryOf(row, now));
  }

  async read(tx: Tx, engagementId: string, id: string): Promise<RequestView> {
    const row = found(await this.store.find(tx, engagementId, id));
    const moves = await this.store.moves(tx, engagementId, id);
    return { ...summaryOf(row, this.clock.now()), moves: moves.map(moveView) };
  }

  /** Hands over what is within the engagement's scope, and refuses what is not. */
  async answer(
    tx: WriteTx,
    engagementId: string,
    id: string,
    ifMatch: number | null,
    { comment, ...links }: RequestAnswer,
  ): Promise<RequestView> {
    const row = found(await this.store.lock(tx, engagementId, id));
    requireVersion(row.version, ifMatch);
    await this.scope.requireWithin(tx, await this.engagements.scopeOf(tx, engagementId), links);
    const view = await this.move(tx, row, 'answer', { comment, ...links });
    for (const packageId of new Set(links.packages)) await this.engagements.sharePackage(tx, engagementId, packageId);
    return view;
  }

  async decide(
    tx: WriteTx,
    engagementId: string,
    id: string,
    ifMatch: number | null,
    { decision, comment }: RequestDecision,
  ): Promise<RequestView> {
    const row = found(await this.store.lock(tx, engagementId, id));
    requireVersion(row.version, ifMatch);
    return this.move(tx, row, decision, { ...NOTHING, comment });
  }

  async comment(tx: WriteTx, engagementId: string, id: string, comment: string): Promise<RequestView> {
    return this.move(tx, found(await this.store.lock(tx, engagementId, id)), 'comment', { ...NOTHING, comment });
  }

  private async move(tx: WriteTx, row: RequestRow, move: Exclude<Move, 'open'>, said: Said): Promise<RequestView> {
    const state = moved(row.state, move);
    if (state === null) {
      throw new Refusal('move-refused', `What is ${row.state} cannot do this.`, { extra: { move, state: row.state } });
    }
    const number = row.version + 1;
    if (number > MAX_MOVES) throw new Refusal('move-refused', 'More is not said of one request. Ask anew.');
    const next = { ...row, state, version: number };
    await this.store.move(tx, next, this.moveOf(tx, row, move, number, said));
    await this.record(tx, next, move, { ...said });
    return this.read(tx, row.engagementId, row.id);
  }

  /** Each move raises the version by one, so that its number is the version that it made. */
  private moveOf(tx: WriteTx, row: RequestRow, move: Move, number: number, said: Said): MoveRow {
    const { organizationId, engagementId, id: requestId } = row;
    const { comment, records, evidence, packages } = said;
    return {
      organizationId,
      engagementId,
      requestId,
      number,
      move,
      at: this.clock.now(),
      by: tx.principal.id,
      comment,
      records: [...new Set(records)],
      evidence: [...new Set(evidence)],
      packages: [...new Set(packages)],
    };
  }

  private async record(
    tx: WriteTx,
    { id, engagementId, version }: RequestRow,
    move: Move,
    said: Record<string, string | string[] | null>,
  ): Promise<void> {
    await this.audit.record(tx, {
      action: EVENTS[move],
      object: { kind: 'evidence_request', id, version },
      details: { engagementId, ...said },
    });
  }
}

const NOTHING: Said = { comment: '', records: [], evidence: [], packages: [] };

function found(row: RequestRow | null): RequestRow {
  if (row === null) throw new Refusal('not-found', 'The engagement has no such request.');
  return row;
}

const summaryOf = ({ id, title, what, control, dueAt, state, version, createdAt }: RequestRow, now: Date) => ({
  id,
  title,
  what,
  control,
  dueAt: dueAt?.toISOString() ?? null,
  state,
  isOverdue: isWaiting(state) && dueAt !== null && dueAt < now,
  version,
  createdAt: createdAt.toISOString(),
});

const moveView = ({ number, move, at, by, comment, records, evidence, packages }: MoveRow) => ({
  number,
  move,
  at: at.toISOString(),
  by,
  comment,
  records,
  evidence,
  packages,
});
