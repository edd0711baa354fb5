import { z } from 'zod';
import { RISK_LEVELS } from '../organizations/organization.schema.js';
import type { EffectiveRecord } from '../records/effective.js';

/*
 * What is read of risk analyses, plans and risks (catalog/record-types/risk.yaml): the fields that their rules and their judge rest on. An organisation's own
 * tightening of a type adds others, which are passed over. What cannot be read is null, and never taken for anything.
 */

const step = z.int().min(1).max(5);
const texts = z.array(z.string());

const matrix = z.object({
  likelihood: texts.length(5),
  impact: texts.length(5),
  /** Row by row: the least likelihood with every impact, then the next. */
  level: z.array(z.enum(RISK_LEVELS)).length(25),
});
/** A matrix as an analysis keeps it. */
export type AnalysisMatrix = z.infer<typeof matrix>;

const analysis = z.object({
  method: z.string(),
  systems: z.array(z.object({ systemId: z.string(), version: z.string().optional() })),
  /** `<system>/<name>`. */
  namespaces: texts,
  volumes: texts,
  /** Ids of records. */
  vendors: texts,
  leftOut: z.array(z.object({ what: z.string(), why: z.string() })),
  assets: z.array(z.object({ name: z.string(), ephi: z.boolean() })),
  flows: z.array(z.object({ from: z.string(), to: z.string(), what: z.string() })),
  matrix: matrix.optional(),
  conclusion: z.string(),
  previous: z.string().optional(),
});
export type AnalysisFields = z.infer<typeof analysis>;

const plan = z.object({ analysis: z.string(), acceptable: z.enum(['low', 'moderate', 'high']) });
export type PlanFields = z.infer<typeof plan>;

const risk = z.object({
  number: z.string(),
  analysis: z.string(),
  asset: z.string(),
  threat: z.string(),
  vulnerability: z.string(),
  measures: z.string().optional(),
  likelihood: step,
  impact: step,
  treatment: z.enum(['mitigate', 'accept', 'transfer', 'avoid']),
  treatmentOwner: z.string(),
  dueOn: z.iso.date().optional(),
  completedOn: z.iso.date().optional(),
  residualLikelihood: step.optional(),
  residualImpact: step.optional(),
});
export type RiskFields = z.infer<typeof risk>;

type Kept = Pick<EffectiveRecord, 'type' | 'fields'>;

const read =
  <Fields>(type: string, schema: z.ZodType<Fields>) =>
  (record: Kept): Fields | null => {
    if (record.type !== type) return null;
    const parsed = schema.safeParse(record.fields);
    return parsed.success ? parsed.data : null;
  };

export const analysisOf = read('risk_analysis', analysis);
export const planOf = read('risk_management_plan', plan);
export const riskOf = read('risk', risk);
