import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A data key that somebody deleted past the service could not be put back from a backup, as another of its quarter had been made since. There may be two of a quarter: the later encrypts,
 * and each opens what it has encrypted.
 */
export class AllowADataKeyThatIsPutBack1764300000100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table data_key drop constraint data_key_epoch');
    await runner.query('create index data_key_epoch on data_key (organization_id, epoch, created_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index data_key_epoch');
    await runner.query('alter table data_key add constraint data_key_epoch unique (organization_id, epoch)');
  }
}
