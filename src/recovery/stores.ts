import type { EffectiveRecord } from '../records/effective.js';
import { FACT_KINDS } from '../results/fact.js';
import type { ListedFact } from '../results/listed-fact.js';
import { readStore } from './fields.js';
import { ofType } from './objectives.js';

/** What people have last seen of a place where backups are kept. */
export interface SeenStore {
  record: EffectiveRecord;
  /** One spelling of its name. */
  name: string;
  /** Null: the record does not say. */
  encryption: string | null;
}

/** `s3://clinic-backups/` is the bucket clinic-backups. */
export const storeName = (store: string): string => store.replace(/^[a-z0-9]+:\/\//, '').replace(/\/+$/, '');

/** Of each store what was seen last, up to an instant; of two of one instant what was decided on last. One that cannot be read tells of no store. */
export function storesOf(records: readonly EffectiveRecord[], asOf: Date): SeenStore[] {
  const last = new Map<string, SeenStore>();
  for (const record of ofType(records, 'immutability_evidence')) {
    const fields = readStore(record.fields);
    if (fields === null || record.goodFrom > asOf || (record.expiresAt !== null && record.expiresAt <= asOf)) continue;
    const name = storeName(fields.store);
    const before = last.get(name)?.record;
    if (before !== undefined && !isLater(record, before)) continue;
    last.set(name, { record, name, encryption: fields.encryption });
  }
  return [...last.values()];
}

const isLater = (one: EffectiveRecord, other: EffectiveRecord): boolean =>
  one.goodFrom.getTime() - other.goodFrom.getTime() > 0 ||
  (one.goodFrom.getTime() === other.goodFrom.getTime() && one.decidedAt > other.decidedAt);

/** Where backups are kept, by what reports say. */
export interface BackupLocation {
  series: string;
  name: string;
  bucket: string | null;
}

/** Null of what cannot be read. */
export function locationOf({ series, subject, value }: ListedFact): BackupLocation | null {
  const said = FACT_KINDS['backup-storage-location'].safeParse(value).data;
  return said === undefined ? null : { series, name: subject, bucket: said.bucket };
}

/** Whether what was seen of a store is of a location: of its bucket, or by a link to what reports say of it. */
export const speaksFor = ({ name, record }: SeenStore, { series, bucket }: BackupLocation): boolean =>
  (bucket !== null && name === bucket) ||
  record.links.some(({ kind, target }) => kind === 'series' && target === series);
