import { createHmac, timingSafeEqual } from 'node:crypto';
import connectPgSimple from 'connect-pg-simple';
import session, { type SessionData } from 'express-session';
import type pg from 'pg';
import type { Logger } from 'pino';
import { canonicalJson, type JsonValue } from '../kernel/crypto/canonical-json.js';
import { reasonOf } from '../kernel/http/outbound.js';

type Got = (error: unknown, session?: SessionData | null) => void;

const PgStore = connectPgSimple(session);

/**
 * Sessions in Postgres, each sealed with its id: whoever writes the table past the service makes nobody somebody else, and no session of what it was not. One whose seal does not fit is none,
 * and goes. The end of its idle time is a column beside it, and is not sealed; the absolute one counts from what is.
 */
export class SealedSessions extends PgStore {
  constructor(
    pool: pg.Pool,
    private readonly secret: string,
    private readonly logger: Logger,
  ) {
    super({
      pool,
      tableName: 'session',
      // Words of the library's, then the error.
      errorLog: (...told: unknown[]) => logger.error({ reason: reasonOf(told.at(-1)) }, 'the session store failed'),
    });
  }

  override get(sid: string, got: Got): void {
    super.get(sid, (error: unknown, found?: (SessionData & { seal?: unknown }) | null) => {
      if (error !== null || found === undefined || found === null) {
        got(error, null);
        return;
      }
      const { seal, ...kept } = found;
      if (this.isSealed(sid, kept, seal)) {
        got(null, kept);
        return;
      }
      this.logger.error('a session is not what this service has kept: it ends');
      this.destroy(sid, (failed: unknown) => {
        got(failed ?? null, null);
      });
    });
  }

  override set(sid: string, current: SessionData, done?: (error?: unknown) => void): void {
    const kept = JSON.parse(JSON.stringify(current)) as SessionData;
    super.set(sid, { ...kept, seal: this.sealOf(sid, kept).toString('base64url') } as SessionData, done);
  }

  private isSealed(sid: string, kept: SessionData, seal: unknown): boolean {
    const due = this.sealOf(sid, kept);
    const found = Buffer.from(typeof seal === 'string' ? seal : '', 'base64url');
    return found.length === due.length && timingSafeEqual(found, due);
  }

  private sealOf(sid: string, kept: SessionData): Buffer {
    // Not what any cookie's signature is of: ids have no such character.
    const text = `session|${sid}|${canonicalJson(kept as unknown as JsonValue)}`;
    return createHmac('sha256', this.secret).update(text).digest();
  }
}
