import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import type { z } from 'zod';
import { exitCode, Failure } from '../client/failure.js';
import { path, type Client } from '../client/http.js';
import { recordPageSchema, recordSchema } from '../client/records.js';
import { organizationOf, systemOf } from '../client/scope.js';
import { allOf, printRows } from '../client/lists.js';
import { print, printJson } from '../client/terminal.js';
import { printable } from '../client/text.js';
import { openClient, type ScopeOptions, type ServerOptions } from '../options.js';

type Shown = z.infer<typeof recordSchema>;

export interface OrganizationOptions extends ServerOptions {
  organization?: string;
}

export interface RecordListOptions extends ScopeOptions {
  type?: string;
  state?: string;
  key?: string;
  linkedTo?: string;
  expiringBefore?: string;
  asOf?: string;
  knownAt?: string;
}

/** Media types by the ending of a file's name: those that the server takes as documents. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.docx': 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  '.xlsx': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  '.pptx': 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  '.odt': 'application/vnd.oasis.opendocument.text',
  '.ods': 'application/vnd.oasis.opendocument.spreadsheet',
  '.txt': 'text/plain',
  '.md': 'text/markdown',
  '.csv': 'text/csv',
  '.json': 'application/json',
  '.xml': 'application/xml',
  '.eml': 'message/rfc822',
};

/** The client, and where the organisation's resources are. */
export async function openRoom(options: OrganizationOptions): Promise<{ client: Client; room: string; id: string }> {
  const client = await openClient(options);
  const id = await organizationOf(client, options.organization);
  return { client, room: path('v1', 'organizations', id), id };
}

/** All records that are asked for, page by page. */
export async function listRecords(options: RecordListOptions): Promise<void> {
  const { client, room, id } = await openRoom(options);
  const system = options.system === undefined ? undefined : await systemOf(client, id, options.system);
  const { type, state, key, linkedTo, expiringBefore, asOf, knownAt } = options;
  const query = { type, state, key, linkedTo, expiringBefore, asOf, knownAt, system };
  const { items, raws } = await allOf(client, recordPageSchema, `${room}/records`, query);
  if (options.json) {
    printJson(raws);
    return;
  }
  printRows(
    ['STATE', 'TYPE', 'ID', 'FROM', 'EXPIRES', 'TITLE'],
    items.map((one) => [
      printable(one.state, 12),
      printable(one.type, 60),
      one.id,
      printable(one.effectiveFrom, 30),
      printable(one.expiresAt ?? '', 30),
      printable(one.title, 200),
    ]),
  );
}

export async function showRecord(id: string, options: OrganizationOptions): Promise<void> {
  const { client, room } = await openRoom(options);
  printJson((await client.read(recordSchema, { method: 'GET', path: `${room}${path('records', id)}` })).raw);
}

/** A draft, of a file with the body that the API takes (`-`: standard input). */
export async function createRecord(file: string, options: OrganizationOptions): Promise<void> {
  const body = await contentOf(file);
  const { client, room } = await openRoom(options);
  const created = await client.read(recordSchema, {
    method: 'POST',
    path: `${room}/records`,
    // The same file again is the same record.
    headers: { ...JSON_BODY, 'idempotency-key': createHash('sha256').update(body).digest('hex') },
    body: { length: body.length, open: () => body },
  });
  told(created, options);
}

export const submitRecord = (id: string, options: OrganizationOptions): Promise<void> =>
  move(id, 'submission', null, options);
export const approveRecord = (id: string, options: OrganizationOptions): Promise<void> =>
  move(id, 'decision', { decision: 'approve' }, options);
export const rejectRecord = (id: string, options: OrganizationOptions & { reason: string }): Promise<void> =>
  move(id, 'decision', { decision: 'reject', reason: options.reason }, options);
export const endRecord = (
  id: string,
  options: OrganizationOptions & { reason: string; effectiveFrom: string },
): Promise<void> => move(id, 'end', { reason: options.reason, effectiveFrom: options.effectiveFrom }, options);

/** A file as a document of the draft. */
export async function addDocument(
  id: string,
  file: string,
  options: OrganizationOptions & { role: string; name?: string },
): Promise<void> {
  const mediaType = MEDIA_TYPES[extname(file).toLowerCase()];
  if (mediaType === undefined) {
    throw new Failure(
      exitCode.usage,
      `${printable(file)}: no document ends so`,
      `documents are ${Object.keys(MEDIA_TYPES).join(' ')}`,
    );
  }
  const body = await contentOf(file);
  const { client, room } = await openRoom(options);
  const at = `${room}${path('records', id)}`;
  const { value } = await client.read(recordSchema, { method: 'GET', path: at });
  const added = await client.read(recordSchema, {
    method: 'POST',
    path: `${at}/documents`,
    query: { role: options.role, name: options.name ?? basename(file) },
    headers: { 'content-type': mediaType, 'if-match': `"${value.revision}"`, 'content-digest': digestOf(body) },
    body: { length: body.length, open: () => body },
  });
  told(added, options);
}

const JSON_BODY = { 'content-type': 'application/json' };

/** Of the record as it is now: whoever else moves it meanwhile is found out by the server. */
async function move(id: string, what: string, said: object | null, options: OrganizationOptions): Promise<void> {
  const { client, room } = await openRoom(options);
  const at = `${room}${path('records', id)}`;
  const { value } = await client.read(recordSchema, { method: 'GET', path: at });
  const body = Buffer.from(JSON.stringify(said ?? {}));
  const moved = await client.read(recordSchema, {
    method: 'POST',
    path: `${at}/${what}`,
    headers: { ...(said === null ? {} : JSON_BODY), 'if-match': `"${value.revision}"` },
    ...(said === null ? {} : { body: { length: body.length, open: () => body } }),
  });
  told(moved, options);
}

function told({ value, raw }: { value: Shown; raw: unknown }, options: ServerOptions): void {
  if (options.json) printJson(raw);
  else print(`${value.id}  version ${value.version}  ${printable(value.state, 20)}  ${printable(value.title, 200)}`);
}

/** RFC 9530, over the bytes as they travel. */
export const digestOf = (body: Buffer): string => `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;

export async function contentOf(file: string): Promise<Buffer> {
  try {
    if (file !== '-') return await readFile(file);
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new Failure(exitCode.usage, `${printable(file)} cannot be read (${printable(code, 20)})`);
  }
}
