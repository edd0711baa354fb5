import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who is told of what happens, where, and signed with which secret: sealed, and for a while two, while receivers go over to the new one. */
export class CreateWebhooks1764000000038 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table webhook (
        organization_id uuid not null,
        id uuid not null,
        url text not null,
        events text[] not null,
        state text not null,
        failures integer not null,
        failing_since timestamptz,
        data_key_id uuid not null,
        secret bytea not null,
        previous_data_key_id uuid,
        previous_secret bytea,
        previous_until timestamptz,
        version integer not null,
        created_at timestamptz not null,
        created_by text not null,
        updated_at timestamptz not null,
        removed_at timestamptz,
        constraint webhook_pk primary key (organization_id, id),
        constraint webhook_organization foreign key (organization_id) references organization (organization_id),
        constraint webhook_data_key foreign key (organization_id, data_key_id) references data_key (organization_id, id),
        constraint webhook_previous_data_key foreign key (organization_id, previous_data_key_id) references data_key (organization_id, id),
        constraint webhook_state check (state in ('on', 'off', 'failing')),
        constraint webhook_previous check ((previous_secret is null) = (previous_data_key_id is null) and (previous_secret is null) = (previous_until is null))
      )`);
    await runner.query('call make_tenant_table($1)', ['webhook']);
    // At its start the program looks for whom somebody is to be told anything, before it acts for any organisation: it says so, and may then see the rows, with
    // their secrets sealed.
    await runner.query(
      `create policy program on webhook for select using (current_setting('app.program', true) = 'notices')`,
    );
    await runner.query(`
      grant select, insert,
        update (url, events, state, failures, failing_since, data_key_id, secret, previous_data_key_id, previous_secret, previous_until, version, updated_at, removed_at)
      on webhook to safeguard_app`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table webhook');
  }
}
