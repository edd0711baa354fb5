import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What is remembered of a place, and what it was made of (stamp.ts). */
@Entity('posture_timeline')
export class PostureTimeline {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'posture_timeline_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'posture_timeline_pk' })
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
  /** Another one each time that it is written: the sum over an organisation tells whether anything of it is new. As text: pg reads no 64 bits as a number. */
  @Column('bigint')
  revision!: string;
  /** As timeline.ts writes it. */
  @Column('bytea')
  segments!: Buffer;
}
