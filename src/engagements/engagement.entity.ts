import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** An auditor's time-boxed, read-only access to a scope. */
@Entity('engagement')
@ForeignKey('organization', ['organizationId'], ['organizationId'], { name: 'engagement_organization' })
@Check('engagement_person', `subject is not null or email <> ''`)
@Check('engagement_joined', '(joined_at is null) or subject is not null')
@Check('engagement_systems', 'system_ids is null or cardinality(system_ids) > 0')
@Check('engagement_period', 'period_from <= period_to')
@Check('engagement_time', 'starts_at <= ends_at')
export class Engagement {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'engagement_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'engagement_pk' })
  id!: string;
  @Column('text')
  name!: string;
  @Column('text')
  issuer!: string;
  /** Null until whoever has the e-mail address comes for the first time. */
  @Column('text', { nullable: true })
  subject!: string | null;
  /** In lower case; empty where the subject was named. */
  @Column('text')
  email!: string;
  /** Null: all systems of the organisation. */
  @Column('uuid', { array: true, nullable: true })
  systemIds!: string[] | null;
  /** Of what time the evidence is: both ends are in it. */
  @Column('timestamptz')
  periodFrom!: Date;
  @Column('timestamptz')
  periodTo!: Date;
  /** From when on access is given … */
  @Column('timestamptz')
  startsAt!: Date;
  /** … and from when on no longer. */
  @Column('timestamptz')
  endsAt!: Date;
  @Column('integer')
  version!: number;
  @Column('timestamptz')
  createdAt!: Date;
  @Column('text')
  createdBy!: string;
  @Column('timestamptz', { nullable: true })
  joinedAt!: Date | null;
  @Column('timestamptz', { nullable: true })
  revokedAt!: Date | null;
}

export type EngagementRow = Pick<Engagement, keyof Engagement>;

/** A package that an auditor may download. Append-only. */
@Entity('engagement_package')
@ForeignKey('engagement', ['organizationId', 'engagementId'], ['organizationId', 'id'], {
  name: 'engagement_package_engagement',
})
@ForeignKey('package', ['organizationId', 'packageId'], ['organizationId', 'id'], {
  name: 'engagement_package_package',
})
export class EngagementPackage {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'engagement_package_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'engagement_package_pk' })
  engagementId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'engagement_package_pk' })
  packageId!: string;
  @Column('timestamptz')
  sharedAt!: Date;
  @Column('text')
  sharedBy!: string;
}
