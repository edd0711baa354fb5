import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What people keep: records of a type, each a line of versions with one life. Its table of moves is src/records/moves.ts; the trigger `life` holds it too, for what
 * was decided must stay decided, whatever the program asks.
 */
export class CreateRecords1764000000023 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table record (
        organization_id uuid not null,
        id uuid not null,
        type text not null,
        natural_key text not null,
        revision integer not null,
        last_version integer not null,
        approved_version integer,
        open_version integer,
        created_at timestamptz not null,
        created_by text not null,
        constraint record_pk primary key (organization_id, id),
        constraint record_organization foreign key (organization_id) references organization (organization_id)
      )`);
    await runner.query(
      `create unique index record_natural_key on record (organization_id, type, natural_key) where natural_key <> ''`,
    );
    await runner.query('create index record_list on record (organization_id, type, id)');
    await runner.query('call make_tenant_table($1)', ['record']);
    await runner.query(
      `grant select, insert, update (revision, last_version, approved_version, open_version, natural_key) on record to safeguard_app`,
    );

    await runner.query(`
      create table record_version (
        organization_id uuid not null,
        record_id uuid not null,
        version integer not null,
        kind text not null,
        state text not null,
        type text not null,
        type_version text not null,
        title text not null,
        owner_id text not null,
        fields jsonb not null,
        system_ids uuid[] not null,
        effective_from timestamptz not null,
        expires_at timestamptz,
        good_from timestamptz not null,
        natural_key text not null,
        subject text,
        subject_id uuid,
        outcome text,
        fails boolean not null,
        about text[] not null,
        links jsonb not null,
        documents jsonb not null,
        reason text,
        hands uuid[] not null,
        created_at timestamptz not null,
        created_by text not null,
        submitted_at timestamptz,
        submitted_by text,
        decided_at timestamptz,
        decided_by text,
        decided_person uuid,
        disposed_at timestamptz,
        constraint record_version_pk primary key (organization_id, record_id, version),
        constraint record_version_record foreign key (organization_id, record_id) references record (organization_id, id),
        constraint record_version_kind check (kind in ('content', 'end')),
        constraint record_version_state check (state in ('draft', 'submitted', 'approved', 'withdrawn')),
        constraint record_version_submitted check (state <> 'submitted' or (submitted_at is not null and submitted_by is not null)),
        constraint record_version_decided check ((decided_at is not null) = (state = 'approved' or state = 'withdrawn')),
        constraint record_version_two_people check (state <> 'approved' or (decided_person is not null and cardinality(hands) > 0 and decided_person <> all (hands)))
      )`);
    await runner.query(
      `create index record_version_waiting on record_version (organization_id, submitted_at) where state = 'submitted'`,
    );
    await runner.query('call make_tenant_table($1)', ['record_version']);
    await runner.query(`
      create function keep_record_life() returns trigger language plpgsql as $$
      declare
        emptied record_version;
      begin
        if tg_op = 'INSERT' then
          if new.state not in ('draft', 'submitted') then
            raise exception 'a version of a record begins as a draft' using errcode = 'restrict_violation';
          end if;
          return new;
        end if;
        if old.state in ('approved', 'withdrawn') then
          -- Of what was decided only its disposal is written, once, and it takes nothing but the content.
          emptied := old;
          emptied.title := '';
          emptied.fields := '{}';
          emptied.natural_key := '';
          emptied.subject := null;
          emptied.reason := null;
          emptied.links := coalesce(
            (select jsonb_agg(jsonb_set(link, '{note}', '""') order by number) from jsonb_array_elements(old.links) with ordinality as l(link, number)), '[]');
          emptied.documents := coalesce(
            (select jsonb_agg(jsonb_set(named, '{name}', '""') order by number) from jsonb_array_elements(old.documents) with ordinality as d(named, number)), '[]');
          emptied.disposed_at := new.disposed_at;
          if old.disposed_at is not null or new.disposed_at is null or new is distinct from emptied then
            raise exception 'a version of a record that was decided is not changed' using errcode = 'restrict_violation';
          end if;
          return new;
        end if;
        if new.disposed_at is not null
           or (new.organization_id, new.record_id, new.version, new.kind, new.type, new.created_at, new.created_by)
              is distinct from (old.organization_id, old.record_id, old.version, old.kind, old.type, old.created_at, old.created_by)
           or not (old.hands <@ new.hands) then
          raise exception 'a version of a record keeps what it is and who wrote it' using errcode = 'restrict_violation';
        end if;
        if old.state = 'draft' and new.state = 'approved' then
          raise exception 'a draft is not approved' using errcode = 'restrict_violation';
        end if;
        -- What was submitted is what is decided on.
        if old.state = 'submitted'
           and (new.type_version, new.title, new.owner_id, new.fields, new.system_ids, new.effective_from, new.expires_at, new.good_from,
                new.natural_key, new.subject, new.outcome, new.subject_id, new.fails, new.about, new.links, new.documents, new.reason)
               is distinct from
               (old.type_version, old.title, old.owner_id, old.fields, old.system_ids, old.effective_from, old.expires_at, old.good_from,
                old.natural_key, old.subject, old.outcome, old.subject_id, old.fails, old.about, old.links, old.documents, old.reason) then
          raise exception 'a version of a record that waits for a decision is not edited' using errcode = 'restrict_violation';
        end if;
        return new;
      end $$`);
    await runner.query(
      'create trigger life before insert or update on record_version for each row execute function keep_record_life()',
    );
    await runner.query(
      'create trigger keep before delete on record_version for each row execute function refuse_change()',
    );
    await runner.query(
      'create trigger keep_all before truncate on record_version for each statement execute function refuse_change()',
    );
    await runner.query(
      `grant select, insert,
         update (state, type_version, title, owner_id, fields, system_ids, effective_from, expires_at, good_from, natural_key, subject, subject_id, outcome, fails,
                 about, links, documents, reason, hands, submitted_at, submitted_by, decided_at, decided_by, decided_person, disposed_at)
       on record_version to safeguard_app`,
    );

    await runner.query(`
      create table record_move (
        organization_id uuid not null,
        record_id uuid not null,
        version integer not null,
        number integer not null,
        move text not null,
        at timestamptz not null,
        by text not null,
        reason text,
        constraint record_move_pk primary key (organization_id, record_id, version, number),
        constraint record_move_version foreign key (organization_id, record_id, version) references record_version (organization_id, record_id, version)
      )`);
    await runner.query('call make_tenant_table($1)', ['record_move']);
    await runner.query('call make_append_only($1)', ['record_move']);
    await runner.query('grant select, insert on record_move to safeguard_app');

    // To be found by what an approved version points at: its own list of links, with their notes, is in its row.
    await runner.query(`
      create table record_link (
        organization_id uuid not null,
        record_id uuid not null,
        version integer not null,
        kind text not null,
        target text not null,
        constraint record_link_pk primary key (organization_id, record_id, version, kind, target),
        constraint record_link_version foreign key (organization_id, record_id, version) references record_version (organization_id, record_id, version),
        constraint record_link_kind check (kind in ('practice', 'control', 'record', 'evidence', 'series', 'namespace', 'check'))
      )`);
    await runner.query('create index record_link_target on record_link (organization_id, kind, target, record_id)');
    await runner.query('call make_tenant_table($1)', ['record_link']);
    await runner.query('call make_append_only($1)', ['record_link']);
    await runner.query('grant select, insert on record_link to safeguard_app');

    // All evidence that a version has named, also as a draft: none of it goes before the version may.
    await runner.query(`
      create table record_document (
        organization_id uuid not null,
        record_id uuid not null,
        version integer not null,
        evidence_id uuid not null,
        constraint record_document_pk primary key (organization_id, record_id, version, evidence_id),
        constraint record_document_version foreign key (organization_id, record_id, version) references record_version (organization_id, record_id, version),
        constraint record_document_evidence foreign key (organization_id, evidence_id) references evidence (organization_id, id)
      )`);
    await runner.query('create index record_document_of on record_document (organization_id, evidence_id)');
    await runner.query('call make_tenant_table($1)', ['record_document']);
    await runner.query('call make_append_only($1)', ['record_document']);
    await runner.query('grant select, insert on record_document to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table record_document');
    await runner.query('drop table record_link');
    await runner.query('drop table record_move');
    await runner.query('drop table record_version');
    await runner.query('drop function keep_record_life()');
    await runner.query('drop table record');
  }
}
