import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The organisations' Merkle logs (RFC 6962, C2SP tlog-tiles). Events wait in `audit_queue` until the sequencer gives each its index; full tiles are kept, partial ones
 * are made of what is below them. A generation of logs ends only where a database had to be restored to an earlier time: what was signed must not be signed otherwise.
 */
export class CreateLog1764200000055 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table log_generation (
        number integer not null,
        started_at timestamptz not null,
        constraint log_generation_pk primary key (number)
      )`);
    await runner.query('insert into log_generation values (1, now())');
    await runner.query('call make_append_only($1)', ['log_generation']);
    await runner.query('grant select, insert on log_generation to safeguard_app');

    await runner.query(`
      create table audit_queue (
        organization_id uuid not null,
        event_id uuid not null,
        leaf_hash bytea not null,
        constraint audit_queue_pk primary key (organization_id, event_id)
      )`);
    // Each event, also one that a server of an earlier version writes while it is being replaced.
    await runner.query(`
      create function queue_audit_events() returns trigger language plpgsql as $$
      begin
        insert into audit_queue (organization_id, event_id, leaf_hash)
        select organization_id, id, sha256('\\x00'::bytea || leaf) from added;
        return null;
      end $$`);
    await runner.query(`
      create trigger queue after insert on audit_event referencing new table as added
      for each statement execute function queue_audit_events()`);
    // Those of before, which their owner does not see as long as the security of rows is forced.
    await runner.query('alter table audit_event no force row level security');
    await runner.query(`
      insert into audit_queue (organization_id, event_id, leaf_hash)
      select organization_id, id, sha256('\\x00'::bytea || leaf) from audit_event`);
    await runner.query('alter table audit_event force row level security');
    await runner.query('call make_tenant_table($1)', ['audit_queue']);
    await runner.query('grant select, insert, delete on audit_queue to safeguard_app');

    await runner.query(`
      create table audit_leaf (
        organization_id uuid not null,
        generation integer not null,
        index bigint not null,
        leaf_hash bytea not null,
        event_id uuid,
        leaf bytea,
        constraint audit_leaf_pk primary key (organization_id, generation, index),
        constraint audit_leaf_event foreign key (organization_id, event_id) references audit_event (organization_id, id)
      )`);
    await runner.query('create unique index audit_leaf_of_event on audit_leaf (organization_id, generation, event_id)');
    await runner.query('call make_tenant_table($1)', ['audit_leaf']);
    await runner.query('call make_append_only($1)', ['audit_leaf']);
    await runner.query('grant select, insert on audit_leaf to safeguard_app');

    await runner.query(`
      create table log_tile (
        organization_id uuid not null,
        generation integer not null,
        level integer not null,
        index bigint not null,
        hashes bytea not null,
        root bytea not null,
        constraint log_tile_pk primary key (organization_id, generation, level, index)
      )`);
    await runner.query('call make_tenant_table($1)', ['log_tile']);
    await runner.query('call make_append_only($1)', ['log_tile']);
    await runner.query('grant select, insert on log_tile to safeguard_app');

    await runner.query(`
      create table log_state (
        organization_id uuid not null,
        generation integer not null,
        origin text not null,
        size bigint not null,
        root bytea not null,
        frontier bytea not null,
        is_complete boolean not null,
        signed_size bigint not null,
        constraint log_state_pk primary key (organization_id, generation),
        constraint log_state_signed check (signed_size <= size)
      )`);
    await runner.query('call make_tenant_table($1)', ['log_state']);
    await runner.query(`
      grant select, insert, update (size, root, frontier, is_complete, signed_size) on log_state to safeguard_app`);

    await runner.query(`
      create table log_checkpoint (
        organization_id uuid not null,
        generation integer not null,
        size bigint not null,
        root bytea not null,
        note bytea not null,
        signed_at timestamptz not null,
        constraint log_checkpoint_pk primary key (organization_id, generation, size)
      )`);
    await runner.query('call make_tenant_table($1)', ['log_checkpoint']);
    await runner.query('call make_append_only($1)', ['log_checkpoint']);
    await runner.query('grant select, insert on log_checkpoint to safeguard_app');

    // The sequencer looks for whose events wait and whose head is not signed, before it acts for any organisation: it says so, and may then see ids, sizes and hashes.
    // It writes as each organisation alone.
    for (const table of ['audit_queue', 'log_state']) {
      await runner.query(
        `create policy program on ${table} for select using (current_setting('app.program', true) = 'sequencer')`,
      );
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table log_checkpoint');
    await runner.query('drop table log_state');
    await runner.query('drop table log_tile');
    await runner.query('drop table audit_leaf');
    await runner.query('drop trigger queue on audit_event');
    await runner.query('drop function queue_audit_events()');
    await runner.query('drop table audit_queue');
    await runner.query('drop table log_generation');
  }
}
