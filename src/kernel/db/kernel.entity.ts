import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Answers of creating calls, by the caller's Idempotency-Key (database.ts). */
@Entity('idempotency_key')
export class IdempotencyKey {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'idempotency_key_pk' })
  organizationId!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'idempotency_key_pk' })
  principalId!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'idempotency_key_pk' })
  operation!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'idempotency_key_pk' })
  key!: string;
  @Column('text')
  fingerprint!: string;
  @Column('jsonb', { nullable: true })
  response!: unknown;
  @Column('timestamptz')
  createdAt!: Date;
}

/** Browser sessions, written by connect-pg-simple. */
@Entity('session')
@Index('session_expire', ['expire'])
export class Session {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'session_pk' })
  sid!: string;
  @Column('json')
  sess!: unknown;
  @Column('timestamptz')
  expire!: Date;
}
