import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Ids of series begin with what all of one target and source have in common, so that what is told of them lies together in the indexes that begin with the id: a
 * first report filled one page of the primary key for each of its rows. The rest of an id stays as it was. A sighting keeps its own id, which is only a name.
 */
export class GatherSeries1763900000022 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(PART);
    await runner.query(`
      create function gathered(target uuid, source text, series uuid) returns uuid language sql immutable as $$
        select (left(encode(sha256(convert_to(name_part('place') || name_part(target::text) || name_part(source), 'UTF8')), 'hex'), 4)
                || substr(series::text, 5))::uuid
      $$`);
    await runner.query(`
      create function gathered_all(organization uuid, sighting uuid, all_series uuid[]) returns uuid[] language sql stable as $$
        select coalesce(array_agg(gathered(c.target_id, c.source, s.series) order by gathered(c.target_id, c.source, s.series)), '{}')
        from unnest(all_series) as s(series) cross join (
          select target_id, source from coverage where organization_id = organization and sighting_id = sighting limit 1) c
      $$`);
    // Each sighting asks which scan saw it.
    await runner.query('create index coverage_seen on coverage (organization_id, sighting_id)');
    await rewrite(runner, {
      result: 'gathered(target_id, source, series)',
      fact: 'gathered(target_id, source, series)',
      sighting: 'gathered_all(organization_id, id, series)',
      sighting_loss: 'gathered_all(organization_id, earlier_id, series)',
    });
    await runner.query('drop index coverage_seen');
    await runner.query('drop function gathered_all(uuid, uuid, uuid[])');
    await runner.query('drop function gathered(uuid, text, uuid)');
    await runner.query('drop function name_part(text)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(PART);
    await runner.query(`
      create function scattered(kind text, target uuid, source text, what text, which text, series uuid) returns uuid language sql immutable as $$
        select (left(encode(sha256(convert_to(
                 name_part(kind) || name_part(target::text) || name_part(source) || name_part(what) || name_part(which), 'UTF8')), 'hex'), 4)
                || substr(series::text, 5))::uuid
      $$`);
    await runner.query(`
      create function scattered_all(organization uuid, all_series uuid[]) returns uuid[] language sql stable as $$
        select coalesce(array_agg(old.series order by old.series), '{}')
        from unnest(all_series) as s(series) cross join lateral (
          select scattered('series', target_id, source, check_id, resource, s.series) as series
          from result r where r.organization_id = organization and r.series = s.series
          union all
          select scattered('fact', target_id, source, kind, subject, s.series)
          from fact f where f.organization_id = organization and f.series = s.series
          limit 1) old
      $$`);
    await rewrite(runner, {
      sighting: 'scattered_all(organization_id, series)',
      sighting_loss: 'scattered_all(organization_id, series)',
      result: `scattered('series', target_id, source, check_id, resource, series)`,
      fact: `scattered('fact', target_id, source, kind, subject, series)`,
    });
    await runner.query('drop function scattered_all(uuid, uuid[])');
    await runner.query('drop function scattered(text, uuid, text, text, text, uuid)');
    await runner.query('drop function name_part(text)');
  }
}

/** As src/kernel/ids.ts puts the parts of a name together. */
const PART = `
  create function name_part(part text) returns text language sql immutable as $$
    select octet_length(convert_to(part, 'UTF8')) || ':' || part
  $$`;

/** Rows are append-only and hidden from their owner; a change of type writes a table anew without asking either. What it looks up must be in sight. */
async function rewrite(runner: QueryRunner, columns: Record<string, string>): Promise<void> {
  const looked = ['coverage', 'result', 'fact'];
  for (const table of looked) await runner.query(`alter table ${table} no force row level security`);
  for (const [table, expression] of Object.entries(columns)) {
    const type = table.startsWith('sighting') ? 'uuid[]' : 'uuid';
    await runner.query(`alter table ${table} alter column series type ${type} using ${expression}`);
  }
  for (const table of looked) await runner.query(`alter table ${table} force row level security`);
}
