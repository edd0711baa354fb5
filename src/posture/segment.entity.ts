import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What a system says by itself from an instant on, until its next row begins. */
@Entity('posture_segment')
export class PostureSegment {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'posture_segment_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'posture_segment_pk' })
  placeId!: string;
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'posture_segment_pk' })
  starts!: Date;
  /** Two bytes for each practice, then for each item, in the order of the catalogue (states.ts). */
  @Column('bytea')
  codes!: Buffer;
  @Column('integer', { nullable: true })
  blind!: number | null;
}

/** What the segments of a place were made of. */
@Entity('posture_horizon')
export class PostureHorizon {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'posture_horizon_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'posture_horizon_pk' })
  placeId!: string;
  @Column('uuid')
  basis!: string;
  @Column('timestamptz', { nullable: true })
  resultsUpto!: Date | null;
  @Column('timestamptz', { nullable: true })
  recordsUpto!: Date | null;
  @Column('integer')
  settingsVersion!: number;
  @Column('integer')
  systemVersion!: number;
  @Column('timestamptz')
  computedAt!: Date;
}
