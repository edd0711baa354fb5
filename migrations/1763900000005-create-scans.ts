import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Scans: one per report and instant. `declared` is what the poster said where the report does not (targets, partial, format). */
export class CreateScans1763900000005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table scan (
        organization_id uuid not null,
        system_id uuid not null,
        id uuid not null,
        evidence_id uuid not null,
        status text not null,
        declared jsonb not null,
        declared_digest bytea not null,
        reading_digest bytea not null,
        format text,
        tool text,
        tool_version text,
        cluster_name text,
        observed_at timestamptz,
        says_when boolean,
        received_at timestamptz not null,
        known_at timestamptz,
        posted_by text not null,
        counts jsonb,
        rejects jsonb,
        notes jsonb,
        problem jsonb,
        constraint scan_pk primary key (organization_id, system_id, id),
        constraint scan_system foreign key (organization_id, system_id) references system (organization_id, id),
        constraint scan_evidence foreign key (organization_id, evidence_id) references evidence (organization_id, id),
        constraint scan_status check (status in ('queued', 'stored', 'refused')),
        constraint scan_stored check (status <> 'stored' or (observed_at is not null and known_at is not null and counts is not null)),
        constraint scan_refused check (status <> 'refused' or problem is not null)
      )`);
    // The same bytes, said to be of the same instant and targets, are the same scan, however often they are posted. A refusal may be tried again.
    await runner.query(
      "create unique index scan_once on scan (organization_id, system_id, evidence_id, declared_digest) where status <> 'refused'",
    );
    await runner.query('create index scan_received on scan (organization_id, system_id, received_at desc, id)');
    await runner.query(
      `create index scan_reading on scan (organization_id, system_id, evidence_id, reading_digest, observed_at) where status = 'stored'`,
    );
    await runner.query('create index scan_by_evidence on scan (organization_id, evidence_id)');
    await runner.query('call make_tenant_table($1)', ['scan']);
    await runner.query(`
      create function finish_scan_once() returns trigger language plpgsql as $$
      begin
        if old.status <> 'queued' then
          raise exception 'scan % is finished', old.id using errcode = 'restrict_violation';
        end if;
        return new;
      end $$`);
    await runner.query(
      'create trigger finish_once before update on scan for each row execute function finish_scan_once()',
    );
    await runner.query(`
      grant select, insert, update (status, format, tool, tool_version, cluster_name, observed_at, says_when, known_at, counts, rejects, notes, problem)
      on scan to safeguard_app`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table scan');
    await runner.query('drop function finish_scan_once()');
  }
}
