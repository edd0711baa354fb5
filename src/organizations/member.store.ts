import { Injectable } from '@nestjs/common';
import { IsNull } from 'typeorm';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { Member, type MemberRow } from './member.entity.js';
import type { MemberRole } from './member.schema.js';

export interface MemberFilter {
  role?: MemberRole | undefined;
  includeRemoved: boolean;
  after: string | null;
  limit: number;
}

@Injectable()
export class MemberStore {
  find(tx: Tx, id: string): Promise<MemberRow | null> {
    return tx.manager.findOneBy(Member, { organizationId: tx.organizationId, id });
  }

  findBySubject(tx: Tx, issuer: string, subject: string): Promise<MemberRow | null> {
    return tx.manager.findOneBy(Member, {
      organizationId: tx.organizationId,
      issuer,
      subject,
      removedAt: IsNull(),
    });
  }

  lock(tx: WriteTx, id: string): Promise<MemberRow | null> {
    return tx.manager.findOne(Member, {
      where: { organizationId: tx.organizationId, id },
      lock: { mode: 'pessimistic_write' },
    });
  }

  /**
   * The active admins, locked until the transaction ends. Whoever takes an admin's role away holds all of them: a second one waits here, and then
   * sees what the first has left. In the order of ids, so that two never wait for each other.
   */
  async lockAdmins(tx: WriteTx): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      `select id from member where organization_id = $1 and role = 'admin' and removed_at is null order by id for update`,
      [tx.organizationId],
    );
    return rows.map((row) => row.id);
  }

  async insert(tx: WriteTx, row: MemberRow): Promise<void> {
    await tx.insert({ entity: Member, row });
  }

  async update(tx: WriteTx, { id, name, role, version, removedAt }: MemberRow): Promise<void> {
    await tx.update(Member, { organizationId: tx.organizationId, id }, { name, role, version, removedAt });
  }

  list(tx: Tx, filter: MemberFilter): Promise<MemberRow[]> {
    return tx.query<MemberRow>(
      `select organization_id as "organizationId", id, issuer, subject, name, role, version,
              created_at as "createdAt", removed_at as "removedAt"
       from member
       where organization_id = $1
         and ($2::text is null or role = $2)
         and ($3 or removed_at is null)
         and ($4::uuid is null or id > $4)
       order by id
       limit $5`,
      [tx.organizationId, filter.role ?? null, filter.includeRemoved, filter.after, filter.limit],
    );
  }

  /** Whether the transaction's person is a member of any organisation: what row-level security's policy `self` shows. */
  async isMemberAnywhere(tx: Tx): Promise<boolean> {
    const rows = await tx.query(
      'select 1 from member where issuer = $1 and subject = $2 and removed_at is null limit 1',
      [tx.principal.issuer, tx.principal.subject],
    );
    return rows.length > 0;
  }
}
