import { posix } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Hashed } from './bag.js';
import { Fault } from './fault.js';
import type { PackageFiles } from './package-files.js';
import { readFile, textOf } from './read.js';

const OSCAL = 'data/oscal/';

/** Of each object in a document: its members. */
type Members = Readonly<Record<string, unknown>>;

/**
 * The documents in OSCAL hold together: every reference inside of a document has its target there, every one to a file has its file in the package, and every hash of
 * a resource is that file's. (Whether a document is OSCAL at all the schemas of NIST say, which are not ours to bring along.)
 */
export async function checkOscal(files: PackageFiles, payload: ReadonlyMap<string, Hashed>): Promise<string> {
  const documents = [...payload.keys()].filter((path) => path.startsWith(OSCAL) && path.endsWith('.json'));
  let [references, hashes] = [0, 0];
  for (const path of documents) {
    const at = `bag/${path}`;
    const document = parsed(textOf(await readFile(files, at), at), at);
    const uuids = new Set<string>();
    const targets = new Set<string>();
    for (const { uuid, id } of objectsIn(document)) {
      if (typeof id === 'string') targets.add(id);
      if (typeof uuid !== 'string') continue;
      if (uuids.has(uuid)) throw new Fault(`${at} uses the UUID ${uuid} twice`);
      uuids.add(uuid);
    }
    for (const { href, hashes: of } of objectsIn(document)) {
      if (typeof href !== 'string') continue;
      references += 1;
      if (href.startsWith('#')) {
        if (!uuids.has(href.slice(1)) && !targets.has(href.slice(1)))
          throw new Fault(`${at} refers to ${href}, which is not in it`);
        continue;
      }
      if (/^[a-z][a-z0-9+.-]*:/i.test(href)) continue;
      const target = posix.normalize(`${OSCAL}${href.split('#')[0] ?? ''}`);
      const found = payload.get(target);
      if (found === undefined) throw new Fault(`${at} refers to ${JSON.stringify(href)}, which is not in the package`);
      for (const hash of Array.isArray(of) ? (of as unknown[]) : []) {
        hashes += 1;
        // Packages are written with these alone: one by another algorithm would be passed over.
        if (!isDeepStrictEqual(hash, { algorithm: 'SHA-256', value: found.sha256 })) {
          throw new Fault(`${at} has another hash of ${JSON.stringify(href)} than the file`);
        }
      }
    }
  }
  return `${documents.length} OSCAL documents: ${references} references have their targets, ${hashes} hashes are those of the files`;
}

function parsed(text: string, at: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Fault(`${at} is no JSON`);
  }
}

/** Without recursion: how deep a document nests is its author's choice. */
function* objectsIn(document: unknown): Generator<Members, void> {
  const open: unknown[] = [document];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (!Array.isArray(value)) yield value as Members;
    for (const member of Object.values(value)) open.push(member);
  }
}
