import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A log may be refused because its own rows are no longer what it has signed, and not only because of what is kept of it outside. What one look finds does not end what the
 * other has found.
 */
export class TellLogFaultsApart1764200000080 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table log_fault
        add column found_by text not null default 'outside',
        add constraint log_fault_found_by check (found_by in ('here', 'outside')),
        drop constraint log_fault_pk,
        add constraint log_fault_pk primary key (generation, origin, found_by)`);
    await runner.query('alter table log_fault alter column found_by drop default');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`delete from log_fault where found_by = 'here'`);
    await runner.query(`
      alter table log_fault
        drop constraint log_fault_pk,
        add constraint log_fault_pk primary key (generation, origin),
        drop constraint log_fault_found_by,
        drop column found_by`);
  }
}
