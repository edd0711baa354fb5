import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What is remembered of a place is one row, all of its time in it: a question about a thousand places looked for a segment of each. What was remembered is not carried
 * over: another version of the program makes all of it anew.
 */
export class KeepTimelinesOfPlaces1764300000020 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('drop table posture_segment');
    await runner.query('drop table posture_horizon');
    await runner.query(`
      create table posture_timeline (
        organization_id uuid not null,
        place_id uuid not null,
        basis uuid not null,
        results_upto timestamptz,
        records_upto timestamptz,
        settings_version integer not null,
        system_version integer not null,
        computed_at timestamptz not null,
        revision integer not null,
        segments bytea not null,
        constraint posture_timeline_pk primary key (organization_id, place_id)
      )`);
    await runner.query(`call make_tenant_table('posture_timeline')`);
    await runner.query('grant select, insert, update, delete on posture_timeline to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table posture_timeline');
    await runner.query(`
      create table posture_segment (
        organization_id uuid not null,
        place_id uuid not null,
        starts timestamptz not null,
        codes bytea not null,
        blind integer,
        constraint posture_segment_pk primary key (organization_id, place_id, starts)
      )`);
    await runner.query(`
      create table posture_horizon (
        organization_id uuid not null,
        place_id uuid not null,
        basis uuid not null,
        results_upto timestamptz,
        records_upto timestamptz,
        settings_version integer not null,
        system_version integer not null,
        computed_at timestamptz not null,
        constraint posture_horizon_pk primary key (organization_id, place_id)
      )`);
    for (const table of ['posture_segment', 'posture_horizon']) {
      await runner.query('call make_tenant_table($1)', [table]);
      await runner.query(`grant select, insert, update, delete on ${table} to safeguard_app`);
    }
  }
}
