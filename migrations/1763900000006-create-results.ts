import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Check results as intervals of two clocks. A row says: from `observed_from` (until `observed_to`, where one is known) this check had this status on
 * this resource; known since `known_from`; its end known since `ended_known`; and, where a late report has corrected it, known to be wrong since `known_to`.
 * `series` is the identity of one check of one source on one resource of one target.
 */
export class CreateResults1763900000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table target (
        organization_id uuid not null,
        system_id uuid not null,
        id uuid not null,
        kind text not null,
        name text not null,
        constraint target_pk primary key (organization_id, system_id, id),
        constraint target_system foreign key (organization_id, system_id) references system (organization_id, id),
        constraint target_kind check (kind in ('cluster', 'node', 'namespace', 'image', 'repository'))
      )`);
    await runner.query('call make_tenant_table($1)', ['target']);
    await runner.query('call make_append_only($1)', ['target']);
    await runner.query('grant select, insert on target to safeguard_app');

    await runner.query(`
      create table sighting (
        organization_id uuid not null,
        id uuid not null,
        series uuid[] not null,
        constraint sighting_pk primary key (organization_id, id)
      )`);
    await runner.query('call make_tenant_table($1)', ['sighting']);
    await runner.query('call make_append_only($1)', ['sighting']);
    await runner.query('grant select, insert on sighting to safeguard_app');

    await runner.query(`
      create table coverage (
        organization_id uuid not null,
        system_id uuid not null,
        target_id uuid not null,
        source text not null,
        observed_at timestamptz not null,
        scan_id uuid not null,
        evidence_id uuid not null,
        known_at timestamptz not null,
        complete boolean not null,
        checks text[],
        silent_pass text[] not null,
        sighting_id uuid,
        constraint coverage_pk primary key (organization_id, system_id, target_id, source, observed_at, scan_id),
        constraint coverage_target foreign key (organization_id, system_id, target_id) references target (organization_id, system_id, id),
        constraint coverage_scan foreign key (organization_id, system_id, scan_id) references scan (organization_id, system_id, id),
        constraint coverage_evidence foreign key (organization_id, evidence_id) references evidence (organization_id, id),
        constraint coverage_sighting foreign key (organization_id, sighting_id) references sighting (organization_id, id),
        constraint coverage_partial check (complete or sighting_id is not null)
      )`);
    await runner.query('create index coverage_known on coverage (organization_id, system_id, known_at)');
    await runner.query('create index coverage_by_scan on coverage (organization_id, system_id, scan_id)');
    await runner.query('call make_tenant_table($1)', ['coverage']);
    await runner.query('call make_append_only($1)', ['coverage']);
    await runner.query('grant select, insert on coverage to safeguard_app');

    // No foreign keys here: rows come only from the merge, which has just written what they refer to, and a key check per row would cost a third of it.
    await runner.query(`
      create table result (
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
        check_id text not null,
        resource text not null,
        namespace text,
        status text not null,
        severity text not null,
        title text not null,
        message text not null,
        constraint result_pk primary key (organization_id, system_id, series, observed_from, known_from),
        constraint result_ended check ((observed_to is null) = (ended_known is null)),
        constraint result_forward check (observed_to > observed_from),
        constraint result_status check (status in ('pass', 'fail', 'warn', 'error', 'skip', 'manual')),
        constraint result_severity check (severity in ('critical', 'high', 'medium', 'low', 'info', 'unknown'))
      )`);
    await runner.query(`
      create index result_open on result (organization_id, system_id, target_id, source) include (series, status, severity, check_id)
      where observed_to is null and known_to is null`);
    await runner.query('call make_tenant_table($1)', ['result']);
    await runner.query(`
      create function close_result_once() returns trigger language plpgsql as $$
      begin
        if old.known_to is not null
           or (old.observed_to is not null and (new.observed_to, new.ended_known) is distinct from (old.observed_to, old.ended_known)) then
          raise exception 'a result that has ended or was corrected is not changed again' using errcode = 'restrict_violation';
        end if;
        return new;
      end $$`);
    await runner.query(
      'create trigger close_once before update on result for each row execute function close_result_once()',
    );
    await runner.query('create trigger keep before delete on result for each row execute function refuse_change()');
    await runner.query(
      'create trigger keep_all before truncate on result for each statement execute function refuse_change()',
    );
    await runner.query('grant select, insert, update (observed_to, ended_known, known_to) on result to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table result');
    await runner.query('drop function close_result_once()');
    await runner.query('drop table coverage');
    await runner.query('drop table sighting');
    await runner.query('drop table target');
  }
}
