import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The latest snapshot of each system's cluster, and by what it was judged: `rules` is the digest of all that its results depend on beside its bytes, `program` of
 * that part of it which comes with the program. Where one of them is no longer what it was, the snapshot is read again.
 */
export class CreateSnapshots1763900000020 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table snapshot (
        organization_id uuid not null,
        system_id uuid not null,
        scan_id uuid not null,
        evidence_id uuid not null,
        observed_at timestamptz not null,
        rules bytea not null,
        program bytea not null,
        constraint snapshot_pk primary key (organization_id, system_id),
        constraint snapshot_scan foreign key (organization_id, system_id, scan_id) references scan (organization_id, system_id, id),
        constraint snapshot_evidence foreign key (organization_id, evidence_id) references evidence (organization_id, id)
      )`);
    await runner.query('call make_tenant_table($1)', ['snapshot']);
    // After an upgrade the program looks for what another version has judged, before it acts for any organisation: it says so, and may then see ids and digests.
    await runner.query(
      `create policy program on snapshot for select using (current_setting('app.program', true) = 'reevaluation')`,
    );
    await runner.query(
      'grant select, insert, update (scan_id, evidence_id, observed_at, rules, program) on snapshot to safeguard_app',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table snapshot');
  }
}
