import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What became of each row of an import, or would become of it in a dry run. */
export class CreateImportRows1764000000037 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table import_row (
        organization_id uuid not null,
        import_id uuid not null,
        number integer not null,
        outcome text not null,
        record_id uuid,
        version integer,
        constraint import_row_pk primary key (organization_id, import_id, number),
        constraint import_row_import foreign key (organization_id, import_id) references import (organization_id, id),
        constraint import_row_record foreign key (organization_id, record_id) references record (organization_id, id),
        constraint import_row_outcome check (outcome = any (array['created', 'changed', 'unchanged', 'draft']))
      )`);
    await runner.query('call make_tenant_table($1)', ['import_row']);
    await runner.query('call make_append_only($1)', ['import_row']);
    await runner.query('grant select, insert on import_row to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table import_row');
  }
}
