import { Injectable } from '@nestjs/common';
import type { Tx } from '../kernel/db/database.js';
import { MemberService } from '../organizations/member.service.js';
import { SystemService } from '../organizations/system.service.js';
import { RecordBulk } from '../records/record-bulk.js';
import type { Directory, Labels } from './cells.js';

const PAGE = 500;
const isUuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

/** Names in lower case, as people type them; null where two have the same. */
type Names = ReadonlyMap<string, string | null>;

/** The names of an organisation's members and systems, and of records that have a key. */
export interface People {
  members: Names;
  systems: Names;
  /** By id. */
  memberNames: ReadonlyMap<string, string>;
  systemNames: ReadonlyMap<string, string>;
}

@Injectable()
export class Directories {
  constructor(
    private readonly members: MemberService,
    private readonly systems: SystemService,
    private readonly bulk: RecordBulk,
  ) {}

  /** Members who are, and systems that are not retired: all of them. */
  async people(tx: Tx): Promise<People> {
    const members = await all((after) => this.members.list(tx, { after, limit: PAGE, includeRemoved: false }));
    const systems = await all((after) => this.systems.list(tx, { after, limit: PAGE, includeRetired: false }));
    return {
      members: namesOf(members),
      systems: namesOf(systems),
      memberNames: new Map(members.map(({ id, name }) => [id, name])),
      systemNames: new Map(systems.map(({ id, name }) => [id, name])),
    };
  }

  /** With the records of the given types that have these keys. */
  async directory(
    tx: Tx,
    { members, systems }: People,
    keys: ReadonlyMap<string, ReadonlySet<string>>,
  ): Promise<Directory> {
    const records = new Map<string, ReadonlyMap<string, string>>();
    for (const [type, wanted] of keys) records.set(type, await this.bulk.idsByKey(tx, type, [...wanted]));
    const named = (names: Names, text: string): string | null =>
      isUuid(text) ? text.toLowerCase() : (names.get(lower(text)) ?? null);
    return {
      member: (text) => named(members, text),
      system: (text) => named(systems, text),
      record: (type, text) => (isUuid(text) ? text.toLowerCase() : (records.get(type)?.get(keyOf(text)) ?? null)),
    };
  }

  /** What the ids are called, where the name leads back to the id. */
  async labels(tx: Tx, people: People, recordIds: readonly string[]): Promise<Labels> {
    const keys = await this.bulk.keysById(tx, recordIds);
    const label = (names: Names, byId: ReadonlyMap<string, string>, id: string): string => {
      const name = byId.get(id);
      return name !== undefined && !isUuid(name) && !name.includes(';') && names.get(lower(name)) === id ? name : id;
    };
    return {
      member: (id) => label(people.members, people.memberNames, id),
      system: (id) => label(people.systems, people.systemNames, id),
      record: (id) => {
        const key = keys.get(id)?.key;
        return key === undefined || isUuid(key) || key !== keyOf(key) ? id : key;
      },
    };
  }
}

/** As natural keys are kept. */
export const keyOf = (text: string): string => text.normalize('NFC').trim();

const lower = (text: string): string => keyOf(text).toLowerCase();

function namesOf(all: readonly { id: string; name: string }[]): Names {
  const names = new Map<string, string | null>();
  for (const { id, name } of all) names.set(lower(name), names.has(lower(name)) ? null : id);
  return names;
}

async function all<Item extends { id: string }>(page: (after: string | null) => Promise<Item[]>): Promise<Item[]> {
  const found: Item[] = [];
  for (;;) {
    const next = await page(found.at(-1)?.id ?? null);
    found.push(...next);
    if (next.length < PAGE) return found;
  }
}
