import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { Organization } from './organization.entity.js';
import type { MemberRole } from './member.schema.js';

@Entity('member')
@ForeignKey(() => Organization, ['organizationId'], ['organizationId'], { name: 'member_organization' })
@Check('member_role', `role in ('admin', 'compliance_officer', 'approver', 'auditor', 'viewer')`)
@Index('member_subject', ['organizationId', 'issuer', 'subject'], { unique: true, where: 'removed_at is null' })
@Index('member_self', ['subject', 'issuer'], { where: 'removed_at is null' })
export class Member {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'member_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'member_pk' })
  id!: string;
  @Column('text')
  issuer!: string;
  @Column('text')
  subject!: string;
  @Column('text')
  name!: string;
  @Column('text')
  role!: MemberRole;
  @Column('integer')
  version!: number;
  @Column('timestamptz')
  createdAt!: Date;
  @Column('timestamptz', { nullable: true })
  removedAt!: Date | null;
}

/** A row as plain data. */
export type MemberRow = Pick<Member, keyof Member>;
