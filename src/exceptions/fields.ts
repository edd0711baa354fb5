import { z } from 'zod';
import type { EffectiveRecord } from '../records/effective.js';

// What is read of the fields of exceptions, decisions and statements of applicability (catalog/record-types/service.yaml, governance.yaml). A record that does not have them, such as one that
// was disposed of, is null: it covers nothing.

const exceptionFields = z.object({
  checks: z.array(z.object({ source: z.string(), check: z.string() })).default([]),
  results: z.array(z.object({ systemId: z.string(), series: z.string() })).default([]),
  practices: z.array(z.string()).default([]),
});
export type ExceptionFields = z.infer<typeof exceptionFields>;

const decisionFields = z.object({
  control: z.string(),
  /** The four factors of 45 CFR 164.306(b)(2)(i) to (iv). */
  size: z.string(),
  infrastructure: z.string(),
  cost: z.string(),
  risk: z.string(),
  outcome: z.enum(['implement', 'alternative', 'not_reasonable']),
  alternative: z.string().optional(),
  standardMet: z.string().optional(),
  analysis: z.string().optional(),
});
export type DecisionFields = z.infer<typeof decisionFields>;

const applicabilityFields = z.object({
  statements: z.array(z.object({ control: z.string(), applies: z.boolean(), metBy: z.string().optional() })),
});
export type ApplicabilityFields = z.infer<typeof applicabilityFields>;

type Content = Pick<EffectiveRecord, 'fields'>;

export const exceptionOf = ({ fields }: Content): ExceptionFields | null =>
  exceptionFields.safeParse(fields).data ?? null;
export const decisionOf = ({ fields }: Content): DecisionFields | null => decisionFields.safeParse(fields).data ?? null;
export const applicabilityOf = ({ fields }: Content): ApplicabilityFields | null =>
  applicabilityFields.safeParse(fields).data ?? null;
