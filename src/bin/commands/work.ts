import { meSchema } from '../client/answers.js';
import { exitCode, Failure } from '../client/failure.js';
import type { Client } from '../client/http.js';
import { allOf, printRows, requireSavable, savedTable, type ListOptions } from '../client/lists.js';
import { memberPageSchema, workPageSchema } from '../client/records.js';
import { requireFree, save, type SaveOptions } from '../client/save.js';
import { systemOf } from '../client/scope.js';
import { printJson } from '../client/terminal.js';
import { printable } from '../client/text.js';
import type { ScopeOptions } from '../options.js';
import { openRoom, type OrganizationOptions } from './records.js';

/** What a piece of work may be. */
export const workKinds = ['missing', 'stale', 'failing', 'expiring', 'due', 'waiting'] as const;

export interface WorkOptions extends ScopeOptions, ListOptions {
  owner?: string;
  kind?: string;
  asOf?: string;
  knownAt?: string;
}

/** What is to be done, what holds back most first. */
export async function listWork(options: WorkOptions): Promise<void> {
  await requireSavable(options);
  const { client, room, id } = await openRoom(options);
  const system = options.system === undefined ? undefined : await systemOf(client, id, options.system);
  const owner = options.owner === 'me' ? await ownId(client, room) : options.owner;
  const { kind, asOf, knownAt } = options;
  const query = { kind, owner, system, asOf, knownAt };
  if (await savedTable(client, `${room}/work`, query, options)) return;
  const { items, raws } = await allOf(client, workPageSchema, `${room}/work`, query);
  if (options.json) {
    printJson(raws);
    return;
  }
  printRows(
    ['KIND', 'HOLDS BACK', 'DUE', 'TYPE', 'WHAT'],
    items.map((one) => [
      printable(one.kind, 20),
      String(one.heldBack),
      printable(one.dueAt ?? '-', 30),
      printable(one.type ?? '-', 60),
      printable(one.what, 300),
    ]),
  );
}

/** The caller as a member of the organisation: owners are members. */
async function ownId(client: Client, room: string): Promise<string> {
  const { value: me } = await client.read(meSchema, { method: 'GET', path: '/v1/me' });
  const { items } = await allOf(client, memberPageSchema, `${room}/members`, {});
  const own = items.find(({ issuer, subject }) => issuer === me.issuer && subject === me.subject);
  if (own === undefined) throw new Failure(exitCode.refused, 'you are no member of this organisation');
  return own.id;
}

/** What is due, as a file for a calendar. */
export async function writeCalendar(options: OrganizationOptions & SaveOptions): Promise<void> {
  await requireFree(options);
  const { client, room } = await openRoom(options);
  const call = {
    method: 'GET',
    path: `${room}/calendar`,
    headers: { accept: 'text/calendar, application/problem+json' },
    patience: 120_000,
  } as const;
  await save(client, call, options);
}
