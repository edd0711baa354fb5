import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { exitCode, Failure } from '../client/failure.js';
import { path } from '../client/http.js';
import { allOf, printRows } from '../client/lists.js';
import { anySchema, typePageSchema } from '../client/records.js';
import { print, printJson, say, setExit } from '../client/terminal.js';
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

/** Whether the server would take types of the organisation's own, by the rules that it asks; offline. */
export async function checkTypes(files: readonly string[]): Promise<void> {
  const { currentCatalog } = await import('../../catalog/load.js');
  const { ownType } = await import('../../catalog/own-type.js');
  const catalog = currentCatalog();
  const given = (await Promise.all(files.map(typesIn))).flat();
  const good = new Map<string, ReturnType<typeof ownType>>();
  const typeOf = (name: string) => catalog.recordType(name) ?? good.get(name)?.definition ?? null;
  let faults: string[] = [];
  // Types may name each other: those that are good by what is known are known to the next round.
  for (let known = -1; known < good.size;) {
    known = good.size;
    faults = [];
    for (const { file, type, definition } of given) {
      if (good.has(type)) continue;
      const found = ownType(type, definition, typeOf);
      if (found.definition !== null) good.set(type, found);
      for (const { pointer, message } of found.faults)
        faults.push(`${file}: ${type}: ${pointer === '' ? '' : `${pointer}: `}${message}`);
    }
  }
  const names = given.map(({ type }) => type);
  for (const name of new Set(names.filter((type, index) => names.indexOf(type) < index))) {
    faults.push(`${name}: is defined twice`);
  }
  for (const line of faults) say(printable(line));
  print(`${given.length} types, ${faults.length} wrong`);
  if (faults.length > 0) setExit(exitCode.refused);
}

interface GivenType {
  file: string;
  type: string;
  definition: unknown;
}

/** One definition, many under `types` as in catalog/record-types, or one under `definition` as the API takes it. */
async function typesIn(file: string): Promise<GivenType[]> {
  const content = await contentOf(file);
  const one = isObject(content) && isObject(content['definition']) ? content['definition'] : content;
  const list: unknown[] = isObject(content) && Array.isArray(content['types']) ? content['types'] : [one];
  return list.map((definition, index) => {
    const type = isObject(definition) ? definition['type'] : undefined;
    if (typeof type !== 'string')
      throw new Failure(exitCode.refused, `${file}: number ${index + 1} is no definition with a type`);
    return { file, type, definition };
  });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

async function contentOf(file: string): Promise<unknown> {
  try {
    return parse(await readFile(file, 'utf8'), { maxAliasCount: 0, uniqueKeys: true }) as unknown;
  } catch (error) {
    throw new Failure(exitCode.refused, `${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
