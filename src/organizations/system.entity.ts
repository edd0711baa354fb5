import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { Organization } from './organization.entity.js';
import type { Environment, Phi } from './system.schema.js';

@Entity('system')
@ForeignKey(() => Organization, ['organizationId'], ['organizationId'], { name: 'system_organization' })
@Check('system_environment', `environment in ('production', 'staging', 'development', 'recovery')`)
@Check('system_phi', `phi in ('stores', 'processes', 'transmits', 'none')`)
@Index('system_name', ['organizationId', 'name'], { unique: true, where: 'retired_at is null' })
export class System {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'system_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'system_pk' })
  id!: string;
  @Column('text')
  name!: string;
  @Column('text')
  environment!: Environment;
  @Column('text')
  phi!: Phi;
  @Column('text', { array: true })
  phiNamespaces!: string[];
  @Column('integer')
  version!: number;
  @Column('timestamptz')
  createdAt!: Date;
  @Column('timestamptz')
  updatedAt!: Date;
  @Column('timestamptz', { nullable: true })
  retiredAt!: Date | null;
}

/** A system as it was. Append-only. */
@Entity('system_version')
@ForeignKey(() => System, ['organizationId', 'systemId'], ['organizationId', 'id'], { name: 'system_version_system' })
export class SystemVersion {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'system_version_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'system_version_pk' })
  systemId!: string;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'system_version_pk' })
  version!: number;
  @Column('timestamptz')
  recordedAt!: Date;
  @Column('text')
  name!: string;
  @Column('text')
  environment!: Environment;
  @Column('text')
  phi!: Phi;
  @Column('text', { array: true })
  phiNamespaces!: string[];
  @Column('timestamptz', { nullable: true })
  retiredAt!: Date | null;
}

/** What snapshots have said of a system anew: `version`, the major and minor of its cluster. Append-only. */
@Entity('system_change')
@ForeignKey(() => System, ['organizationId', 'systemId'], ['organizationId', 'id'], { name: 'system_change_system' })
@Check('system_change_kind', `kind = any (array['version'])`)
@Index('system_change_known', ['organizationId', 'knownAt'])
export class SystemChange {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'system_change_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'system_change_pk' })
  systemId!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'system_change_pk' })
  kind!: 'version';
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'system_change_pk' })
  observedAt!: Date;
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'system_change_pk' })
  knownAt!: Date;
  @Column('text')
  value!: string;
}

/** A row as plain data. */
export type SystemRow = Pick<System, keyof System>;
