import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { idsOf, rowsOf } from '../kernel/db/rows.js';
import type { RequestState } from './moves.js';
import { EvidenceRequest, EvidenceRequestMove, type MoveRow, type RequestRow } from './request.entity.js';

export interface RequestFilter {
  state?: RequestState | undefined;
  after: string | null;
  limit: number;
}

@Injectable()
export class RequestStore {
  find(tx: Tx, engagementId: string, id: string): Promise<RequestRow | null> {
    return tx.manager.findOneBy(EvidenceRequest, { organizationId: tx.organizationId, engagementId, id });
  }

  lock(tx: WriteTx, engagementId: string, id: string): Promise<RequestRow | null> {
    return tx.manager.findOne(EvidenceRequest, {
      where: { organizationId: tx.organizationId, engagementId, id },
      lock: { mode: 'pessimistic_write' },
    });
  }

  /** With what opened it. */
  async insert(tx: WriteTx, row: RequestRow, opened: MoveRow): Promise<void> {
    await tx.insert({ entity: EvidenceRequest, row }, { entity: EvidenceRequestMove, row: opened });
  }

  /** Where it stands now, and what brought it there. */
  async move(tx: WriteTx, { engagementId, id, state, version }: RequestRow, move: MoveRow): Promise<void> {
    await tx.update(EvidenceRequest, { organizationId: tx.organizationId, engagementId, id }, { state, version });
    await tx.insert({ entity: EvidenceRequestMove, row: move });
  }

  ids(tx: Tx, after: string | null, limit: number): Promise<string[]> {
    return idsOf(tx, EvidenceRequest, 'id', after, limit);
  }

  rows(tx: Tx, ids: readonly string[]): Promise<RequestRow[]> {
    return rowsOf(tx, EvidenceRequest, 'id', ids);
  }

  /** Of requests of which there are moves. */
  movedIds(tx: Tx, after: string | null, limit: number): Promise<string[]> {
    return idsOf(tx, EvidenceRequestMove, 'requestId', after, limit);
  }

  movesOf(tx: Tx, requestIds: readonly string[]): Promise<MoveRow[]> {
    return rowsOf(tx, EvidenceRequestMove, 'requestId', requestIds);
  }

  /** In their order. */
  moves(tx: Tx, engagementId: string, requestId: string): Promise<MoveRow[]> {
    return tx.manager.find(EvidenceRequestMove, {
      where: { organizationId: tx.organizationId, engagementId, requestId },
      order: { number: 'ASC' },
    });
  }

  /** By id: in the order in which they were asked. */
  list(tx: Tx, engagementId: string, { state, after, limit }: RequestFilter): Promise<RequestRow[]> {
    const query = tx.manager
      .createQueryBuilder(EvidenceRequest, 'r')
      .where('r.organization_id = :organizationId and r.engagement_id = :engagementId', {
        organizationId: tx.organizationId,
        engagementId,
      });
    if (state !== undefined) query.andWhere('r.state = :state', { state });
    if (after !== null) query.andWhere('r.id > :after', { after });
    return query.orderBy('r.id').limit(limit).getMany();
  }
}
