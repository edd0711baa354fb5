import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The latest scan of a target is found by one descent of an index, however many scans it has had: by the list of checks that scans were complete for
 * (`checks_id`, a digest of it), and by what they saw without covering it.
 */
export class AddCoverageProbes1763900000015 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table coverage add column checks_id uuid');
    // Rows are append-only and hidden from their owner; a change of type writes the table anew without asking either.
    await runner.query(`
      alter table coverage
        alter column checks_id type uuid
          using encode(substring(sha256(convert_to(coalesce(checks::text, ''), 'UTF8')) for 16), 'hex')::uuid,
        alter column checks_id set not null,
        add constraint coverage_ahead check (observed_at <= known_at + interval '24 hours')`);
    await runner.query(
      `create index coverage_latest on coverage (organization_id, system_id, target_id, source, checks_id, observed_at, known_at)
       where complete`,
    );
    await runner.query(
      `create index coverage_sighted on coverage (organization_id, system_id, target_id, source, sighting_id, observed_at, known_at)
       where sighting_id is not null`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index coverage_sighted');
    await runner.query('drop index coverage_latest');
    await runner.query('alter table coverage drop constraint coverage_ahead, drop column checks_id');
  }
}
