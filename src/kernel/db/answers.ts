import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { canonicalJson, type JsonValue } from '../crypto/canonical-json.js';

/** Whose answer it is, and to what. */
export type AnswerOf = readonly [
  organizationId: string,
  principalId: string,
  operation: string,
  key: string,
  fingerprint: string,
];

/** Answers that are kept for whoever asks again are sealed: what somebody has written into their table past the service is given to nobody as an answer of ours. */
export class Answers {
  /** `secret`: that of all replicas. Of one's own where nobody else is asked again. */
  constructor(private readonly secret: string | Buffer = randomBytes(32)) {}

  /** As it is kept, JSON. */
  sealed(of: AnswerOf, answer: unknown): string {
    const kept = JSON.parse(JSON.stringify(answer ?? null)) as JsonValue;
    return JSON.stringify({ answer: kept, seal: this.sealOf(of, kept).toString('base64url') });
  }

  /** Null where it is not what was kept. */
  opened(of: AnswerOf, kept: unknown): { answer: unknown } | null {
    if (typeof kept !== 'object' || kept === null || !('answer' in kept) || !('seal' in kept)) return null;
    const { answer, seal } = kept;
    const due = this.sealOf(of, answer as JsonValue);
    const found = Buffer.from(typeof seal === 'string' ? seal : '', 'base64url');
    return found.length === due.length && timingSafeEqual(found, due) ? { answer } : null;
  }

  private sealOf(of: AnswerOf, answer: JsonValue): Buffer {
    return createHmac('sha256', this.secret)
      .update(`answer|${canonicalJson([...of, answer])}`)
      .digest();
  }
}
