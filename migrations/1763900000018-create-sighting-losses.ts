import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What one sighting saw and another, that came next after it for some target and source, did not. All that a history of partial scans has seen is in its last
 * sighting or in the losses of those before it; of sightings that are much alike, losses are few.
 */
export class CreateSightingLosses1763900000018 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table sighting_loss (
        organization_id uuid not null,
        earlier_id uuid not null,
        later_id uuid not null,
        series uuid[] not null,
        constraint sighting_loss_pk primary key (organization_id, earlier_id, later_id),
        constraint sighting_loss_earlier foreign key (organization_id, earlier_id) references sighting (organization_id, id),
        constraint sighting_loss_later foreign key (organization_id, later_id) references sighting (organization_id, id)
      )`);
    // The owner too sees only the rows of an organisation; of all of them he sees what is not his to see.
    for (const table of ['coverage', 'sighting']) {
      await runner.query(`alter table ${table} no force row level security`);
    }
    await runner.query(PAST_LOSSES);
    for (const table of ['coverage', 'sighting']) {
      await runner.query(`alter table ${table} force row level security`);
    }
    await runner.query('call make_tenant_table($1)', ['sighting_loss']);
    await runner.query('call make_append_only($1)', ['sighting_loss']);
    await runner.query('grant select, insert on sighting_loss to safeguard_app');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table sighting_loss');
  }
}

/**
 * What each merge would have written: between the sighting of its scan and those on either side of it, of the scans that were known then. A scan that covered all of the target and
 * source stands between sightings like one.
 */
const PAST_LOSSES = `
  with scanned as (
    select organization_id, system_id, target_id, source, observed_at, known_at, sighting_id,
           known_at > min(known_at) over (
             partition by organization_id, system_id, target_id, source order by observed_at desc, known_at desc
             rows between unbounded preceding and 1 preceding) as late
    from coverage
    where sighting_id is not null or checks is null
  ),
  step as (
    select s.organization_id, b.sighting_id as earlier_id, s.sighting_id as later_id
    from scanned s cross join lateral (
      select c.sighting_id from coverage c
      where (c.organization_id, c.system_id, c.target_id, c.source) = (s.organization_id, s.system_id, s.target_id, s.source)
        and c.observed_at <= s.observed_at and c.known_at < s.known_at and (c.sighting_id is not null or c.checks is null)
      order by c.observed_at desc, c.known_at desc
      limit 1) b
    union
    select s.organization_id, s.sighting_id, a.sighting_id
    from scanned s cross join lateral (
      select c.sighting_id from coverage c
      where (c.organization_id, c.system_id, c.target_id, c.source) = (s.organization_id, s.system_id, s.target_id, s.source)
        and c.observed_at > s.observed_at and c.known_at < s.known_at and (c.sighting_id is not null or c.checks is null)
      order by c.observed_at, c.known_at
      limit 1) a
    where s.late
  )
  insert into sighting_loss (organization_id, earlier_id, later_id, series)
  select s.organization_id, s.earlier_id, s.later_id, array(select unnest(e.series) except select unnest(l.series))
  from step s
    join sighting e on e.organization_id = s.organization_id and e.id = s.earlier_id
    join sighting l on l.organization_id = s.organization_id and l.id = s.later_id
  where s.earlier_id <> s.later_id`;
