import type { Account } from '../audit/account.js';
import { derivedAccount } from '../audit/derived-account.js';

/** As `nameId` makes it of the words `target`, its kind and its name. */
const ID_OF_NAME = `(
  select substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-8' || substr(h, 14, 3) || '-'
    || translate(substr(h, 17, 1), '0123456789abcdef', '89ab89ab89ab89ab') || substr(h, 18, 3) || '-' || substr(h, 21, 12)
  from encode(sha256(convert_to(
    '6:target' || octet_length(kind) || ':' || kind || octet_length(name) || ':' || name, 'UTF8')), 'hex') as h)`;

/** Targets have the id of their name, and are those that something covers; of each the first row of coverage is enough. */
export const TARGETS: Account = derivedAccount({
  ...{ table: 'target', kind: 'system', objects: 'system' },
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
});
