import type { MigrationInterface, QueryRunner } from 'typeorm';

const LINKS = ['practice', 'control', 'record', 'evidence', 'series', 'namespace', 'check'];

const linkKinds = (kinds: readonly string[]): string => `
  alter table record_link
    drop constraint record_link_kind,
    add constraint record_link_kind check (kind in (${kinds.map((kind) => `'${kind}'`).join(', ')}))`;

/**
 * Details of audit events can be erased, by a disposal that two people decided on: they can be deleted where a row says so, and nowhere else. The leaf stays, and its salted digest of
 * them.
 */
export class EraseDetailsOfEvents1764300000030 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(linkKinds([...LINKS, 'event']));
    await runner.query(`
      create table audit_erasure (
        organization_id uuid not null,
        event_id uuid not null,
        record_id uuid not null,
        erased_at timestamptz not null,
        constraint audit_erasure_pk primary key (organization_id, event_id),
        constraint audit_erasure_event foreign key (organization_id, event_id) references audit_event (organization_id, id),
        constraint audit_erasure_record foreign key (organization_id, record_id) references record (organization_id, id)
      )`);
    await runner.query(`call make_tenant_table('audit_erasure')`);
    await runner.query(`call make_append_only('audit_erasure')`);
    await runner.query('grant select, insert on audit_erasure to safeguard_app');
    await runner.query(`
      create function refuse_unless_erased() returns trigger language plpgsql as $$
      begin
        if tg_op = 'DELETE' and exists (
          select from audit_erasure where organization_id = old.organization_id and event_id = old.event_id) then
          return old;
        end if;
        raise exception '% of % is refused: its rows are append-only', tg_op, tg_table_name using errcode = 'restrict_violation';
      end $$`);
    await runner.query('drop trigger append_only on audit_detail');
    await runner.query(
      'create trigger append_only before update or delete on audit_detail for each row execute function refuse_unless_erased()',
    );
    await runner.query('alter table audit_detail enable always trigger append_only');
    await runner.query('grant delete on audit_detail to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table audit_erasure');
    await runner.query('revoke delete on audit_detail from safeguard_app');
    await runner.query('drop trigger append_only on audit_detail');
    await runner.query('drop function refuse_unless_erased()');
    await runner.query(
      'create trigger append_only before update or delete on audit_detail for each row execute function refuse_change()',
    );
    await runner.query('alter table audit_detail enable always trigger append_only');
    await runner.query(`alter table record_link disable trigger user`);
    await runner.query(`delete from record_link where kind = 'event'`);
    await runner.query(`alter table record_link enable trigger user`);
    await runner.query(linkKinds(LINKS));
  }
}
