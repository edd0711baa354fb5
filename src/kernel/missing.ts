import type { z } from 'zod';

/** For `safeParse` of what comes from outside: of what is not there zod would say that it has received «undefined», which is nobody's word but a programmer's. */
export const saysMissing: z.core.$ZodErrorMap = (issue) =>
  issue.code === 'invalid_type' && issue.input === undefined ? 'It is missing.' : undefined;
