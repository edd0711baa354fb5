import { z } from 'zod';
import { type Problem, problemSchema } from './problem.js';

/**
 * What the command line reads of the server's answers. Objects are loose: a newer server may say more. `--json` prints
 * the answer as it came.
 */

/** Becomes a segment of a path: letters, digits, `_` and `-`, and so never `..`. */
const id = z.string().regex(/^[\w-]{1,200}$/);

/** GET /.well-known/safeguard */
export const discoverySchema = z.looseObject({
  issuers: z.array(z.looseObject({ issuer: z.url(), cliClientId: z.string().min(1), audience: z.string().min(1) })),
});

/** GET /v1/organizations, GET /v1/organizations/{o}/systems */
export const namedListSchema = z.looseObject({
  items: z.array(z.looseObject({ id, name: z.string() })),
  next: z.string().nullish(),
});
export type NamedList = z.infer<typeof namedListSchema>;

/** GET …/systems, for enrolment */
export const systemListSchema = z.looseObject({
  items: z.array(z.looseObject({ id, name: z.string(), phiNamespaces: z.array(z.string()).optional() })),
});

/** POST …/systems, POST …/agents */
export const namedSchema = z.looseObject({ id, name: z.string() });

const publicKey = z.looseObject({
  kty: z.string(),
  kid: z.string().optional(),
  n: z.string().optional(),
  e: z.string().optional(),
  crv: z.string().optional(),
  x: z.string().optional(),
  y: z.string().optional(),
});

/** An API server's /openid/v1/jwks */
export const clusterKeysSchema = z.looseObject({ keys: z.array(publicKey).min(1).max(20) });
/** An API server's /.well-known/openid-configuration */
export const clusterIssuerSchema = z.looseObject({ issuer: z.string().min(1) });

/** GET …/agents */
export const agentListSchema = z.looseObject({
  items: z.array(
    z.looseObject({
      id,
      issuer: z.string(),
      audience: z.string(),
      subjectPattern: z.string(),
      jwks: z.looseObject({ keys: z.array(publicKey) }).nullable(),
      signingKeys: z.array(z.string()),
    }),
  ),
});

/** GET …/systems/{s}/enrolment */
export const enrolmentSchema = z.looseObject({
  audience: z.string(),
  subject: z.string(),
  image: z.string().nullable(),
  commands: z.array(z.looseObject({ step: z.string(), done: z.boolean().nullable(), command: z.string() })),
  manifest: z.string(),
  notes: z.array(z.string()),
});
export type Enrolment = z.infer<typeof enrolmentSchema>;

/** GET /v1/me */
export const meSchema = z.looseObject({
  issuer: z.string().optional(),
  subject: z.string().optional(),
  permissions: z.array(z.string()).optional(),
  organizations: z
    .array(z.looseObject({ id, name: z.string(), role: z.string(), permissions: z.array(z.string()).optional() }))
    .default([]),
});

const count = z.number().int().nonnegative();

/** Of a scan that was refused: its code stands alone, for it is no answer of its own, where `type` of a problem ends with it. */
const scanProblemSchema = z
  .looseObject({ code: z.string(), detail: z.string().optional(), pointer: z.string().optional() })
  .transform((problem): Problem => ({ ...problem, type: problem.code }));

/** POST …/scans and GET of one scan */
export const scanSchema = z.looseObject({
  id,
  status: z.string(),
  format: z.string().nullish(),
  observedAt: z.string().nullish(),
  counts: z
    .looseObject({ total: count, new: count, changed: count, unchanged: count, closed: count, rejected: count })
    .nullish(),
  rejects: z.array(z.looseObject({ pointer: z.string().nullish(), reason: z.string() })).nullish(),
  notes: z.array(z.string()).nullish(),
  flags: z.array(z.looseObject({ code: z.string(), detail: z.string() })).nullish(),
  duplicate: z.boolean().nullish(),
  problem: scanProblemSchema.nullish(),
});
export type Scan = z.infer<typeof scanSchema>;

const judged = { id: z.string(), status: z.string(), reason: z.string().nullish() };

/** GET …/posture */
export const postureSchema = z.looseObject({
  asOf: z.string(),
  knownAt: z.string(),
  catalog: z.looseObject({ version: z.string(), digest: z.string().nullish() }),
  counts: z.object({ controls: z.record(z.string(), count) }),
  controls: z.array(
    z.looseObject({
      ...judged,
      title: z.string().nullish(),
      practices: z.array(z.union([z.string(), z.looseObject({ id: z.string() })])).nullish(),
    }),
  ),
  practices: z.array(z.looseObject({ ...judged, summary: z.string().nullish() })),
});
export type Posture = z.infer<typeof postureSchema>;

/** POST and GET …/packages */
export const packageSchema = z.looseObject({
  id,
  status: z.string(),
  size: count.nullish(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullish(),
  problem: problemSchema.nullish(),
  encryptTo: z.array(z.string()).nullish(),
  progress: z
    .looseObject({ phase: z.string(), filesDone: count, filesTotal: count, bytesDone: count, bytesTotal: count })
    .nullish(),
});
export type Package = z.infer<typeof packageSchema>;
