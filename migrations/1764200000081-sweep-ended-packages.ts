import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A package that was cancelled or failed keeps the place that its last attempt wrote to: one that was killed after its last byte leaves an object there, which is removed when no
 * attempt can be under way any more.
 */
export class SweepEndedPackages1764200000081 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table package
        drop constraint package_removed,
        add constraint package_removed check (
          removed_at is null or status in ('failed', 'cancelled') or (status = 'ready' and expires_at is not null))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table package disable trigger user`);
    await runner.query(`update package set removed_at = null where status in ('failed', 'cancelled')`);
    await runner.query(`alter table package enable trigger user`);
    await runner.query(`
      alter table package
        drop constraint package_removed,
        add constraint package_removed check (removed_at is null or (status = 'ready' and expires_at is not null))`);
  }
}
