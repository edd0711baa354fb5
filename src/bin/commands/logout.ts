import { changeLogin, storedLogin } from '../client/credentials.js';
import { exitCode, Failure, Transient } from '../client/failure.js';
import { revoke } from '../client/oauth.js';
import { print } from '../client/terminal.js';
import { openServer } from '../options.js';

/** Revokes the stored tokens where the provider can, and deletes them here in any case. */
export async function logout(options: { server?: string; allowHttp?: boolean }): Promise<void> {
  const server = await openServer(options);
  const stored = await storedLogin(server);
  if (stored === null) {
    print(`Not logged in at ${server.origin}.`);
    return;
  }
  try {
    const revoked = await revoke(stored);
    print(
      `Logged out of ${server.origin}${revoked ? '' : '; the provider cannot revoke tokens, they run out by themselves'}.`,
    );
  } catch (error) {
    if (!(error instanceof Failure || error instanceof Transient)) throw error;
    throw new Failure(
      exitCode.refused,
      `logged out here, but the tokens were not revoked: ${error.message}`,
      'end the session at the provider',
    );
  } finally {
    await changeLogin(server, () => Promise.resolve(null));
  }
}
