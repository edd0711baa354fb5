import type { MigrationInterface, QueryRunner } from 'typeorm';

/** From when a package tells what came before its instant. Those that were asked for until now tell of their instant alone. */
export class AddPackagePeriod1764200000065 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table package add column period_from timestamptz');
    // A finished package is not changed otherwise: this says of each only what it has always been.
    await runner.query('alter table package disable trigger finish_once');
    await runner.query('alter table package no force row level security');
    await runner.query('update package set period_from = as_of');
    await runner.query('alter table package force row level security');
    await runner.query('alter table package enable trigger finish_once');
    await runner.query('alter table package alter column period_from set not null');
    await runner.query('alter table package add constraint package_period check (period_from <= as_of)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table package drop column period_from');
  }
}
