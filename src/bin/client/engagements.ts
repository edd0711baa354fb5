import { z } from 'zod';

/** What the commands about engagements read of the server's answers; loose, as all of answers.ts. */
const id = z.string().regex(/^[\w-]{1,200}$/);

const engagement = {
  id,
  name: z.string(),
  person: z.looseObject({ issuer: z.string(), subject: z.string().nullish(), email: z.string().nullish() }),
  state: z.string(),
  startsAt: z.string(),
  endsAt: z.string(),
};
/** GET and POST of one engagement */
export const engagementSchema = z.looseObject(engagement);
/** GET …/engagements */
export const engagementPageSchema = z.looseObject({
  items: z.array(z.looseObject(engagement)),
  next: z.string().nullish(),
});

const request = {
  id,
  title: z.string(),
  state: z.string(),
  version: z.number().int().nonnegative(),
  control: z.string().nullish(),
  dueAt: z.string().nullish(),
  isOverdue: z.boolean(),
};
/** GET and POST of one request for evidence, and of its moves */
export const requestSchema = z.looseObject(request);
/** GET …/requests */
export const requestPageSchema = z.looseObject({
  items: z.array(z.looseObject(request)),
  next: z.string().nullish(),
});
