import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Browser sessions, in the shape that connect-pg-simple asks for. No tenant's data: who is signed in, by issuer and subject, until when. */
export class CreateSession1763900000008 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table session (
        sid text not null,
        sess json not null,
        expire timestamptz not null,
        constraint session_pk primary key (sid)
      )`);
    await runner.query('create index session_expire on session (expire)');
    await runner.query('grant select, insert, update, delete on session to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table session');
  }
}
