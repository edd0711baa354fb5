import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The anchor log: a Merkle log whose leaves are the signed heads of all organisations' logs, so that one head outside stands for all of them. Of no organisation, as its
 * leaves are of all; a leaf has a log's name, size and root, and nothing of what is in it.
 */
export class CreateAnchorLog1764200000060 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // The last head of each log that is no leaf yet.
    await runner.query(`
      create table anchor_pending (
        generation integer not null,
        origin text not null,
        size bigint not null,
        note bytea not null,
        constraint anchor_pending_pk primary key (generation, origin)
      )`);
    await runner.query(`
      create table anchor_leaf (
        generation integer not null,
        index bigint not null,
        origin text not null,
        size bigint not null,
        note bytea not null,
        hash bytea not null,
        constraint anchor_leaf_pk primary key (generation, index)
      )`);
    await runner.query('create unique index anchor_leaf_origin on anchor_leaf (generation, origin, size)');
    await runner.query(`
      create table anchor_tile (
        generation integer not null,
        level integer not null,
        index bigint not null,
        hashes bytea not null,
        constraint anchor_tile_pk primary key (generation, level, index),
        constraint anchor_tile_full check (octet_length(hashes) = 8192)
      )`);
    // One row each time that a head of the anchor log went out.
    await runner.query(`
      create table anchoring (
        generation integer not null,
        number bigint not null,
        size bigint not null,
        note bytea not null,
        time_stamp bytea,
        anchored_at timestamptz not null,
        constraint anchoring_pk primary key (generation, number)
      )`);
    // Of each log, how large the last head is that is a leaf, and which head is the last that this database has kept a copy of outside.
    await runner.query(`
      create table anchor_copy (
        generation integer not null,
        origin text not null,
        leaf_size bigint not null,
        size bigint,
        version text,
        constraint anchor_copy_pk primary key (generation, origin)
      )`);
    // Of which logs no head is signed, and why.
    await runner.query(`
      create table log_fault (
        generation integer not null,
        origin text not null,
        reason text not null,
        since timestamptz not null,
        constraint log_fault_pk primary key (generation, origin)
      )`);
    for (const table of ['anchor_leaf', 'anchor_tile', 'anchoring']) {
      await runner.query('call make_append_only($1)', [table]);
      await runner.query(`grant select, insert on ${table} to safeguard_app`);
    }
    await runner.query('grant select, insert, update, delete on anchor_pending to safeguard_app');
    await runner.query('grant select, insert, update on anchor_copy to safeguard_app');
    await runner.query('grant select, insert, delete on log_fault to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['log_fault', 'anchor_copy', 'anchoring', 'anchor_tile', 'anchor_leaf', 'anchor_pending']) {
      await runner.query(`drop table ${table}`);
    }
  }
}
