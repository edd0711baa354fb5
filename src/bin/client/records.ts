import { z } from 'zod';

/** What the commands about records read of the server's answers; loose, as all of answers.ts. */
const id = z.string().regex(/^[\w-]{1,200}$/);
const text = z.string().nullish();

const recordSummary = {
  id,
  type: z.string(),
  title: z.string(),
  state: z.string(),
  version: z.number(),
  revision: z.number().int().nonnegative(),
  effectiveFrom: z.string(),
  expiresAt: text,
};
/** GET and POST of one record, and of its moves */
export const recordSchema = z.looseObject(recordSummary);

/** GET …/records */
export const recordPageSchema = z.looseObject({
  items: z.array(z.looseObject(recordSummary)),
  next: z.string().nullish(),
});

/** GET …/record-types */
export const typePageSchema = z.looseObject({
  items: z.array(z.looseObject({ type: z.string(), title: z.string(), summary: text })),
  next: z.string().nullish(),
});

export const anySchema = z.looseObject({});

const count = z.number().int().nonnegative().nullish();

/** POST and GET of one import */
export const importSchema = z.looseObject({
  id,
  status: z.string(),
  rows: count,
  created: count,
  changed: count,
  unchanged: count,
  drafts: count,
  faultCount: count,
  faults: z.array(z.looseObject({ row: z.number(), column: text, detail: z.string() })).default([]),
  decidedCount: count,
});
export type Import = z.infer<typeof importSchema>;

/** GET …/agreements */
export const agreementPageSchema = z.looseObject({
  items: z.array(
    z.looseObject({
      vendorId: id,
      name: z.string(),
      ephi: z.boolean(),
      states: z.array(z.string()),
      agreements: z.array(z.looseObject({ inForce: z.boolean(), endsAt: text })),
    }),
  ),
  next: z.string().nullish(),
});

/** GET …/keys */
export const keyPageSchema = z.looseObject({
  items: z.array(
    z.looseObject({
      name: z.string(),
      provider: z.string(),
      purpose: text,
      state: z.string(),
      lastRotatedAt: text,
      dueAt: text,
      findings: z.array(z.looseObject({ reason: z.string() })),
    }),
  ),
  next: z.string().nullish(),
});

/** GET …/work */
export const workPageSchema = z.looseObject({
  items: z.array(
    z.looseObject({ id, kind: z.string(), type: text, what: z.string(), heldBack: z.number(), dueAt: text }),
  ),
  next: z.string().nullish(),
});

/** GET …/members */
export const memberPageSchema = z.looseObject({
  items: z.array(z.looseObject({ id, issuer: z.string(), subject: z.string() })),
  next: z.string().nullish(),
});
