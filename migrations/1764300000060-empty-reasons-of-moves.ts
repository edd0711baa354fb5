import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A disposal empties the reasons of moves too: where the version has been emptied, a move loses its reason, and nothing else of it is ever written. What was disposed of before
 * is emptied now.
 */
export class EmptyReasonsOfMoves1764300000060 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create function refuse_unless_emptied() returns trigger language plpgsql as $$
      declare
        emptied record_move;
      begin
        if tg_op = 'UPDATE' then
          emptied := old;
          emptied.reason := null;
          if new is not distinct from emptied and exists (
            select from record_version v
            where v.organization_id = old.organization_id and v.record_id = old.record_id and v.version = old.version and v.disposed_at is not null) then
            return new;
          end if;
        end if;
        raise exception '% of % is refused: its rows are append-only', tg_op, tg_table_name using errcode = 'restrict_violation';
      end $$`);
    await runner.query('drop trigger append_only on record_move');
    await runner.query(
      'create trigger append_only before update or delete on record_move for each row execute function refuse_unless_emptied()',
    );
    await runner.query('alter table record_move enable always trigger append_only');
    await runner.query('grant update (reason) on record_move to safeguard_app');
    for (const table of ['record_move', 'record_version']) {
      await runner.query(`alter table ${table} no force row level security`);
    }
    await runner.query(`
      update record_move m set reason = null
      from record_version v
      where v.organization_id = m.organization_id and v.record_id = m.record_id and v.version = m.version
        and v.disposed_at is not null and m.reason is not null`);
    for (const table of ['record_move', 'record_version']) {
      await runner.query(`alter table ${table} force row level security`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('revoke update (reason) on record_move from safeguard_app');
    await runner.query('drop trigger append_only on record_move');
    await runner.query('drop function refuse_unless_emptied()');
    await runner.query(
      'create trigger append_only before update or delete on record_move for each row execute function refuse_change()',
    );
    await runner.query('alter table record_move enable always trigger append_only');
  }
}
