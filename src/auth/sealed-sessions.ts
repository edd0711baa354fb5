import connectPgSimple from 'connect-pg-simple';
import session, { type SessionData } from 'express-session';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { JsonValue } from '../kernel/crypto/canonical-json.js';
import { isAuthentic, jsonMac } from '../kernel/crypto/json-mac.js';
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
      if (isAuthentic(this.secret, placeOf(sid), kept, seal)) {
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
    let sealed: SessionData & { seal: string };
    try {
      const kept = JSON.parse(JSON.stringify(current)) as SessionData;
      sealed = { ...kept, seal: jsonMac(this.secret, placeOf(sid), kept as unknown as JsonValue) };
    } catch (error) {
      // What a provider says of a person may be no text.
      done?.(error);
      return;
    }
    super.set(sid, sealed, done);
  }
}

const placeOf = (sid: string): string => `session|${sid}`;
