import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What each system has said by itself from when on, by the latest knowledge: a memory of what was evaluated, and no evidence, so it may be written anew. A row holds
 * from `starts` until the next one of its place begins. `posture_horizon` has what a place's rows were made of: where that is no longer what is known, they do not
 * count.
 */
export class CreatePostureSegments1764000000029 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
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

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table posture_horizon');
    await runner.query('drop table posture_segment');
  }
}
