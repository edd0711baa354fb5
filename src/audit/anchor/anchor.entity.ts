import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

/* Of no organisation: the service's own log of the heads of all logs. Read and written by anchor.store.ts; what is refused, by log-faults.store.ts. */

const generation = (primaryKeyConstraintName: string) => PrimaryColumn('integer', { primaryKeyConstraintName });

@Entity('anchor_pending')
export class AnchorPending {
  @generation('anchor_pending_pk')
  generation!: number;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'anchor_pending_pk' })
  origin!: string;
  @Column('bigint')
  size!: string;
  @Column('bytea')
  note!: Buffer;
}

@Entity('anchor_leaf')
@Index('anchor_leaf_origin', ['generation', 'origin', 'size'], { unique: true })
export class AnchorLeaf {
  @generation('anchor_leaf_pk')
  generation!: number;
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'anchor_leaf_pk' })
  index!: string;
  @Column('text')
  origin!: string;
  @Column('bigint')
  size!: string;
  @Column('bytea')
  note!: Buffer;
  @Column('bytea')
  hash!: Buffer;
}

@Entity('anchor_tile')
@Check('anchor_tile_full', 'octet_length(hashes) = 8192')
export class AnchorTile {
  @generation('anchor_tile_pk')
  generation!: number;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'anchor_tile_pk' })
  level!: number;
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'anchor_tile_pk' })
  index!: string;
  @Column('bytea')
  hashes!: Buffer;
}

@Entity('anchoring')
export class Anchoring {
  @generation('anchoring_pk')
  generation!: number;
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'anchoring_pk' })
  number!: string;
  @Column('bigint')
  size!: string;
  @Column('bytea')
  note!: Buffer;
  @Column('bytea', { nullable: true })
  timeStamp!: Buffer | null;
  @Column('timestamptz')
  anchoredAt!: Date;
}

@Entity('anchor_copy')
export class AnchorCopy {
  @generation('anchor_copy_pk')
  generation!: number;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'anchor_copy_pk' })
  origin!: string;
  @Column('bigint')
  leafSize!: string;
  @Column('bigint', { nullable: true })
  size!: string | null;
  @Column('text', { nullable: true })
  version!: string | null;
}

@Entity('log_fault')
@Check('log_fault_found_by', `found_by in ('here', 'outside')`)
export class LogFault {
  @generation('log_fault_pk')
  generation!: number;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'log_fault_pk' })
  origin!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'log_fault_pk' })
  foundBy!: string;
  @Column('text')
  reason!: string;
  @Column('timestamptz')
  since!: Date;
}
