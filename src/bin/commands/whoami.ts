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
  const rows: [string, string | null | undefined][] = [
    ['server', client.server.href],
    ['kind', me.kind],
    ['id', me.id],
    ['issuer', me.issuer],
    ['subject', me.subject],
    ['organisation', me.organizationId],
    ['role', me.role],
    ['permissions', me.permissions?.join(' ')],
    ['systems', me.systemIds?.join(' ')],
  ];
  for (const line of table(rows.flatMap(([name, value]) => (value ? [[name, printable(value)]] : [])))) print(line);
}
