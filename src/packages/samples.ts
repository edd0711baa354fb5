import { dayOf } from '../kernel/dates.js';
import type { OutgoingFile } from './bag.js';
import type { PackageFacts, PackageRows } from './contents.js';
import { table, withFields } from './record-files.js';
import type { RecordLine } from './records.js';

/** What auditors draw samples from: which records tell of it, and which of their fields says when it was. */
const SAMPLES = {
  'new-hires': { type: 'clearance_record', date: 'decidedOn' },
  leavers: { type: 'termination_record', date: 'endedAt' },
  'access-changes': { type: 'access_request', date: 'decidedOn' },
  incidents: { type: 'incident_record', date: 'discoveredAt' },
} as const;

const COLUMNS = [
  'date',
  'recordId',
  'version',
  'title',
  'systemIds',
  'submittedBy',
  'decidedBy',
  'endedAt',
  'documents',
];

/** A table for each, of what lies in the period; one without lines where nothing is recorded. */
export const sampleFiles = (facts: PackageFacts, rows: PackageRows): OutgoingFile[] =>
  Object.entries(SAMPLES).map(([name, { type, date }]) => {
    const of = [...facts.records.types, ...facts.records.pastTypes].filter((one) => one.type === type);
    const fields = [...new Set(of.flatMap((one) => one.fields))];
    return {
      path: `index/samples/${name}.csv`,
      content: table(
        [...COLUMNS, ...fields.map((field) => `fields.${field}`)],
        () => recordsOf(facts, rows, type),
        (record) => {
          const at = dateOf(record, date);
          return isWithin(facts, at) ? [{ ...withFields(record, fields), date: at }] : [];
        },
      ),
    };
  });

async function* recordsOf(
  { records }: PackageFacts,
  rows: PackageRows,
  type: string,
): AsyncGenerator<RecordLine[], void> {
  if (records.types.some((of) => of.type === type)) yield* rows.records(type);
  if (records.pastTypes.some((of) => of.type === type)) yield* rows.pastRecords(type);
}

/** A day or an instant, as the field says it. Of a record that no longer says it (it was disposed of), from when its age counts. */
function dateOf({ fields, goodFrom }: RecordLine, field: string): string {
  const value = fields[field];
  return typeof value === 'string' && !Number.isNaN(Date.parse(value)) ? value : goodFrom.toISOString();
}

/** A day is within where any part of it is. */
function isWithin({ periodFrom, asOf }: PackageFacts, at: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(at)) return new Date(at) >= periodFrom && new Date(at) <= asOf;
  return at >= dayOf(periodFrom) && at <= dayOf(asOf);
}
