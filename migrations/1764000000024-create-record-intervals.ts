import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What records say of instants, as intervals of two clocks: a row for each approved version and place, with the columns of time of `result` (migration 6).
 * `effective_from` may lie in the future, and so may `effective_to`. The nil UUID is the place of what is of the whole organisation. `subject` is a name-based id: an
 * interval outlives the disposal of its record, and keeps no name.
 */
export class CreateRecordIntervals1764000000024 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // No foreign key, as of results: rows come only from approvals, of versions that were approved in the same transaction.
    await runner.query(`
      create table record_interval (
        organization_id uuid not null,
        system_id uuid not null,
        type text not null,
        subject uuid,
        record_id uuid not null,
        version integer not null,
        effective_from timestamptz not null,
        known_from timestamptz not null,
        effective_to timestamptz,
        ended_known timestamptz,
        known_to timestamptz,
        good_from timestamptz not null,
        expires_at timestamptz,
        outcome text,
        fails boolean not null,
        about text[] not null,
        constraint record_interval_pk primary key (organization_id, record_id, version, system_id, effective_from, known_from),
        constraint record_interval_ended check ((effective_to is null) = (ended_known is null)),
        constraint record_interval_forward check (effective_to > effective_from)
      )`);
    // A question about a place finds what is open in the order in which it is counted, without the rows.
    await runner.query(`
      create index record_open on record_interval (organization_id, system_id, type, subject)
      include (good_from, expires_at, effective_from, known_from, outcome, fails, record_id, version)
      where effective_to is null and known_to is null`);
    await runner.query(`
      create index record_past on record_interval (organization_id, greatest(effective_to, ended_known, known_to))
      where greatest(effective_to, ended_known, known_to) is not null`);
    // The last that became known, of a place and of all.
    await runner.query(
      'create index record_told on record_interval (organization_id, system_id, greatest(known_from, ended_known, known_to))',
    );
    await runner.query(
      'create index record_known on record_interval (organization_id, greatest(known_from, ended_known, known_to))',
    );
    await runner.query('call make_tenant_table($1)', ['record_interval']);
    await runner.query(`
      create function close_record_once() returns trigger language plpgsql as $$
      begin
        if old.known_to is not null
           or (old.effective_to is not null and (new.effective_to, new.ended_known) is distinct from (old.effective_to, old.ended_known)) then
          raise exception 'an interval of a record that has ended or was corrected is not changed again' using errcode = 'restrict_violation';
        end if;
        return new;
      end $$`);
    await runner.query(
      'create trigger close_once before update on record_interval for each row execute function close_record_once()',
    );
    await runner.query(
      'create trigger keep before delete on record_interval for each row execute function refuse_change()',
    );
    await runner.query(
      'create trigger keep_all before truncate on record_interval for each statement execute function refuse_change()',
    );
    await runner.query(
      'grant select, insert, update (effective_to, ended_known, known_to) on record_interval to safeguard_app',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table record_interval');
    await runner.query('drop function close_record_once()');
  }
}
