import { path } from '../client/http.js';
import { allOf, printRows } from '../client/lists.js';
import { anySchema, typePageSchema } from '../client/records.js';
import { printJson } from '../client/terminal.js';
import { printable } from '../client/text.js';
import { openRoom, type OrganizationOptions } from './records.js';

/** The types of records that the organisation may keep. */
export async function listTypes(options: OrganizationOptions): Promise<void> {
  const { client, room } = await openRoom(options);
  const { items, raws } = await allOf(client, typePageSchema, `${room}/record-types`, {});
  if (options.json) {
    printJson(raws);
    return;
  }
  printRows(
    ['TYPE', 'TITLE', 'WHAT IT IS'],
    items.map(({ type, title, summary }) => [
      printable(type, 100),
      printable(title, 100),
      printable(summary ?? '', 300),
    ]),
  );
}

/** One type, with the schema of its fields. */
export async function showType(type: string, options: OrganizationOptions): Promise<void> {
  const { client, room } = await openRoom(options);
  printJson((await client.read(anySchema, { method: 'GET', path: `${room}${path('record-types', type)}` })).raw);
}
