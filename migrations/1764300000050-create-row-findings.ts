import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What was found of rows that follow from events, or from other rows, whenever that changed: that they are not what they follow from, or that they are again. By table and object; what
 * nobody has ever found wrong has no row. It refers to no other table: the row that it would refer to may be the one that is gone.
 */
export class CreateRowFindings1764300000050 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table row_finding (
        organization_id uuid not null,
        table_name text not null,
        object_kind text not null,
        object_id uuid not null,
        found_at timestamptz not null,
        state text not null,
        reason text not null,
        constraint row_finding_pk primary key (organization_id, table_name, object_id, found_at),
        constraint row_finding_state check (state in ('altered', 'restored'))
      )`);
    await runner.query('call make_tenant_table($1)', ['row_finding']);
    await runner.query('call make_append_only($1)', ['row_finding']);
    await runner.query('grant select, insert on row_finding to safeguard_app');
    // The program looks then and again for whose rows it is to compare, before it acts for any organisation: it says so, and may then see whose there are.
    await runner.query(
      `create policy program on organization for select using (current_setting('app.program', true) = 'reconciliation')`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop policy program on organization');
    await runner.query('drop table row_finding');
  }
}
