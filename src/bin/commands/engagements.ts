import { createHash, randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { packageSchema } from '../client/answers.js';
import { engagementPageSchema, engagementSchema, requestPageSchema, requestSchema } from '../client/engagements.js';
import { path } from '../client/http.js';
import { allOf, printRows } from '../client/lists.js';
import { systemOf } from '../client/scope.js';
import { print, printJson } from '../client/terminal.js';
import { printable } from '../client/text.js';
import type { ServerOptions } from '../options.js';
import { fileOf, mayWrite, save, type OutputOptions } from './package.js';
import { openRoom, type OrganizationOptions } from './records.js';

type Request = z.infer<typeof requestSchema>;

export interface InviteOptions extends OrganizationOptions {
  name: string;
  issuer: string;
  subject?: string;
  email?: string;
  system?: string[];
  from: string;
  to: string;
  startsAt?: string;
  endsAt: string;
}

/** A request of an engagement is named by both: `--engagement ID`, and the request itself. */
export interface EngagementOptions extends OrganizationOptions {
  engagement: string;
}

export interface CommentOptions extends EngagementOptions {
  comment?: string;
}

const JSON_BODY = { 'content-type': 'application/json' };
const bodyOf = (said: object) => {
  const body = Buffer.from(JSON.stringify(said));
  return { length: body.length, open: () => body };
};

/** Lets an auditor in. */
export async function invite(options: InviteOptions): Promise<void> {
  const { client, room, id: organization } = await openRoom(options);
  const systemIds: string[] = [];
  for (const given of options.system ?? []) systemIds.push(await systemOf(client, organization, given));
  const { name, issuer, subject, email, startsAt, endsAt } = options;
  const scope = { systemIds: systemIds.length === 0 ? null : systemIds };
  const said = {
    name,
    issuer,
    subject,
    email,
    scope,
    periodFrom: options.from,
    periodTo: options.to,
    startsAt,
    endsAt,
  };
  const { value, raw } = await client.read(engagementSchema, {
    method: 'POST',
    path: `${room}/engagements`,
    headers: { ...JSON_BODY, 'idempotency-key': randomUUID() },
    body: bodyOf(said),
  });
  if (options.json) printJson(raw);
  else
    print(
      `engagement ${value.id}  organization ${organization}  ${printable(value.state, 20)}  until ${printable(value.endsAt, 30)}`,
    );
}

export async function listEngagements(options: OrganizationOptions & { all?: boolean }): Promise<void> {
  const { client, room } = await openRoom(options);
  const query = options.all === true ? { includeEnded: 'true' } : {};
  const { items, raws } = await allOf(client, engagementPageSchema, `${room}/engagements`, query);
  if (options.json) {
    printJson(raws);
    return;
  }
  printRows(
    ['STATE', 'ID', 'UNTIL', 'PERSON', 'NAME'],
    items.map(({ state, id, endsAt, person, name }) => [
      printable(state, 12),
      id,
      printable(endsAt, 30),
      printable(person.email ?? person.subject ?? '', 100),
      printable(name, 200),
    ]),
  );
}

export async function showEngagement(id: string, options: OrganizationOptions): Promise<void> {
  const { client, room } = await openRoom(options);
  printJson((await client.read(engagementSchema, { method: 'GET', path: `${room}${path('engagements', id)}` })).raw);
}

export async function revokeEngagement(id: string, options: OrganizationOptions): Promise<void> {
  const { client, room } = await openRoom(options);
  await client.done({ method: 'DELETE', path: `${room}${path('engagements', id)}` });
  if (!options.json) print(`${printable(id, 40)}  revoked`);
}

/** Lets the auditor download a package. */
export async function handOver(packageId: string, options: EngagementOptions): Promise<void> {
  const { client, room } = await openRoom(options);
  await client.done({
    method: 'POST',
    path: `${room}${path('engagements', options.engagement, 'packages')}`,
    headers: JSON_BODY,
    body: bodyOf({ packageId }),
  });
  if (!options.json) print(`${printable(packageId, 40)}  handed over`);
}

/** As its auditor. */
export async function downloadHandedOver(packageId: string, options: EngagementOptions & OutputOptions): Promise<void> {
  if (options.output !== undefined) await mayWrite(options.output, options.force ?? false);
  const { client, room } = await openRoom(options);
  const at = `${room}${path('engagements', options.engagement, 'packages', packageId)}`;
  const { value } = await client.read(packageSchema, { method: 'GET', path: at });
  await save(client, at, value, await fileOf(value, options), options);
}

export async function listRequests(options: EngagementOptions & { state?: string }): Promise<void> {
  const { client, room } = await openRoom(options);
  const at = `${room}${path('engagements', options.engagement, 'requests')}`;
  const { items, raws } = await allOf(client, requestPageSchema, at, { state: options.state });
  if (options.json) {
    printJson(raws);
    return;
  }
  printRows(
    ['STATE', 'ID', 'DUE', 'CONTROL', 'TITLE'],
    items.map(({ state, isOverdue, id, dueAt, control, title }) => [
      printable(isOverdue ? `${state}, overdue` : state, 24),
      id,
      printable(dueAt ?? '', 30),
      printable(control ?? '', 40),
      printable(title, 200),
    ]),
  );
}

export async function showRequest(id: string, options: EngagementOptions): Promise<void> {
  const { client, room } = await openRoom(options);
  const at = `${room}${path('engagements', options.engagement, 'requests', id)}`;
  printJson((await client.read(requestSchema, { method: 'GET', path: at })).raw);
}

export async function askFor(
  title: string,
  options: EngagementOptions & { what?: string; control?: string; due?: string },
): Promise<void> {
  const { client, room } = await openRoom(options);
  const { what, control, due: dueAt } = options;
  const body = bodyOf({ title, what, control, dueAt });
  const asked = await client.read(requestSchema, {
    method: 'POST',
    path: `${room}${path('engagements', options.engagement, 'requests')}`,
    // The same words again are the same request.
    headers: { ...JSON_BODY, 'idempotency-key': createHash('sha256').update(body.open()).digest('hex') },
    body,
  });
  told(asked, options);
}

export const answerRequest = (
  id: string,
  options: CommentOptions & { record?: string[]; evidence?: string[]; package?: string[] },
): Promise<void> =>
  move(id, 'answer', { records: options.record, evidence: options.evidence, packages: options.package }, options);
export const acceptRequest = (id: string, options: CommentOptions): Promise<void> =>
  move(id, 'decision', { decision: 'accept' }, options);
export const returnRequest = (id: string, options: CommentOptions): Promise<void> =>
  move(id, 'decision', { decision: 'return' }, options);
export const withdrawRequest = (id: string, options: CommentOptions): Promise<void> =>
  move(id, 'decision', { decision: 'withdraw' }, options);

export async function commentRequest(id: string, comment: string, options: EngagementOptions): Promise<void> {
  const { client, room } = await openRoom(options);
  const said = await client.read(requestSchema, {
    method: 'POST',
    path: `${room}${path('engagements', options.engagement, 'requests', id, 'comments')}`,
    headers: { ...JSON_BODY, 'idempotency-key': randomUUID() },
    body: bodyOf({ comment }),
  });
  told(said, options);
}

/** Of the request as it is now: whoever else moves it meanwhile is found out by the server. */
async function move(id: string, what: string, said: object, options: CommentOptions): Promise<void> {
  const { client, room } = await openRoom(options);
  const at = `${room}${path('engagements', options.engagement, 'requests', id)}`;
  const { value } = await client.read(requestSchema, { method: 'GET', path: at });
  const moved = await client.read(requestSchema, {
    method: 'POST',
    path: `${at}/${what}`,
    headers: { ...JSON_BODY, 'if-match': `"${value.version}"` },
    body: bodyOf({ ...said, comment: options.comment }),
  });
  told(moved, options);
}

function told({ value, raw }: { value: Request; raw: unknown }, options: ServerOptions): void {
  if (options.json) printJson(raw);
  else print(`${value.id}  ${printable(value.state, 20)}  ${printable(value.title, 200)}`);
}
