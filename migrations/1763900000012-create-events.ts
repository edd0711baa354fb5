import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Security-relevant events, each kept once: the index over the logs that lie in custody. `id` is a digest of all that the source says of the event, so that it is
 * the same however often the event is delivered; `scan_id`, `evidence_id` and `known_at` are of the report that delivered it first.
 */
export class CreateEvents1763900000012 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // The instant is part of what is digested, so it may lead the id in the key: one index keeps an event once, lists by time, and grows at its end.
    // No foreign keys, as of results: rows come only from the scan that has just been written, by the million.
    await runner.query(`
      create table event (
        organization_id uuid not null,
        system_id uuid not null,
        at timestamptz not null,
        id uuid not null,
        source text not null,
        native_id text not null,
        category text not null,
        severity text not null,
        actor text not null,
        action text not null,
        resource text not null,
        namespace text,
        status_code integer,
        source_ip text not null,
        scan_id uuid not null,
        evidence_id uuid not null,
        known_at timestamptz not null,
        constraint event_pk primary key (organization_id, system_id, at, id),
        constraint event_category check (category in ('exec', 'secret-read', 'rbac-change', 'policy-change', 'denied', 'anonymous-access', 'alert')),
        constraint event_severity check (severity in ('critical', 'high', 'medium', 'low', 'info', 'unknown'))
      )`);
    // The few changes of roles are found among millions of reads.
    await runner.query('create index event_by_category on event (organization_id, system_id, category, at, id)');
    await runner.query('call make_tenant_table($1)', ['event']);
    await runner.query('call make_append_only($1)', ['event']);
    await runner.query('grant select, insert on event to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table event');
  }
}
