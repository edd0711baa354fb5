import { print } from '../client/terminal.js';
import { tokenSource } from '../client/tokens.js';
import { openServer } from '../options.js';

/** The stored login is refreshed when it is about to end; how long is tried for that. */
const RETRY_FOR = 15_000;

/** An access token, for programs that know nothing of logins: it goes where it is asked for, and is in no message. */
export async function token(options: { server?: string; allowHttp?: boolean }): Promise<void> {
  print(await tokenSource(await openServer(options), undefined, RETRY_FOR).token());
}
