import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What an auditor asks for, and what became of it: a row for where each request stands, and one for each thing that was done or said of it, which stay. */
export class CreateEvidenceRequests1764200000073 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table evidence_request (
        organization_id uuid not null,
        engagement_id uuid not null,
        id uuid not null,
        title text not null,
        what text not null,
        control text,
        due_at timestamptz,
        state text not null,
        version integer not null,
        created_at timestamptz not null,
        constraint evidence_request_pk primary key (organization_id, engagement_id, id),
        constraint evidence_request_engagement foreign key (organization_id, engagement_id) references engagement (organization_id, id),
        constraint evidence_request_state check (state in ('open', 'answered', 'returned', 'accepted', 'withdrawn'))
      )`);
    await runner.query('call make_tenant_table($1)', ['evidence_request']);
    await runner.query('grant select, insert, update (state, version) on evidence_request to safeguard_app');
    await runner.query(`
      create table evidence_request_move (
        organization_id uuid not null,
        engagement_id uuid not null,
        request_id uuid not null,
        number integer not null,
        move text not null,
        at timestamptz not null,
        by text not null,
        comment text not null,
        records uuid[] not null,
        evidence uuid[] not null,
        packages uuid[] not null,
        constraint evidence_request_move_pk primary key (organization_id, engagement_id, request_id, number),
        constraint evidence_request_move_request foreign key (organization_id, engagement_id, request_id) references evidence_request (organization_id, engagement_id, id),
        constraint evidence_request_move_move check (move in ('open', 'answer', 'accept', 'return', 'withdraw', 'comment'))
      )`);
    await runner.query('call make_tenant_table($1)', ['evidence_request_move']);
    await runner.query('call make_append_only($1)', ['evidence_request_move']);
    await runner.query('grant select, insert on evidence_request_move to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table evidence_request_move');
    await runner.query('drop table evidence_request');
  }
}
