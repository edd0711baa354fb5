import { dayOf, earliest, firstAfter } from '../kernel/dates.js';
import type { Statement } from '../records/statement.js';
import type { RecoveryInput } from './judge.js';
import { ofType } from './objectives.js';
import { ageOf, stating, work } from './saying.js';
import { speaksFor, storesOf } from './stores.js';

const ENCRYPTION = 'backup-encryption';
const OFF_SITE = 'backup-offsite-immutability';

/** Who looks at where backups are kept sees whether they are encrypted, which no scanner of the cluster does. That they are evidences nothing by itself: it is not said of all. */
export function judgeStores(input: RecoveryInput): Statement[] {
  const type = 'immutability_evidence';
  const say = stating(input, ENCRYPTION, type);
  const comes = firstAfter(
    input.asOf,
    ofType(input.records, type).map(({ goodFrom }) => goodFrom),
  );
  return storesOf(input.records, input.asOf)
    .filter(({ encryption }) => encryption === 'none')
    .map(({ record, name }) =>
      say('failing', `${type}: the backups in ${name} were not encrypted on ${dayOf(record.goodFrom)}.`, {
        records: [record.id],
        until: comes,
        ...work('failing', record, null),
      }),
    );
}

/**
 * A store speaks for itself: that one was found without a lock, or where the system is, no later record of another one mends. And where reports say that backups are
 * kept somebody has to have looked of late: a record that names the bucket, or, where what is in it is copied elsewhere, one of that place that links to the location.
 * That nothing is kept of any store is said by nobody's saying anything.
 */
export function judgeLocks(input: RecoveryInput): Statement[] {
  const type = 'immutability_evidence';
  const { asOf, limitOf, records, locations } = input;
  const limit = limitOf(OFF_SITE, type);
  const stores = storesOf(records, asOf);
  const [newest] = stores.toSorted((one, other) => other.record.goodFrom.getTime() - one.record.goodFrom.getTime());
  if (limit === undefined || newest === undefined) return [];
  const say = stating(input, OFF_SITE, type);
  const comes = firstAfter(
    asOf,
    ofType(records, type).map(({ goodFrom }) => goodFrom),
  );
  const open = stores.filter(({ record }) => record.fails);
  if (open.length > 0) {
    return open.map(({ record, name }) =>
      say(
        'failing',
        `${type}: on ${dayOf(record.goodFrom)} the backups in ${name} had no lock, or lay where the system is.`,
        { records: [record.id], until: comes, ...work('failing', record, null) },
      ),
    );
  }
  const fresh = stores.flatMap((store) => {
    const age = ageOf([store.record], limit.days, asOf);
    return age === null || age.isOver ? [] : [{ store, end: age.end }];
  });
  const unseen = locations.filter((location) => !fresh.some(({ store }) => speaksFor(store, location)));
  if (unseen.length === 0) return [];
  const names = unseen.slice(0, 5).map(({ name, bucket }) => (bucket === null ? name : `${name} (${bucket})`));
  const reason =
    `${type}: of ${unseen.length} of ${locations.length} places where reports say that backups are kept no record ` +
    `${limit.days === null ? '' : `of the last ${limit.days} days `}speaks: ${names.join(', ')}${unseen.length > 5 ? ' …' : ''}.`;
  const until = earliest([comes, ...fresh.map(({ end }) => end)]);
  return [say('stale', reason, { records: [newest.record.id], until, ...work('stale', newest.record, null) })];
}
