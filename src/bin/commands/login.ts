import { meSchema } from '../client/answers.js';
import { changeLogin } from '../client/credentials.js';
import { Failure } from '../client/failure.js';
import { Client } from '../client/http.js';
import { deviceLogin, pickIssuer, trustedIssuers } from '../client/oauth.js';
import { persist } from '../client/retry.js';
import { print, say } from '../client/terminal.js';
import { printable } from '../client/text.js';
import { openServer } from '../options.js';

export interface LoginOptions {
  server?: string;
  allowHttp?: boolean;
  issuer?: string;
  clientId?: string;
}

const retryFor = 15_000;

/** Logs a person in by the device flow and keeps the tokens for this server. */
export async function login(options: LoginOptions): Promise<void> {
  const server = await openServer(options);
  const trusted = pickIssuer(await trustedIssuers(server, retryFor), options.issuer);
  const asked = { ...trusted, clientId: options.clientId ?? trusted.clientId };
  say(`${server.origin} trusts the logins of ${printable(trusted.issuer, 200)}`);
  const tokens = await persist(retryFor, () =>
    deviceLogin(asked, ({ url, completeUrl, code, lifetime }) => {
      print(`Open    ${url}`);
      print(`Enter   ${code}`);
      if (completeUrl !== undefined) print(`or open ${completeUrl} and compare the code`);
      print(`The code is good for ${lifetime}. Waiting …`);
    }),
  );
  await changeLogin(server, () => Promise.resolve(tokens), { current: true });
  try {
    const source = {
      token: () => Promise.resolve(tokens.accessToken),
      renew: () => Promise.resolve(false),
      advice: 'the login went well, but the server does not take its token: ask the operator which audience it wants',
    };
    const { value: me } = await new Client(server, source, retryFor).read(meSchema, { method: 'GET', path: '/v1/me' });
    print(`Logged in at ${server.origin}${me.subject === undefined ? '' : ` as ${printable(me.subject, 200)}`}.`);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(error.exit, `logged in, but ${server.origin} says: ${error.message}`, error.next);
  }
}
