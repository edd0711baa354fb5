import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Facts as intervals of two clocks: the columns of time mean what they mean of a result (migration 6). `series` is the identity of one kind of thing that one
 * source says of one subject of one target; `value` is what it says, and two rows say the same where `value_digest` is the same.
 */
export class CreateFacts1763900000011 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // No foreign keys, as of results: rows come only from the merge, which has just written what they refer to.
    await runner.query(`
      create table fact (
        organization_id uuid not null,
        system_id uuid not null,
        series uuid not null,
        observed_from timestamptz not null,
        known_from timestamptz not null,
        observed_to timestamptz,
        ended_known timestamptz,
        known_to timestamptz,
        target_id uuid not null,
        scan_id uuid not null,
        source text not null,
        kind text not null,
        subject text not null,
        namespace text,
        value jsonb not null,
        value_digest uuid not null,
        constraint fact_pk primary key (organization_id, system_id, series, observed_from, known_from),
        constraint fact_ended check ((observed_to is null) = (ended_known is null)),
        constraint fact_forward check (observed_to > observed_from)
      )`);
    await runner.query(`
      create index fact_open on fact (organization_id, system_id, target_id, source) include (series, kind, value_digest)
      where observed_to is null and known_to is null`);
    // In the order of pages: a few keys are found among millions of packages inside of images.
    await runner.query('create index fact_kind on fact (organization_id, system_id, kind, series)');
    await runner.query('call make_tenant_table($1)', ['fact']);
    await runner.query(`
      create function close_fact_once() returns trigger language plpgsql as $$
      begin
        if old.known_to is not null
           or (old.observed_to is not null and (new.observed_to, new.ended_known) is distinct from (old.observed_to, old.ended_known)) then
          raise exception 'a fact that has ended or was corrected is not changed again' using errcode = 'restrict_violation';
        end if;
        return new;
      end $$`);
    await runner.query(
      'create trigger close_once before update on fact for each row execute function close_fact_once()',
    );
    await runner.query('create trigger keep before delete on fact for each row execute function refuse_change()');
    await runner.query(
      'create trigger keep_all before truncate on fact for each statement execute function refuse_change()',
    );
    await runner.query('grant select, insert, update (observed_to, ended_known, known_to) on fact to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table fact');
    await runner.query('drop function close_fact_once()');
  }
}
