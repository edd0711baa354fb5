import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { AgentTrust, type AgentTrustRow } from './agent-trust.entity.js';

export interface AgentTrustFilter {
  systemId?: string | undefined;
  includeRevoked: boolean;
  after: string | null;
  limit: number;
}

const COLUMNS = `t.organization_id as "organizationId", t.id, t.system_id as "systemId", t.name, t.kind, t.issuer, t.jwks, t.audience,
  t.subject_pattern as "subjectPattern", t.signing_keys as "signingKeys", t.version, t.created_at as "createdAt", t.revoked_at as "revokedAt"`;

@Injectable()
export class AgentTrustStore {
  find(tx: Tx, id: string): Promise<AgentTrustRow | null> {
    return tx.manager.findOneBy(AgentTrust, { organizationId: tx.organizationId, id });
  }

  lock(tx: WriteTx, id: string): Promise<AgentTrustRow | null> {
    return tx.manager.findOne(AgentTrust, {
      where: { organizationId: tx.organizationId, id },
      lock: { mode: 'pessimistic_write' },
    });
  }

  /** What is trusted now of an issuer: neither revoked, nor of a retired system. Oldest first. */
  findInForce(tx: Tx, issuer: string): Promise<AgentTrustRow[]> {
    return tx.query<AgentTrustRow>(
      `select ${COLUMNS}
       from agent_trust t
       join system s on s.organization_id = t.organization_id and s.id = t.system_id and s.retired_at is null
       where t.organization_id = $1 and t.issuer = $2 and t.revoked_at is null
       order by t.id`,
      [tx.organizationId, issuer],
    );
  }

  async countInForce(tx: Tx): Promise<number> {
    const [row] = await tx.query<{ count: number }>(
      'select count(*)::int as count from agent_trust where organization_id = $1 and revoked_at is null',
      [tx.organizationId],
    );
    return row?.count ?? 0;
  }

  /** Until the transaction ends nobody else of the organisation trusts an agent: of two requests the second sees what the first has made. */
  async lockAll(tx: WriteTx): Promise<void> {
    await tx.execute('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`agents/${tx.organizationId}`]);
  }

  async insert(tx: WriteTx, row: AgentTrustRow): Promise<void> {
    await tx.insert({ entity: AgentTrust, row });
  }

  async revoke(tx: WriteTx, { id, version, revokedAt }: AgentTrustRow): Promise<void> {
    await tx.update(AgentTrust, { organizationId: tx.organizationId, id }, { version, revokedAt });
  }

  list(tx: Tx, filter: AgentTrustFilter): Promise<AgentTrustRow[]> {
    return tx.query<AgentTrustRow>(
      `select ${COLUMNS}
       from agent_trust t
       where t.organization_id = $1
         and ($2::uuid is null or t.system_id = $2)
         and ($3 or t.revoked_at is null)
         and ($4::uuid is null or t.id > $4)
       order by t.id
       limit $5`,
      [tx.organizationId, filter.systemId ?? null, filter.includeRevoked, filter.after, filter.limit],
    );
  }
}
