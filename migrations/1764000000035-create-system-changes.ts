import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What snapshots say of a system that makes a risk analysis speak of something else: the major and minor version of its cluster. A row where a snapshot says another
 * than what was said before its instant; of the two clocks, for a late snapshot takes its true place.
 */
export class CreateSystemChanges1764000000035 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table system_change (
        organization_id uuid not null,
        system_id uuid not null,
        kind text not null,
        observed_at timestamptz not null,
        known_at timestamptz not null,
        value text not null,
        constraint system_change_pk primary key (organization_id, system_id, kind, observed_at, known_at),
        constraint system_change_system foreign key (organization_id, system_id) references system (organization_id, id),
        constraint system_change_kind check (kind = any (array['version']))
      )`);
    await runner.query('create index system_change_known on system_change (organization_id, known_at)');
    await runner.query('call make_tenant_table($1)', ['system_change']);
    await runner.query('call make_append_only($1)', ['system_change']);
    await runner.query('grant select, insert on system_change to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table system_change');
  }
}
