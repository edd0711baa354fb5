import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** `defined`: judged by the definition. `off`: not judged. `withdrawn`: as if the organisation had said nothing. */
export type ChangeState = 'defined' | 'off' | 'withdrawn';

/** What an organisation made of a check, each time that it did. Append-only. */
@Entity('check_version')
@ForeignKey('organization', ['organizationId'], ['organizationId'], { name: 'check_version_organization' })
@Check('check_version_state', `state in ('withdrawn', 'defined', 'off')`)
@Check('check_version_defined', `(state = 'defined') = (definition is not null)`)
@Check('check_version_off', `(state = 'off') = (reason is not null)`)
export class CheckVersion {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'check_version_pk' })
  organizationId!: string;
  /** Of the catalogue, or `org/…`. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'check_version_pk' })
  checkId!: string;
  /** From 1; 0 is what the catalogue says. */
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'check_version_pk' })
  version!: number;
  @Column('timestamptz')
  recordedAt!: Date;
  /** Id of the member. */
  @Column('text')
  recordedBy!: string;
  @Column('text')
  state!: ChangeState;
  /** As it was accepted; its shape is that of then. */
  @Column('jsonb', { nullable: true })
  definition!: object | null;
  /** Why it was switched off. */
  @Column('text', { nullable: true })
  reason!: string | null;
}

/** A row as plain data. */
export type CheckVersionRow = Pick<CheckVersion, keyof CheckVersion>;
