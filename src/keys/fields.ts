import { z } from 'zod';
import type { EffectiveRecord } from '../records/effective.js';

export const KEY_PURPOSES = [
  'etcd-kms',
  'volume',
  'backup',
  'tls',
  'service-account-signing',
  'signing',
  'database',
  'other',
] as const;
export type KeyPurpose = (typeof KEY_PURPOSES)[number];

const day = z.iso.date().transform((text) => new Date(`${text}T00:00:00Z`));
const moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
/** What is left out is no reason not to read the rest. */
const orNull = <Schema extends z.ZodType>(schema: Schema) =>
  schema
    .nullish()
    .transform((value) => value ?? null)
    .catch(null);

/** What the ledger reads of a record of type `key`. */
const keyFields = z.object({
  name: z.string().min(1),
  purpose: z.enum(KEY_PURPOSES),
  custodian: z.string(),
  provider: z.string(),
  keyId: z.string(),
  createdOn: day,
  policyDays: z.number().positive(),
  rotateAfterIncident: z.boolean(),
});

/** Of `key_rotation_event`. */
const rotationFields = z.object({
  key: z.uuid(),
  fromVersion: orNull(z.string()),
  toVersion: z.string().min(1),
  requestedBy: z.string(),
  performedBy: z.string(),
  requestedAt: orNull(moment),
  performedAt: moment,
  reason: z.string(),
  incident: orNull(z.uuid()),
  reencryption: z.enum(['done', 'pending', 'not_needed']),
});

/** Of `incident_record`. */
const incidentFields = z.object({
  number: z.string(),
  discoveredAt: moment,
  keys: z.array(z.uuid()).catch([]),
});

export type KeyFields = z.output<typeof keyFields>;
export type RotationFields = z.output<typeof rotationFields>;
export type IncidentFields = z.output<typeof incidentFields>;

type Fields = EffectiveRecord['fields'];

/** Null of what cannot be read: the ledger then says so, or leaves it out where it would have been to the good. */
export const readKey = (fields: Fields): KeyFields | null => keyFields.safeParse(fields).data ?? null;
export const readRotation = (fields: Fields): RotationFields | null => rotationFields.safeParse(fields).data ?? null;
export const readIncident = (fields: Fields): IncidentFields | null => incidentFields.safeParse(fields).data ?? null;
