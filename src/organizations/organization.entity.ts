import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Settings } from './organization.schema.js';

@Entity('organization')
export class Organization {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'organization_pk' })
  organizationId!: string;
  @Column('text')
  name!: string;
  @Column('jsonb')
  settings!: Settings;
  @Column('integer')
  version!: number;
  @Column('timestamptz')
  createdAt!: Date;
  @Column('timestamptz')
  updatedAt!: Date;
}

/** Settings as they were: posture at a past instant is judged by the settings of that instant. Append-only. */
@Entity('organization_version')
export class OrganizationVersion {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'organization_version_pk' })
  organizationId!: string;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'organization_version_pk' })
  version!: number;
  @Column('timestamptz')
  recordedAt!: Date;
  @Column('jsonb')
  settings!: Settings;
}

/** A row as plain data. */
export type OrganizationRow = Pick<Organization, keyof Organization>;
