import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Audit events. `leaf` is the exact text (RFC 8785) that becomes a leaf of the organisation's Merkle log; the columns beside it are for asking.
 * Names and free text lie in `audit_detail`, encrypted, salted and hashed into the leaf, so that erasing them leaves the log whole.
 */
export class CreateAudit1763900000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table audit_event (
        organization_id uuid not null,
        id uuid not null,
        created_at timestamptz not null,
        action text not null,
        actor_kind text not null,
        actor_id text not null,
        object_kind text not null,
        object_id text not null,
        outcome text not null,
        request_id text not null,
        leaf bytea not null,
        constraint audit_event_pk primary key (organization_id, id),
        constraint audit_event_leaf check (octet_length(leaf) <= 16384)
      )`);
    await runner.query('create index audit_event_object on audit_event (organization_id, object_kind, object_id, id)');
    await runner.query('create index audit_event_action on audit_event (organization_id, action, id)');
    await runner.query('call make_tenant_table($1)', ['audit_event']);
    await runner.query('call make_append_only($1)', ['audit_event']);
    await runner.query('grant select, insert on audit_event to safeguard_app');
    await runner.query(`
      create table audit_detail (
        organization_id uuid not null,
        event_id uuid not null,
        data_key_id uuid not null,
        salt bytea not null,
        encrypted_detail bytea not null,
        constraint audit_detail_pk primary key (organization_id, event_id),
        constraint audit_detail_event foreign key (organization_id, event_id) references audit_event (organization_id, id)
      )`);
    await runner.query('call make_tenant_table($1)', ['audit_detail']);
    await runner.query('call make_append_only($1)', ['audit_detail']);
    await runner.query('grant select, insert on audit_detail to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table audit_detail');
    await runner.query('drop table audit_event');
  }
}
