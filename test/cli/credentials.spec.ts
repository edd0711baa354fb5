import { mkdir, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { changeLogin, credentialsFile, lastServer, type Login, storedLogin } from '../../src/bin/client/credentials.js';
import { directory } from './support.js';

const server = new URL('https://safeguard.example');
const login = (accessToken: string): Login => ({
  issuer: 'https://login.example',
  clientId: 'safeguard-cli',
  audience: 'urn:safeguard',
  accessToken,
  refreshToken: null,
  expiresAt: null,
});
const lockFile = (): string => `${credentialsFile()}.lock`;

beforeEach(async () => {
  vi.stubEnv('XDG_CONFIG_HOME', await directory());
  await mkdir(dirname(credentialsFile()), { recursive: true, mode: 0o700 });
});
afterEach(() => {
  vi.unstubAllEnvs();
});

async function leaveStaleLock(): Promise<void> {
  const longAgo = new Date(Date.now() - 120_000);
  await writeFile(lockFile(), '');
  await utimes(lockFile(), longAgo, longAgo);
}

it('is the lock of a process that died taken over, by one at a time?', async () => {
  for (let round = 0; round < 5; round += 1) {
    await leaveStaleLock();
    await changeLogin(server, () => Promise.resolve(login('0')), { current: true });
    await leaveStaleLock();
    // Who holds the lock alone sees what the one before wrote: no change is lost.
    await Promise.all(
      Array.from({ length: 8 }, () =>
        changeLogin(server, (stored) => Promise.resolve(login(String(Number(stored?.accessToken) + 1)))),
      ),
    );
    expect((await storedLogin(server))?.accessToken).toBe('8');
  }
  expect(await readdir(dirname(credentialsFile()))).toEqual(['credentials.json']);
});

it("is another's lock left alone by who lost its own?", async () => {
  await changeLogin(server, async () => {
    await rm(lockFile());
    await writeFile(lockFile(), "another's");
    return login('a');
  });
  expect(await readFile(lockFile(), 'utf8')).toBe("another's");
});

it('is nothing readable by others, the lock included?', async () => {
  await changeLogin(server, async () => {
    expect((await stat(lockFile())).mode & 0o777).toBe(0o600);
    return login('a');
  });
  expect((await stat(credentialsFile())).mode & 0o777).toBe(0o600);
});

it('does only a login make its server the current one?', async () => {
  const other = new URL('https://other.example');
  await changeLogin(server, () => Promise.resolve(login('a')), { current: true });
  await changeLogin(other, () => Promise.resolve(login('b')));
  expect(await lastServer()).toBe('https://safeguard.example');
  await changeLogin(other, () => Promise.resolve(login('c')), { current: true });
  await changeLogin(server, () => Promise.resolve(login('d')));
  expect(await lastServer()).toBe('https://other.example');
  await changeLogin(other, () => Promise.resolve(null));
  expect(await lastServer()).toBe(null);
});
