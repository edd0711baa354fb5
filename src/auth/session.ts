import type { Request, RequestHandler } from 'express';
import session, { type Session, type SessionData } from 'express-session';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { AuthConfig } from './auth.config.js';
import { SealedSessions } from './sealed-sessions.js';

/** What a login leaves behind: who, how, and when. No token. */
export interface Login {
  issuer: string;
  subject: string;
  amr: string[];
  acr: string | null;
  /** When the provider saw the person (seconds since 1970), where it says so. */
  authTime: number | null;
  /** When the session began (RFC 3339): its absolute end counts from here. */
  startedAt: string;
}

/** A login under way. */
export interface SignIn {
  issuer: string;
  returnTo: string;
}

declare module 'express-session' {
  interface SessionData {
    login: Login;
    signIn: SignIn;
  }
}

const MINUTE = 60_000;
/** How long one may take at the provider. Short, because anybody can begin. */
export const SIGN_IN_PATIENCE = 15 * MINUTE;

/** Where a session can begin; everywhere else one is only looked for when its cookie came. */
export const LOGIN_PATH = '/login';
export const CALLBACK_PATH = '/auth/callback';

const isSecure = (config: AuthConfig): boolean => config.publicUrl.startsWith('https:');

/** `__Host-` (RFC 6265bis): no other host, path or plain connection can set it. Browsers take it with Secure only. */
export const cookieName = (config: AuthConfig): string => (isSecure(config) ? '__Host-safeguard' : 'safeguard');

/** Makes the browser forget the cookie. */
export const forgottenCookie = (config: AuthConfig): string =>
  `${cookieName(config)}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax${isSecure(config) ? '; Secure' : ''}`;

/**
 * Browser sessions, kept in Postgres by their ids: the cookie is signed, so that reading the table lets nobody in, and what is kept is sealed, so that writing it does not. A request with a token has none, so that
 * a browser's cookie and an agent's token never mix, and agents cost no session row.
 */
export function sessionMiddleware(config: AuthConfig, pool: pg.Pool, logger: Logger): RequestHandler {
  const handle = session({
    store: new SealedSessions(pool, config.session.secret, logger),
    name: cookieName(config),
    secret: config.session.secret,
    resave: false,
    saveUninitialized: false,
    rolling: true,
    // TLS ends at the ingress: whether the outer connection is secure is what X-Forwarded-Proto says.
    proxy: true,
    cookie: {
      path: '/',
      httpOnly: true,
      secure: isSecure(config),
      sameSite: 'lax',
      maxAge: config.session.idleMinutes * MINUTE,
    },
  });
  const cookie = `${cookieName(config)}=`;
  return (request, response, next) => {
    const sent = request.headers.cookie?.split(';').some((one) => one.trimStart().startsWith(cookie)) === true;
    const begins = request.path === LOGIN_PATH || request.path === CALLBACK_PATH;
    if (request.headers.authorization === undefined && (sent || begins)) handle(request, response, next);
    else next();
  };
}

/** The request's session, where the middleware gave it one. */
export const sessionOf = (request: Request): (Session & Partial<SessionData>) | null =>
  (request as { session?: Session & Partial<SessionData> }).session ?? null;

/** A new id for what is now a login: one that somebody planted beforehand is worth nothing. */
export const regenerate = (request: Request): Promise<void> =>
  new Promise((resolve, reject) => {
    request.session.regenerate((error: unknown) => (error instanceof Error ? reject(error) : resolve()));
  });

export const destroy = (current: Session): Promise<void> =>
  new Promise((resolve, reject) => {
    current.destroy((error: unknown) => (error instanceof Error ? reject(error) : resolve()));
  });
