import { z } from 'zod';
import { FieldsSchema, recordTypeName } from './fields.js';
import { RULE_SETS } from './rule-sets.js';

export type { FieldSchema } from './fields.js';

/*
 * The shape of catalog/record-types/<section>.yaml: sorts of records that people keep, as data. Keys are written as the YAML has them; what may be left out is null
 * or empty then.
 */

const text = z.string().min(1).max(2000);
const days = z.int().min(1).max(36_500);
const field = z.string().min(1).max(64);
/** A field, or a member of the entries of a list: `accounts[].removedAt`. */
const path = z.string().min(1).max(131);

/** What a type is kept under in the catalogue; `service`: the service itself acts on records of it. */
export const TYPE_SECTIONS = [
  'governance',
  'risk',
  'workforce',
  'access',
  'incidents',
  'contingency',
  'agreements',
  'keys',
  'logging',
  'technical',
  'facilities',
  'service',
] as const;

/** Values of fields, any of each; of all the fields that are named. */
const values = z.record(field, z.array(z.union([z.string().max(200), z.boolean()])).min(1).max(20));
export type FieldValues = Readonly<z.output<typeof values>>;

/** Fields that are compared: the first with the sum of the others. Of a list its length counts, and of what is left out nothing. */
const compared = z.array(z.array(field).min(2).max(5)).max(10).default([]);

/** What no schema of single fields can say, so that no record calls itself good while its own numbers say otherwise. */
const Condition = z.strictObject({
  when: values.default({}).describe('Where the fields are this; left out: always'),
  present: z.array(path).max(20).default([]).describe('Fields that are not left out then; of a list `gaps[].why` of each entry'),
  absent: z.array(field).max(20).default([]).describe('Fields that are left out then'),
  are: values.default({}).describe('What fields are then'),
  includes: z.record(field, z.array(z.string().min(1).max(200)).min(1).max(20)).default({}).describe('What lists hold then, at least'),
  between: z
    .record(field, z.tuple([z.number(), z.number()]))
    .default({})
    .describe('The least and the greatest that numbers are then; of a list its length'),
  equal: compared.describe('The first is the sum of the others'),
  at_most: compared.describe('The first is not above the sum of the others'),
  below: compared.describe('The first is below the sum of the others'),
  some: compared.describe('One of them at least is above nothing'),
  differ: z
    .array(z.tuple([field, field]))
    .max(10)
    .default([])
    .describe('Two names of people, who are not the same'),
  within: z
    .strictObject({ from: field, to: field, days: z.int().min(0).max(3660) })
    .nullable()
    .default(null)
    .describe('The second day or instant is not later than so many days after the first'),
  documents: z.int().min(0).max(20).default(0).describe('How many documents there are then, at least'),
  says: text.describe('Why, in a sentence'),
});

/** What holds of the fields of a record together. */
export type Condition = Readonly<z.output<typeof Condition>>;

const Obligation = z.strictObject({
  when: values.describe('What the fields of this record are'),
  type: recordTypeName.describe('The type of the record that is due'),
  having: values.default({}).describe('What the fields of the record that is due are'),
  within_days: z.int().min(0).max(3660),
  from: field.describe(
    'The day or instant from which the days count; where the record does not say it, they count from effectiveFrom. What was done on a day before it meets nothing, ' +
      'unless it is itself the last day (within no days)',
  ),
  or_earlier: z
    .strictObject({ type: recordTypeName, field })
    .nullable()
    .default(null)
    .describe('A day or instant of the records of this type that the record links to: the days count from it where it is the earlier one'),
  year_end: z.boolean().default(false).describe('Whether the days count from the end of the calendar year (in UTC) of that day'),
  items: z
    .array(z.string().min(1).max(100))
    .max(10)
    .default([])
    .describe('Items of the law that say so: they fail when it is overdue, beside whatever asks for the record that is due'),
  linked: z.boolean().default(true).describe('Whether the record that is due links to this one'),
  unless: recordTypeName
    .nullable()
    .default(null)
    .describe(
      'Nothing is due while a record of this type that links to this one is in effect and has not expired. It puts off a last day alone that had not passed at the ' +
        'instant from which its age counts',
    ),
  says: text.describe('The duty, in a sentence'),
});

/** What a record of a type makes due of another. */
export type Obligation = z.output<typeof Obligation>;

/** How long records of a type speak for the present. The Security Rule sets no number of days, so `regulation` goes with null alone. */
const GoodFor = z.strictObject({
  days: days.nullable().describe('Null: per event, or for the life of what it is about'),
  basis: z.enum(['regulation', 'guidance', 'proposed_rule_2025', 'practice']),
  why: text,
});

const members = {
  title: z.string().min(1).max(100),
  summary: text.describe('What a record of it is, in a sentence'),
  place: z
    .enum(['organization', 'system', 'either'])
    .describe('What records of it are of: the whole organisation, systems that they name, or either'),
  key: field.nullable().default(null).describe('The field that tells records apart: one record per value. Null: any number'),
  each: field
    .nullable()
    .default(null)
    .describe('The field whose every value wants a fresh record. Null: the freshest record speaks for all'),
  counts_for: z
    .enum(['all', 'named'])
    .default('all')
    .describe('`named`: a record meets the needs of those practices alone that it names, in its fields or by a link'),
  counted_in: recordTypeName
    .nullable()
    .default(null)
    .describe(
      'The type whose records say of a period how many of these there were. Where none is kept, one that says that there was none (its `none`) speaks in their place, and ' +
        'no other. Whatever asks for the one asks for the other',
    ),
  none: field
    .nullable()
    .default(null)
    .describe('Of a type that counts others: its field, a number or a list, that is zero or empty where there was none of them. Null: it never says so'),
  good_for: GoodFor,
  good_from: field.nullable().default(null).describe('The field from which age counts. Null: effectiveFrom'),
  expires: field.nullable().default(null).describe('The field that says when it ends, whatever its age'),
  outcome: z
    .strictObject({
      field,
      fails: z.array(z.string().min(1).max(200)).min(1).max(20),
      or: values.default({}).describe('Other fields by any of which it fails as well'),
    })
    .nullable()
    .default(null)
    .describe('A record in effect whose field has one of these values fails what it would prove'),
  documents: z
    .strictObject({
      least: z.int().min(0).max(20).describe('How many there must be at submission'),
      roles: z
        .array(z.string().regex(/^[a-z]+(-[a-z]+)*$/, 'is not a lower-case name with hyphens'))
        .max(10)
        .default([])
        .describe('What a document may be; empty: anything'),
    })
    .default({ least: 0, roles: [] }),
  auditor_asks: z.array(text).min(1).max(10).describe('What an auditor asks of records of it'),
  not_before: z
    .array(z.tuple([path, path]))
    .max(20)
    .default([])
    .describe('Pairs of fields: the second day or instant is not before the first; of a list `gaps[].to` of each entry, and two of one list of the same entry'),
  holds: z.array(Condition).max(20).default([]).describe('What is true of its fields together, or it is refused'),
  obliges: z.array(Obligation).max(10).default([]),
  met_by: z
    .strictObject({
      facts: z.array(z.string().min(1).max(100)).max(20).default([]).describe('Kinds of facts'),
      sources: z.array(z.string().min(1).max(100)).max(20).default([]).describe('Sources of results, with all below them'),
    })
    .nullable()
    .default(null)
    .describe('What a machine says in place of a record: nobody types what a report has said'),
  rules: z.enum(RULE_SETS).nullable().default(null).describe('Rules in code, by name; null: the schema is all'),
  fields: FieldsSchema,
  example: z
    .strictObject({
      title: z.string().min(1).max(200),
      effectiveFrom: z.iso.datetime({ offset: true }),
      fields: z.record(z.string(), z.unknown()),
    })
    .describe('A record of it as it is sent'),
};

/** A record type of the catalogue, or of an organisation (`org/…`). */
export const TypeDefinition = z.strictObject({ type: recordTypeName, ...members });
export type TypeDefinition = Readonly<z.output<typeof TypeDefinition>>;

export const RecordTypesFile = z.strictObject({
  section: z.enum(TYPE_SECTIONS),
  types: z.array(TypeDefinition).min(1),
});
export type RecordTypesFile = z.output<typeof RecordTypesFile>;
