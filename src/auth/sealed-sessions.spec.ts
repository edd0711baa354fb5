import type { SessionData } from 'express-session';
import pg from 'pg';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { SealedSessions } from './sealed-sessions.js';

it('is whoever keeps a session that cannot be sealed told so, as of any that cannot be kept?', async () => {
  const sessions = new SealedSessions(
    new pg.Pool(),
    'a secret of the tests and of nobody else',
    pino({ enabled: false }),
  );
  const login = { issuer: 'https://login.clinic.example', subject: 'half of a pair: \ud800' };
  const told = await new Promise((resolve) => {
    sessions.set('sid', { login } as SessionData, resolve);
  });
  expect(told).toBeInstanceOf(TypeError);
});
