import { plannedEnd, visibleIntervals, WHOLE } from './interval.js';

/**
 * What approved versions change of the intervals, of all of them at once: $1 organisation, $2 known, $3 records, $4 their versions, approved in this transaction.
 *
 * A version stands over those before it from its `effective_from` on, for good. So an interval that had no end by then ends there; one that was to end later is
 * corrected, and what of it lies before is said anew; and what was to begin then or later never did. An end says no more than that; a content begins in each of its
 * places. The rule that this keeps: in effect at D, as known at K, is the last version that was approved by K of those that begin by D, unless it ends the record.
 */
export const APPROVED_INTERVALS = `
  with decided as materialized (
    select v.*
    from unnest($3::uuid[], $4::integer[]) as d(record_id, version)
      join record_version v on v.organization_id = $1 and v.record_id = d.record_id and v.version = d.version
  ),
  standing as materialized (
    select r.*, d.effective_from as begins,
           r.effective_from < d.effective_from and r.effective_to is null as ends
    from decided d join record_interval r on r.organization_id = $1 and r.record_id = d.record_id and r.known_to is null
    where r.effective_to is null or r.effective_to > d.effective_from
  ),
  ended as (
    update record_interval r set effective_to = s.begins, ended_known = $2
    from standing s
    where s.ends and r.organization_id = $1 and r.record_id = s.record_id and r.version = s.version and r.system_id = s.system_id
      and r.effective_from = s.effective_from and r.known_from = s.known_from
  ),
  corrected as (
    update record_interval r set known_to = $2
    from standing s
    where not s.ends and r.organization_id = $1 and r.record_id = s.record_id and r.version = s.version and r.system_id = s.system_id
      and r.effective_from = s.effective_from and r.known_from = s.known_from
  ),
  kept as (
    insert into record_interval (organization_id, system_id, type, subject, record_id, version, effective_from, known_from, effective_to, ended_known,
                                 good_from, expires_at, outcome, fails, about)
    select organization_id, system_id, type, subject, record_id, version, effective_from, $2, begins, $2, good_from, expires_at, outcome, fails, about
    from standing where not ends and effective_from < begins
  )
  insert into record_interval (organization_id, system_id, type, subject, record_id, version, effective_from, known_from, good_from, expires_at,
                               outcome, fails, about)
  select d.organization_id, place.id, d.type, d.subject_id, d.record_id, d.version, d.effective_from, $2, d.good_from, d.expires_at,
         d.outcome, d.fails, d.about
  from decided d
    cross join lateral unnest(case when cardinality(d.system_ids) = 0 then array['${WHOLE}'::uuid] else d.system_ids end) as place(id)
  where d.kind = 'content'
  order by place.id, d.type, d.subject_id`;

/**
 * Of each limit of $limits (at, type, days, about) what the records of the place $4 say. Which record speaks for each subject comes first, once (of two of one day the one that fails): of tens of thousands
 * of persons, what is said of them is counted and not sorted, and the five that are named are found beside it.
 */
const needsOf = (limits: string, about: string): string => `
  select a.at, s.*
  from (
    select at, type, about, coalesce($2::timestamptz - days * interval '24 hours', '-infinity') as since
    from jsonb_to_recordset(${limits}::jsonb) as l(at integer, type text, days integer, about text[])
    offset 0
  ) a
    cross join lateral (
      with speaks as materialized (
        select distinct on (i.subject) i.subject, i.ends, i.record_id, i.fails, i.expires_at, i.good_from, coalesce(i.expires_at <= $2, false) as expired
        from (${visibleIntervals(
          (isOpen) =>
            `r.subject, ${plannedEnd(isOpen)} as ends, r.record_id, r.fails, r.expires_at, r.good_from, r.effective_from`,
          `r.system_id = $4 and r.type = a.type and r.good_from <= $2 and ${about}`,
        )}) i
        order by i.subject, coalesce(i.expires_at <= $2, false), i.good_from desc, i.fails desc, i.effective_from desc, i.record_id
      )
      select count(*)::int as subjects,
             count(*) filter (where fails)::int as failing,
             count(*) filter (where not fails and expired)::int as expired,
             count(*) filter (where good and good_from >= a.since)::int as fresh,
             max(good_from) filter (where good) as "newestGoodFrom",
             min(good_from) filter (where good) as "oldestGoodFrom",
             min(expires_at) filter (where good) as "firstExpires",
             (select case when bool_and(k.ends is not null) then max(k.ends) end from speaks k
              where not exists (select from speaks o where o.ends is null or exists (${visibleIntervals(
                '1',
                `r.system_id = $4 and r.type = a.type and (r.subject = o.subject or (r.subject is null and o.subject is null)) and r.good_from <= o.ends and ${about}`,
                'o.ends',
              )}))) as "endsAt",
             (select array_agg(record_id order by fails desc, expired desc, good_from, record_id)
              from (select * from speaks order by fails desc, expired desc, good_from, record_id limit 5) named) as records
      from (select *, not fails and not expired as good from speaks) told
    ) s
  where s.subjects > 0`;

/** $1 organisation, $2 as of, $3 known at, $4 place, $5 limits without `about`, for which the index `record_open` has all that is asked, $6 limits with it. */
export const NEEDS = `${needsOf('$5', 'true')} union all ${needsOf('$6', 'r.about && a.about')} order by at`;
