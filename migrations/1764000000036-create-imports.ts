import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tables of records that people send: each read as a whole, and taken as a whole or not at all. */
export class CreateImports1764000000036 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table import (
        organization_id uuid not null,
        id uuid not null,
        type text not null,
        sheet text not null,
        register text not null,
        dry_run boolean not null,
        media_type text not null,
        evidence_id uuid not null,
        status text not null,
        requested_at timestamptz not null,
        requested_by text not null,
        requested_person uuid not null,
        finished_at timestamptz,
        rows integer,
        created integer,
        changed integer,
        unchanged integer,
        drafts integer,
        fault_count integer,
        faults jsonb,
        decided_at timestamptz,
        decided_by text,
        decided_person uuid,
        decided_count integer,
        reason text,
        constraint import_pk primary key (organization_id, id),
        constraint import_evidence foreign key (organization_id, evidence_id) references evidence (organization_id, id),
        constraint import_status check (status = any (array['received', 'checked', 'refused', 'applied', 'approved', 'rejected'])),
        constraint import_finished check ((status = 'received') = (finished_at is null)),
        constraint import_dry check (not dry_run or status = any (array['received', 'checked', 'refused'])),
        constraint import_decided check ((decided_at is not null) = (status = any (array['approved', 'rejected']))),
        constraint import_two_people check (decided_person <> requested_person or decided_person is null)
      )`);
    // The same bytes again are the same import, while nothing has ended it.
    await runner.query(
      `create unique index import_once on import (organization_id, type, evidence_id, sheet, register)
       where not dry_run and status = any (array['received', 'applied', 'approved'])`,
    );
    await runner.query('call make_tenant_table($1)', ['import']);
    await runner.query(
      `grant select, insert,
         update (status, finished_at, rows, created, changed, unchanged, drafts, fault_count, faults, decided_at, decided_by, decided_person, decided_count, reason)
       on import to safeguard_app`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table import');
  }
}
