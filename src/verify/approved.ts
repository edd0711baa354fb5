import { z } from 'zod';
import { earlierVersionDigest, versionDigest } from '../records/version-digest.js';
import { Fault } from './fault.js';
import type { WholeLog } from './log.js';
import type { PackageFiles } from './package-files.js';
import { jsonOf, linesOf } from './read.js';

const RECORDS = /^bag\/data\/records\/(?:past\/)?[^/]+\.json$/;

const listed = z.array(z.record(z.string(), z.json()));
const recordShape = z.object({
  recordId: z.string(),
  version: z.number(),
  type: z.string(),
  title: z.string(),
  ownerId: z.string(),
  systemIds: z.array(z.string()),
  effectiveFrom: z.string(),
  expiresAt: z.string().nullable(),
  goodFrom: z.string(),
  naturalKey: z.string(),
  subject: z.string().nullable(),
  outcome: z.string().nullable(),
  fails: z.boolean(),
  fields: z.record(z.string(), z.json()),
  links: listed,
  documents: listed,
  decidedBy: z.string(),
  decidedAt: z.string(),
  disposed: z.boolean(),
});

/** Each version of a record is the one that the log says was approved, then and by whom: whoever changes its row cannot change the entry. */
export async function checkApproved(files: PackageFiles, log: WholeLog): Promise<string> {
  let [versions, disposed] = [0, 0];
  for (const path of files.sizes.keys()) {
    if (!RECORDS.test(path)) continue;
    for await (const { bytes, at } of itemsOf(files, path)) {
      const record = jsonOf(recordShape, bytes, at);
      const approval = log.approved.get(`${record.recordId}/${record.version}`);
      if (approval?.time !== record.decidedAt || approval.by !== record.decidedBy) {
        throw new Fault(`${at}: the log does not say that ${nameOf(record)} was approved then and by whom it says`);
      }
      versions += 1;
      if (record.disposed) {
        if (!log.disposed.has(record.recordId)) {
          throw new Fault(`${at}: the log does not say that record ${record.recordId} was disposed of`);
        }
        disposed += 1;
        continue;
      }
      // Where a document lies in the package was not decided on.
      const content = { ...record, documents: record.documents.map(({ path: _, ...document }) => document) };
      if (![versionDigest(content), earlierVersionDigest(content)].includes(approval.sha256 ?? '')) {
        throw new Fault(`${at}: ${nameOf(record)} is not what the log says was approved`);
      }
    }
  }
  return [
    `${versions} versions of records are what the log says was approved, when and by whom`,
    ...(disposed > 0 ? [`of ${disposed} the content was disposed of, as the log says`] : []),
  ].join('; ');
}

const nameOf = ({ recordId, version }: { recordId: string; version: number }): string =>
  `version ${version} of record ${recordId}`;

/** The items of a JSON array that has each on a line of its own, as packages write it; any other writing of it is a fault. */
async function* itemsOf(files: PackageFiles, path: string): AsyncGenerator<{ bytes: Buffer; at: string }, void> {
  let number = 0;
  let state: 'before' | 'item' | 'more' | 'after' = 'before';
  for await (const line of linesOf(files, path)) {
    number += 1;
    const at = `${path}, line ${number}`;
    const text = line.length > 2 ? null : line.toString('latin1');
    if (state === 'before' && (text === '[' || text === '[]')) {
      state = text === '[' ? 'item' : 'after';
    } else if (state === 'more' && text === ']') {
      state = 'after';
    } else if (state === 'item' && text === null) {
      const isFollowed = line.at(-1) === COMMA;
      yield { bytes: isFollowed ? line.subarray(0, -1) : line, at };
      state = isFollowed ? 'item' : 'more';
    } else {
      throw new Fault(`${at} is no line of a list`);
    }
  }
  if (state !== 'after') throw new Fault(`${path} ends within its list`);
}
const COMMA = 0x2c;
