import type { MigrationInterface, QueryRunner } from 'typeorm';

/** By what the service knows the keys that it has signed by from rows that somebody put beside them: it seals each by its key-encryption key. Of no organisation, as they are. */
export class VouchForSigningKeys1764300000090 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table signing_key_voucher (
        use text not null,
        key_id text not null,
        kek_version integer not null,
        sealed bytea not null,
        constraint signing_key_voucher_pk primary key (use, key_id, sealed),
        constraint signing_key_voucher_key foreign key (use, key_id) references signing_key (use, key_id)
      )`);
    await runner.query('call make_append_only($1)', ['signing_key_voucher']);
    await runner.query('grant select, insert on signing_key_voucher to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table signing_key_voucher');
  }
}
