import { z } from 'zod';
import type { EffectiveRecord } from '../records/effective.js';

const day = z.iso.date().transform((text) => new Date(`${text}T00:00:00Z`));
const moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
/** What is left out is no reason not to read the rest. */
const orNull = <Schema extends z.ZodType>(schema: Schema) =>
  schema
    .nullish()
    .transform((value) => value ?? null)
    .catch(null);

/** What is read of a record of type `recovery_objective`. */
const objectiveFields = z.object({
  scope: z.string(),
  namespaces: z.array(z.string()).default([]),
  rtoMinutes: z.number().nonnegative(),
  rpoMinutes: z.number().nonnegative(),
  criticality: z.string(),
});

/** Of `restore_test`. */
const restoreFields = z.object({
  objective: z.uuid(),
  backup: orNull(z.string()),
  startedAt: moment,
  completedAt: moment,
  result: z.string(),
  measuredRtoMinutes: orNull(z.number().nonnegative()),
  measuredRpoMinutes: orNull(z.number().nonnegative()),
});

/** Of `exercise_report`. */
const exerciseFields = z.object({
  scenario: z.string(),
  heldOn: day,
  findings: z.array(z.object({ number: z.coerce.string() })).default([]),
});

/** Of `corrective_action`. */
const actionFields = z.object({
  what: z.string(),
  finding: orNull(z.coerce.string()),
  dueOn: day,
  completedOn: orNull(day),
});

/** Of `backup_report`. */
const reportFields = z.object({ namespaces: z.array(z.string()), periodTo: moment });

/** Of `immutability_evidence`. */
const storeFields = z.object({ store: z.string(), encryption: orNull(z.string()) });

export type ObjectiveFields = z.output<typeof objectiveFields>;
export type RestoreFields = z.output<typeof restoreFields>;
export type ExerciseFields = z.output<typeof exerciseFields>;
export type ActionFields = z.output<typeof actionFields>;

type Fields = EffectiveRecord['fields'];

/** Null of what cannot be read: the judge then says so, or leaves it out where it would have been to the good. */
export const readObjective = (fields: Fields): ObjectiveFields | null => objectiveFields.safeParse(fields).data ?? null;
export const readRestore = (fields: Fields): RestoreFields | null => restoreFields.safeParse(fields).data ?? null;
export const readExercise = (fields: Fields): ExerciseFields | null => exerciseFields.safeParse(fields).data ?? null;
export const readAction = (fields: Fields): ActionFields | null => actionFields.safeParse(fields).data ?? null;
export const readStore = (fields: Fields): z.output<typeof storeFields> | null =>
  storeFields.safeParse(fields).data ?? null;
export const readReport = (fields: Fields): z.output<typeof reportFields> | null =>
  reportFields.safeParse(fields).data ?? null;
