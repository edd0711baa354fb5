import { meSchema } from '../client/answers.js';
import { print, printJson } from '../client/terminal.js';
import { printable, table } from '../client/text.js';
import { openClient, type ServerOptions } from '../options.js';

/** GET /v1/me: who the server takes the caller for. */
export async function whoami(options: ServerOptions): Promise<void> {
  const client = await openClient(options);
  const { value: me, raw } = await client.read(meSchema, { method: 'GET', path: '/v1/me' });
  if (options.json) {
    printJson(raw);
    return;
  }
  const rows: [string, string | undefined][] = [
    ['server', client.server.href],
    ['issuer', me.issuer],
    ['subject', me.subject],
    ['permissions', me.permissions?.join(' ')],
    ...me.organizations.flatMap(({ id, name, role, permissions }): [string, string | undefined][] => [
      ['organisation', `${name} (${id}) as ${role}`],
      ['there', permissions?.join(' ')],
    ]),
  ];
  for (const line of table(rows.flatMap(([name, value]) => (value ? [[name, printable(value)]] : [])))) print(line);
}
