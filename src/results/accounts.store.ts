import { Injectable } from '@nestjs/common';
import type { Derivation } from '../audit/derived-account.js';

/** As `nameId` makes it of the words `target`, its kind and its name. */
const ID_OF_NAME = `(
  select substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-8' || substr(h, 14, 3) || '-'
    || translate(substr(h, 17, 1), '0123456789abcdef', '89ab89ab89ab89ab') || substr(h, 18, 3) || '-' || substr(h, 21, 12)
  from encode(sha256(convert_to(
    '6:target' || octet_length(kind) || ':' || kind || octet_length(name) || ':' || name, 'UTF8')), 'hex') as h)`;

/** Sightings that the coverage of a system names, each once. */
const SIGHTED = (of: string): string =>
  `(select distinct system_id, sighting_id from coverage where organization_id = $1 and sighting_id is not null and ${of}) c`;

const KEPT_LOSSES = (of: string): string =>
  `${SIGHTED(of)} join sighting_loss l on l.organization_id = $1 and l.earlier_id = c.sighting_id`;
const LOSS = `earlier_id || ' to ' || later_id as key`;

/** What follows from the coverage of a system, and what of a sighting from another. */
@Injectable()
export class AccountsStore {
  /** Targets have the id of their name, and are those that something covers; of each the first row of coverage is enough. */
  readonly targets: Derivation = {
    rows: (of) => `
      select system_id as id, id::text as key, jsonb_build_object('name', id::text = ${ID_OF_NAME}) as says
      from target where organization_id = $1 and ${of('system_id')}`,
    due: (of) => `
      select system_id as id, target_id::text as key, '{"name": true}'::jsonb as says from (
        with recursive covered as (
          (select system_id, target_id from coverage where organization_id = $1 and ${of('system_id')} order by system_id, target_id limit 1)
          union all
          select n.system_id, n.target_id from covered t cross join lateral (
            select c.system_id, c.target_id from coverage c
            where c.organization_id = $1 and ${of('c.system_id')} and (c.system_id, c.target_id) > (t.system_id, t.target_id)
            order by c.system_id, c.target_id limit 1
          ) n
        )
        select * from covered
      ) t`,
  };

  /** Sightings have the id of the series that they hold, and are there while a row of coverage names them. */
  readonly sightings: Derivation = {
    rows: (of) => `
      select c.system_id as id, s.id::text as key, jsonb_build_object('series', s.id =
        encode(substring(sha256(convert_to(array_to_string(s.series, ','), 'UTF8')) for 16), 'hex')::uuid) as says
      from ${SIGHTED(of('system_id'))} join sighting s on s.organization_id = $1 and s.id = c.sighting_id`,
    due: (of) =>
      `select system_id as id, sighting_id::text as key, '{"series": true}'::jsonb as says from ${SIGHTED(of('system_id'))}`,
  };

  /**
   * What one sighting has and another has not, is so; and it is kept of any two of a target and source between which no scan is. Of others it may be, from when they were, and says
   * nothing that is not so.
   */
  readonly losses: Derivation = {
    rows: (of) => `
      select c.system_id as id, ${LOSS}, jsonb_build_object('series', array(select unnest(l.series) order by 1) =
        array(select unnest(e.series) except select unnest(s.series) order by 1)) as says
      from ${KEPT_LOSSES(of('system_id'))}
        join sighting e on e.organization_id = $1 and e.id = l.earlier_id
        join sighting s on s.organization_id = $1 and s.id = l.later_id`,
    due: (of) => `
      select system_id as id, ${LOSS}, '{"series": true}'::jsonb as says from ${KEPT_LOSSES(of('system_id'))}
      union
      select system_id, ${LOSS}, '{"series": true}' from (
        select k.system_id, lag(k.sighting_id) over (partition by k.system_id, k.target_id, k.source order by k.observed_at, k.known_at) as earlier_id, k.sighting_id as later_id
        from coverage k
        where k.organization_id = $1 and ${of('k.system_id')} and (k.sighting_id is not null or k.checks is null)
          and exists (
            select from coverage p where p.organization_id = $1 and p.system_id = k.system_id and p.target_id = k.target_id and p.source = k.source
              and p.sighting_id is not null)
      ) n
      where earlier_id <> later_id`,
  };
}
