import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { Move, RequestState } from './moves.js';

/** What an auditor asks for in an engagement, and where it stands. */
@Entity('evidence_request')
@ForeignKey('engagement', ['organizationId', 'engagementId'], ['organizationId', 'id'], {
  name: 'evidence_request_engagement',
})
@Check('evidence_request_state', `state in ('open', 'answered', 'returned', 'accepted', 'withdrawn')`)
export class EvidenceRequest {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'evidence_request_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'evidence_request_pk' })
  engagementId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'evidence_request_pk' })
  id!: string;
  @Column('text')
  title!: string;
  @Column('text')
  what!: string;
  /** An item of the law that it is about. */
  @Column('text', { nullable: true })
  control!: string | null;
  @Column('timestamptz', { nullable: true })
  dueAt!: Date | null;
  @Column('text')
  state!: RequestState;
  @Column('integer')
  version!: number;
  @Column('timestamptz')
  createdAt!: Date;
}

export type RequestRow = Pick<EvidenceRequest, keyof EvidenceRequest>;

/** What was done or said of a request, in its order. Append-only. */
@Entity('evidence_request_move')
@Index('evidence_request_move_of', ['organizationId', 'requestId'])
@ForeignKey(
  'evidence_request',
  ['organizationId', 'engagementId', 'requestId'],
  ['organizationId', 'engagementId', 'id'],
  { name: 'evidence_request_move_request' },
)
@Check('evidence_request_move_move', `move in ('open', 'answer', 'accept', 'return', 'withdraw', 'comment')`)
export class EvidenceRequestMove {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'evidence_request_move_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'evidence_request_move_pk' })
  engagementId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'evidence_request_move_pk' })
  requestId!: string;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'evidence_request_move_pk' })
  number!: number;
  @Column('text')
  move!: Move;
  @Column('timestamptz')
  at!: Date;
  /** A member, or the engagement for its auditor. */
  @Column('text')
  by!: string;
  @Column('text')
  comment!: string;
  /** What an answer hands over. */
  @Column('uuid', { array: true })
  records!: string[];
  @Column('uuid', { array: true })
  evidence!: string[];
  @Column('uuid', { array: true })
  packages!: string[];
}

export type MoveRow = Pick<EvidenceRequestMove, keyof EvidenceRequestMove>;
