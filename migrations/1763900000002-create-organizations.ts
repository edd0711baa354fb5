import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Organisations, their members, systems and the agents they trust. Versions are kept, because posture asks what was so at a past instant. */
export class CreateOrganizations1763900000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table organization (
        organization_id uuid not null,
        name text not null,
        settings jsonb not null,
        version integer not null,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        constraint organization_pk primary key (organization_id)
      )`);
    await runner.query('call make_tenant_table($1)', ['organization']);
    await runner.query(
      'grant select, insert, update (name, settings, version, updated_at) on organization to safeguard_app',
    );
    await runner.query(`
      create table organization_version (
        organization_id uuid not null,
        version integer not null,
        recorded_at timestamptz not null,
        settings jsonb not null,
        constraint organization_version_pk primary key (organization_id, version)
      )`);
    await runner.query('call make_tenant_table($1)', ['organization_version']);
    await runner.query('call make_append_only($1)', ['organization_version']);
    await runner.query('grant select, insert on organization_version to safeguard_app');
    await runner.query(`
      create table member (
        organization_id uuid not null,
        id uuid not null,
        issuer text not null,
        subject text not null,
        name text not null,
        role text not null,
        version integer not null,
        created_at timestamptz not null,
        removed_at timestamptz,
        constraint member_pk primary key (organization_id, id),
        constraint member_organization foreign key (organization_id) references organization (organization_id),
        constraint member_role check (role in ('admin', 'compliance_officer', 'approver', 'auditor', 'viewer'))
      )`);
    await runner.query(
      'create unique index member_subject on member (organization_id, issuer, subject) where removed_at is null',
    );
    await runner.query('create index member_self on member (subject, issuer) where removed_at is null');
    await runner.query('call make_tenant_table($1)', ['member']);
    // «Which organisations am I in» is asked before any is chosen: a person sees the own rows, by the token's issuer and subject.
    await runner.query(`
      create policy self on member for select using (
        removed_at is null
        and issuer = nullif(current_setting('app.issuer', true), '')
        and subject = nullif(current_setting('app.subject', true), ''))`);
    await runner.query(`
      create policy self on organization for select using (
        exists (select from member
                where member.organization_id = organization.organization_id and member.removed_at is null
                  and member.issuer = nullif(current_setting('app.issuer', true), '')
                  and member.subject = nullif(current_setting('app.subject', true), '')))`);
    await runner.query('grant select, insert, update (name, role, version, removed_at) on member to safeguard_app');
    await runner.query(`
      create table system (
        organization_id uuid not null,
        id uuid not null,
        name text not null,
        environment text not null,
        phi text not null,
        phi_namespaces text[] not null,
        version integer not null,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        retired_at timestamptz,
        constraint system_pk primary key (organization_id, id),
        constraint system_organization foreign key (organization_id) references organization (organization_id),
        constraint system_environment check (environment in ('production', 'staging', 'development', 'recovery')),
        constraint system_phi check (phi in ('stores', 'processes', 'transmits', 'none'))
      )`);
    await runner.query('create unique index system_name on system (organization_id, name) where retired_at is null');
    await runner.query('call make_tenant_table($1)', ['system']);
    await runner.query(`
      grant select, insert, update (name, environment, phi, phi_namespaces, version, updated_at, retired_at) on system to safeguard_app`);
    await runner.query(`
      create table system_version (
        organization_id uuid not null,
        system_id uuid not null,
        version integer not null,
        recorded_at timestamptz not null,
        name text not null,
        environment text not null,
        phi text not null,
        phi_namespaces text[] not null,
        retired_at timestamptz,
        constraint system_version_pk primary key (organization_id, system_id, version),
        constraint system_version_system foreign key (organization_id, system_id) references system (organization_id, id)
      )`);
    await runner.query('call make_tenant_table($1)', ['system_version']);
    await runner.query('call make_append_only($1)', ['system_version']);
    await runner.query('grant select, insert on system_version to safeguard_app');
    await runner.query(`
      create table agent_trust (
        organization_id uuid not null,
        id uuid not null,
        system_id uuid not null,
        name text not null,
        kind text not null,
        issuer text not null,
        jwks jsonb,
        audience text not null,
        subject_pattern text not null,
        version integer not null,
        created_at timestamptz not null,
        revoked_at timestamptz,
        constraint agent_trust_pk primary key (organization_id, id),
        constraint agent_trust_system foreign key (organization_id, system_id) references system (organization_id, id),
        constraint agent_trust_kind check (kind in ('client_credentials', 'kubernetes'))
      )`);
    await runner.query(
      'create index agent_trust_issuer on agent_trust (organization_id, issuer) where revoked_at is null',
    );
    await runner.query('call make_tenant_table($1)', ['agent_trust']);
    await runner.query('grant select, insert, update (revoked_at, version) on agent_trust to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table agent_trust');
    await runner.query('drop table system_version');
    await runner.query('drop table system');
    await runner.query('drop policy self on organization');
    await runner.query('drop table member');
    await runner.query('drop table organization_version');
    await runner.query('drop table organization');
  }
}
