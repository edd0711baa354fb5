import { extname } from 'node:path';
import { exitCode, Failure } from '../client/failure.js';
import { path, type Client } from '../client/http.js';
import { importSchema, type Import } from '../client/records.js';
import { pollPause } from '../client/retry.js';
import { requireFree, save, type SaveOptions } from '../client/save.js';
import { print, printJson, progress, say, setExit } from '../client/terminal.js';
import { plural, printable, span } from '../client/text.js';
import { contentOf, digestOf, openRoom, type OrganizationOptions } from './records.js';

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.csv': 'text/csv',
  '.xlsx': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
};

export interface ImportOptions extends OrganizationOptions {
  type: string;
  dryRun?: boolean;
  sheet?: string;
  waitFor: number;
}

/** Sends a table of records, waits until every row was read, and says what became of them. */
export async function importTable(file: string, options: ImportOptions): Promise<void> {
  const mediaType = MEDIA_TYPES[extname(file).toLowerCase()];
  if (mediaType === undefined) throw new Failure(exitCode.usage, `${printable(file)}: a table is .csv or .xlsx`);
  const body = await contentOf(file);
  const { client, room } = await openRoom(options);
  const { value } = await client.read(importSchema, {
    method: 'POST',
    path: `${room}/imports`,
    query: { type: options.type, dryRun: options.dryRun ? 'true' : undefined, sheet: options.sheet },
    headers: { 'content-type': mediaType, 'content-digest': digestOf(body) },
    body: { length: body.length, open: () => body },
  });
  const { found, raw } = await finished(client, `${room}${path('imports', value.id)}`, options.waitFor);
  if (options.json) printJson(raw);
  else tell(found);
  if (found.status === 'refused') setExit(exitCode.refused);
}

/** Another person's decision on all that an import has submitted. */
export async function decideImport(
  id: string,
  options: OrganizationOptions & { approve?: boolean; reject?: string },
): Promise<void> {
  if ((options.approve ?? false) === (options.reject !== undefined)) {
    throw new Failure(exitCode.usage, 'say either --approve or --reject REASON');
  }
  const said = options.reject === undefined ? { decision: 'approve' } : { decision: 'reject', reason: options.reject };
  const body = Buffer.from(JSON.stringify(said));
  const { client, room } = await openRoom(options);
  const { value, raw } = await client.read(importSchema, {
    method: 'POST',
    path: `${room}${path('imports', id)}/decision`,
    headers: { 'content-type': 'application/json' },
    body: { length: body.length, open: () => body },
    patience: 600_000,
  });
  if (options.json) printJson(raw);
  else print(`${value.id}  ${printable(value.status, 20)}  ${plural(value.decidedCount ?? 0, 'version')}`);
}

async function finished(client: Client, at: string, waitFor: number): Promise<{ found: Import; raw: unknown }> {
  const startedAt = Date.now();
  for (;;) {
    const { value, raw } = await client.read(importSchema, { method: 'GET', path: at });
    if (value.status !== 'received') {
      progress(null);
      return { found: value, raw };
    }
    const lasted = Date.now() - startedAt;
    if (lasted > waitFor) {
      throw new Failure(
        exitCode.refused,
        `the import ${printable(value.id, 40)} is still being read after ${span(lasted)}`,
        'send the same file again later: it is the same import',
      );
    }
    progress(`reading, ${span(lasted)}`);
    await pollPause(startedAt);
  }
}

function tell(found: Import): void {
  const counts = [
    `${found.created ?? 0} new`,
    `${found.changed ?? 0} changed`,
    `${found.unchanged ?? 0} unchanged`,
    ...(found.drafts ? [`${plural(found.drafts, 'draft')} that lack documents`] : []),
  ];
  print(`${found.id}  ${printable(found.status, 20)}  ${plural(found.rows ?? 0, 'row')}: ${counts.join(', ')}`);
  for (const { row, column, detail } of found.faults) {
    say(`row ${row}${column ? `, ${printable(column, 80)}` : ''}: ${printable(detail, 300)}`);
  }
  const more = (found.faultCount ?? 0) - found.faults.length;
  if (more > 0) say(`and ${plural(more, 'fault')} more`);
  if (found.status === 'applied' && (found.created ?? 0) + (found.changed ?? 0) > 0) {
    say(`another person decides on it: safeguard records decide-import ${found.id} --approve (or --reject REASON)`);
  }
}

export interface ExportOptions extends OrganizationOptions, SaveOptions {
  type: string;
  format: 'csv' | 'xlsx';
  asOf?: string;
  knownAt?: string;
}

/** Writes a table of records to a file, or to standard output. */
export async function exportTable(options: ExportOptions): Promise<void> {
  await requireFree(options);
  const { type, format, asOf, knownAt } = options;
  const { client, room } = await openRoom(options);
  const call = {
    method: 'GET',
    path: `${room}/exports/records`,
    query: { type, format, asOf, knownAt },
    headers: { accept: '*/*' },
    patience: 120_000,
  } as const;
  await save(client, call, options);
}
