import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Auditors who are let in: a person of a sign-in issuer, by subject or (until that is known) by e-mail address, to some systems or all, to a period of evidence, for a
 * time. Nothing ends them: their time is compared with the clock at each request.
 */
export class CreateEngagements1764200000072 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table engagement (
        organization_id uuid not null,
        id uuid not null,
        name text not null,
        issuer text not null,
        subject text,
        email text not null,
        system_ids uuid[],
        period_from timestamptz not null,
        period_to timestamptz not null,
        starts_at timestamptz not null,
        ends_at timestamptz not null,
        version integer not null,
        created_at timestamptz not null,
        created_by text not null,
        joined_at timestamptz,
        revoked_at timestamptz,
        constraint engagement_pk primary key (organization_id, id),
        constraint engagement_organization foreign key (organization_id) references organization (organization_id),
        constraint engagement_person check (subject is not null or email <> ''),
        constraint engagement_joined check ((joined_at is null) or subject is not null),
        constraint engagement_systems check (system_ids is null or cardinality(system_ids) > 0),
        constraint engagement_period check (period_from <= period_to),
        constraint engagement_time check (starts_at <= ends_at)
      )`);
    await runner.query('call make_tenant_table($1)', ['engagement']);
    await runner.query(`
      grant select, insert, update (name, subject, ends_at, version, joined_at, revoked_at) on engagement to safeguard_app`);
    await runner.query(`
      create table engagement_package (
        organization_id uuid not null,
        engagement_id uuid not null,
        package_id uuid not null,
        shared_at timestamptz not null,
        shared_by text not null,
        constraint engagement_package_pk primary key (organization_id, engagement_id, package_id),
        constraint engagement_package_engagement foreign key (organization_id, engagement_id) references engagement (organization_id, id),
        constraint engagement_package_package foreign key (organization_id, package_id) references package (organization_id, id)
      )`);
    await runner.query('call make_tenant_table($1)', ['engagement_package']);
    await runner.query('call make_append_only($1)', ['engagement_package']);
    await runner.query('grant select, insert on engagement_package to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table engagement_package');
    await runner.query('drop table engagement');
  }
}
