import { z } from 'zod';
import type { EffectiveRecord } from '../records/effective.js';

// What is read of the fields of these types (catalog/record-types/agreements.yaml). A record that does not have them, such as one that was disposed of, is null:
// it is never taken for one that says that all is well.

const vendorFields = z.object({
  role: z.enum(['business_associate', 'subcontractor', 'covered_entity', 'other']),
  parent: z.string().optional(),
  ephi: z.boolean(),
});
export type VendorFields = z.infer<typeof vendorFields>;

const agreementFields = z.object({
  vendor: z.string(),
  signedOn: z.iso.date(),
  signedLateWhy: z.string().optional(),
  endsOn: z.iso.date().optional(),
  renewal: z.enum(['none', 'automatic', 'by_notice']),
  noticeDays: z.int().min(0).optional(),
  incidentNoticeHours: z.number(),
  returnOrDestroy: z.enum(['return', 'destroy', 'infeasible']),
  terms: z.array(z.object({ term: z.string(), clause: z.string() })),
  namespaces: z.array(z.string()).default([]),
  dataClasses: z.array(z.string()).default([]),
});
export type AgreementFields = z.infer<typeof agreementFields>;

const reviewFields = z.object({ vendor: z.string() });
/** Of each item whether it applies. */
const applicabilityFields = z.object({ statements: z.array(z.object({ control: z.string(), applies: z.boolean() })) });
const returnFields = z.object({ agreement: z.string(), completedOn: z.iso.date() });

type Content = Pick<EffectiveRecord, 'fields'>;

/** Nobody changes the fields of a version, and what is kept of it in memory is asked of again and again: they are read once. */
function reader<Schema extends z.ZodType>(schema: Schema): (content: Content) => z.infer<Schema> | null {
  const read = new WeakMap<Content['fields'], z.infer<Schema> | null>();
  return ({ fields }) => {
    let found = read.get(fields);
    if (found === undefined) read.set(fields, (found = schema.safeParse(fields).data ?? null));
    return found;
  };
}

export const vendorOf = reader(vendorFields);
export const agreementOf = reader(agreementFields);
export const reviewOf = reader(reviewFields);
export const applicabilityOf = reader(applicabilityFields);
export const returnOf = reader(returnFields);
