import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { PinnedKeys } from './public-keys.js';
import { System } from './system.entity.js';
import type { AgentKind } from './agent-trust.schema.js';

/** Which tokens are an agent of which system. Never edited: a change is a new trust, so that the log tells who could post when. */
@Entity('agent_trust')
@ForeignKey(() => System, ['organizationId', 'systemId'], ['organizationId', 'id'], { name: 'agent_trust_system' })
@Check('agent_trust_kind', `kind in ('client_credentials', 'kubernetes')`)
@Index('agent_trust_issuer', ['organizationId', 'issuer'], { where: 'revoked_at is null' })
export class AgentTrust {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'agent_trust_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'agent_trust_pk' })
  id!: string;
  @Column('uuid')
  systemId!: string;
  @Column('text')
  name!: string;
  @Column('text')
  kind!: AgentKind;
  @Column('text')
  issuer!: string;
  @Column('jsonb', { nullable: true })
  jwks!: PinnedKeys | null;
  @Column('text')
  audience!: string;
  @Column('text')
  subjectPattern!: string;
  @Column('text', { array: true })
  signingKeys!: string[];
  @Column('integer')
  version!: number;
  @Column('timestamptz')
  createdAt!: Date;
  @Column('timestamptz', { nullable: true })
  revokedAt!: Date | null;
}

/** A row as plain data. */
export type AgentTrustRow = Pick<AgentTrust, keyof AgentTrust>;
