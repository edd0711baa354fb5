import { randomBytes } from 'node:crypto';
import type { JsonValue } from '../crypto/canonical-json.js';
import { isAuthentic, jsonMac } from '../crypto/json-mac.js';

/** Whose answer it is, to what, and from when its key is remembered: an old one is not given again as one of now. */
export type AnswerOf = readonly [
  organizationId: string,
  principalId: string,
  operation: string,
  key: string,
  fingerprint: string,
  since: string,
];

/** Answers that are kept for whoever asks again are sealed: what somebody has written into their table past the service is given to nobody as an answer of ours. */
export class Answers {
  /** `secret`: that of all replicas. Of one's own where nobody else is asked again. */
  constructor(private readonly secret: string | Buffer = randomBytes(32)) {}

  /** As it is kept, JSON. */
  sealed(of: AnswerOf, answer: unknown): string {
    const kept = JSON.parse(JSON.stringify(answer ?? null)) as JsonValue;
    return JSON.stringify({ answer: kept, seal: jsonMac(this.secret, 'answer', [...of, kept]) });
  }

  /** Null where it is not what was kept. */
  opened(of: AnswerOf, kept: unknown): { answer: unknown } | null {
    if (typeof kept !== 'object' || kept === null || !('answer' in kept) || !('seal' in kept)) return null;
    const { answer, seal } = kept;
    return isAuthentic(this.secret, 'answer', [...of, answer], seal) ? { answer } : null;
  }
}
