import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What happened and is told once, what became of telling it to whom, and what was last looked at, by which changes are known. */
export class CreateNotices1764000000039 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table notice (
        organization_id uuid not null,
        id uuid not null,
        type text not null,
        subject text not null,
        at timestamptz not null,
        data jsonb not null,
        constraint notice_pk primary key (organization_id, id),
        constraint notice_organization foreign key (organization_id) references organization (organization_id)
      )`);
    await runner.query('create index notice_recent on notice (organization_id, at, id)');
    await runner.query('call make_tenant_table($1)', ['notice']);
    await runner.query('call make_append_only($1)', ['notice']);
    await runner.query('grant select, insert on notice to safeguard_app');

    await runner.query(`
      create table delivery (
        organization_id uuid not null,
        webhook_id uuid not null,
        notice_id uuid not null,
        status text not null,
        attempts integer not null,
        tries integer not null,
        next_at timestamptz,
        last_at timestamptz,
        answered integer,
        fault text,
        created_at timestamptz not null,
        constraint delivery_pk primary key (organization_id, webhook_id, notice_id),
        constraint delivery_webhook foreign key (organization_id, webhook_id) references webhook (organization_id, id),
        constraint delivery_notice foreign key (organization_id, notice_id) references notice (organization_id, id),
        constraint delivery_status check (status in ('delivered', 'waiting', 'failed', 'dropped')),
        constraint delivery_next check ((status = 'waiting') = (next_at is not null))
      )`);
    await runner.query('create index delivery_recent on delivery (organization_id, webhook_id, created_at, notice_id)');
    await runner.query('call make_tenant_table($1)', ['delivery']);
    await runner.query(
      'grant select, insert, update (status, attempts, tries, next_at, last_at, answered, fault) on delivery to safeguard_app',
    );

    await runner.query(`
      create table notice_state (
        organization_id uuid not null,
        seen_at timestamptz not null,
        levels jsonb not null,
        constraint notice_state_pk primary key (organization_id),
        constraint notice_state_organization foreign key (organization_id) references organization (organization_id)
      )`);
    await runner.query('call make_tenant_table($1)', ['notice_state']);
    await runner.query('grant select, insert, update (seen_at, levels) on notice_state to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table notice_state');
    await runner.query('drop table delivery');
    await runner.query('drop table notice');
  }
}
