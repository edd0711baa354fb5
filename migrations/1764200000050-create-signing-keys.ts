import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The public keys that the service has signed by, so that what an old one signed verifies after a rotation. Of no organisation: one service signs for all. */
export class CreateSigningKeys1764200000050 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table signing_key (
        use text not null constraint signing_key_use check (use in ('log', 'receipt', 'package')),
        key_id text not null,
        public_key bytea not null,
        first_used_at timestamptz not null,
        constraint signing_key_pk primary key (use, key_id)
      )`);
    await runner.query('call make_append_only($1)', ['signing_key']);
    await runner.query('grant select, insert on signing_key to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table signing_key');
  }
}
