import { hash } from 'node:crypto';
import { openCheckpoint, type Checkpoint } from '../audit/checkpoint.js';
import type { Leaf } from '../audit/event.js';
import { leafHash, rootOf, type HashReader } from '../audit/merkle.js';
import type { VerifierKey } from '../audit/note.js';
import {
  entriesOf,
  entryBundlesOf,
  hashReader,
  parseTilePath,
  rootOfTile,
  tilePath,
  tilesBetween,
  TILE_WIDTH,
  type Tile,
} from '../audit/tile.js';
import { Fault } from './fault.js';
import { LeafIndex } from './leaf-index.js';
import { asFault } from './notes.js';
import type { PackageFiles } from './package-files.js';
import type { PackageIndex } from './package-index.js';
import { readFile } from './read.js';
import { isJustAfter, rowsName } from './register.js';

const LOG = 'bag/data/log';
export const CHECKPOINT = `${LOG}/checkpoint`;

/** 256 entries of 64 KiB, with two bytes before each. */
const MAX_BUNDLE = TILE_WIDTH * (65_535 + 2);
const MAX_NOTE = 65_536;

/** The head of the organisation's log, signed by one of the log's keys. */
export async function checkCheckpoint(files: PackageFiles, keys: readonly VerifierKey[]): Promise<Checkpoint> {
  const note = await readFile(files, CHECKPOINT, MAX_NOTE);
  return asFault(CHECKPOINT, () => openCheckpoint(note, keys));
}

export interface Approval {
  time: string;
  by: string;
  sha256: string | undefined;
}

/** What the log says, after all of it has been read once. */
export interface WholeLog extends Checkpoint {
  leaves: LeafIndex;
  /** Which entry an event is, by its id; null where the log has none such. */
  indexOf(eventId: string): number | null;
  /** The bytes of an entry; null where the log has none such. */
  leafAt(index: number): Promise<Buffer | null>;
  /** By leaf: when it was so, in milliseconds since 1970; NaN of the one leaf that may be no event. */
  times: Float64Array;
  /** What the log says that each evidence was when it was received: lower-case hex. */
  received: ReadonlyMap<string, string>;
  /** By `<record>/<version>`: when and by whom it was approved, and the digest of what was. */
  approved: ReadonlyMap<string, Approval>;
  /** Records whose content the log says was disposed of. */
  disposed: ReadonlySet<string>;
  /** Evidence that the log says was disposed of. */
  disposedEvidence: ReadonlySet<string>;
  /** Events whose details the log says were erased. */
  erased: ReadonlySet<string>;
  /** How many postures were frozen after the instant of knowledge; of which evidence, the package does not say. */
  frozenLater: number;
  /** Evidence that was found to be no longer what was kept, and not found whole since. */
  corrupt: ReadonlySet<string>;
  /** `<kind>/<id>`, and `<kind>/<id>/<table>` where the entry names it: rows that were found to be altered, and not found right since. */
  alteredRows: ReadonlySet<string>;
  /** The organisation where an event of later than the instant of knowledge is about it, and systems where one of just after it is: what is told of them may be that already. */
  changedSince: ReadonlySet<string>;
  /** How many entries are about each evidence, until the instant of knowledge. */
  aboutEvidence: ReadonlyMap<string, number>;
  hashes: HashReader;
}

/**
 * Every entry, every tile of every level and the root: the log has the entries that its head was signed for, and no other file lies beside them.
 * @param index of the package: every event has to be of its organisation
 */
export async function checkTiles(
  files: PackageFiles,
  head: Checkpoint,
  { organization, knownAt }: PackageIndex,
): Promise<WholeLog> {
  requireFiles(files, head.size);
  const leaves = new LeafIndex(head.size);
  const ids = new LeafIndex(head.size);
  const times = new Float64Array(head.size);
  const received = new Map<string, string>();
  const approved = new Map<string, Approval>();
  const disposed = new Set<string>();
  const disposedEvidence = new Set<string>();
  const erased = new Set<string>();
  const corrupt = new Set<string>();
  let frozenLater = 0;
  const alteredRows = new Set<string>();
  const changedSince = new Set<string>();
  const aboutEvidence = new Map<string, number>();
  const until = Date.parse(knownAt);
  const tiles = new TileCheck(files);
  for (const bundle of entryBundlesOf(head.size)) {
    for (const leaf of await readBundle(files, bundle)) {
      const digest = leafHash(leaf);
      const index = await tiles.append(digest);
      if (!leaves.append(digest)) throw new Fault(`entry ${index} of the log is there twice`);
      const event = readEvent(leaf, index);
      if (!ids.append(idHash(event?.id ?? '')))
        throw new Fault(`entry ${index} of the log is an event of an earlier entry`);
      const time = event === null ? NaN : Date.parse(event.time);
      times[index] = time;
      if (event === null) continue;
      if (event.tenant !== organization.id)
        throw new Fault(`entry ${index} of the log is an event of another organisation`);
      const { kind, id, sha256, version } = event.object;
      // The first says what was approved, once for a version: who changes its row can add another, and cannot take that one away.
      const name = `${id}/${version}`;
      if (event.action === 'record.approved' && !approved.has(name)) {
        approved.set(name, { time: event.time, by: event.actor.id, sha256 });
      }
      if (event.action === 'record.disposed') disposed.add(id);
      if (event.action === 'event.erased') erased.add(id);
      if (event.action === 'posture.frozen' && time > until) frozenLater += 1;
      const rows = rowsName(event.object);
      if (event.action === 'row.altered') alteredRows.add(rows);
      // Entries from before they named the table are of any.
      if (event.action === 'row.restored') for (const name of [rows, `${kind}/${id}`]) alteredRows.delete(name);
      const isChange = version !== undefined && time > until;
      if (isChange && (kind === 'organization' || (kind === 'system' && isJustAfter(time, until))))
        changedSince.add(id);
      if (kind !== 'evidence') continue;
      if (time <= until) aboutEvidence.set(id, (aboutEvidence.get(id) ?? 0) + 1);
      if (event.action === 'evidence.disposed') disposedEvidence.add(id);
      if (event.action === 'evidence.corrupt') corrupt.add(id);
      if (event.action === 'evidence.restored') corrupt.delete(id);
      // The first says what came: who exchanges what is kept can add another, and cannot take that one away.
      if (event.action === 'evidence.received' && sha256 !== undefined && !received.has(id)) received.set(id, sha256);
    }
  }
  await tiles.finish();
  const hashes = hashReader(head.size, (asked) => Promise.all(asked.map((tile) => readTile(files, tile))));
  if (!(await rootOf(head.size, hashes)).equals(head.root)) {
    throw new Fault(`the entries of the log are not those that ${CHECKPOINT} was signed for`);
  }
  return {
    ...head,
    leaves,
    indexOf: (eventId) => ids.find(idHash(eventId)),
    times,
    received,
    approved,
    disposed,
    disposedEvidence,
    erased,
    frozenLater,
    corrupt,
    alteredRows,
    changedSince,
    aboutEvidence,
    hashes,
    leafAt: leafReader(files, head.size),
  };
}

/** An id takes as much room as any other. */
const idHash = (id: string): Buffer => hash('sha256', id, 'buffer');

/** Bundles that are kept, of some hundred kilobytes: a chain of custody comes back to the same ones. */
const KEPT_BUNDLES = 64;

function leafReader(files: PackageFiles, size: number): WholeLog['leafAt'] {
  const kept = new Map<number, Buffer[]>();
  return async (index) => {
    if (index >= size) return null;
    const bundle = Math.floor(index / TILE_WIDTH);
    const width = Math.min(TILE_WIDTH, size - bundle * TILE_WIDTH);
    const entries = kept.get(bundle) ?? (await readBundle(files, { level: 'entries', index: bundle, width }));
    if (kept.size >= KEPT_BUNDLES) kept.clear();
    kept.set(bundle, entries);
    return entries[index % TILE_WIDTH] ?? null;
  };
}

/** Before anything of the size that the checkpoint claims is done: that many entries have their files. */
function requireFiles(files: PackageFiles, size: number): void {
  const there = [...files.sizes.keys()].flatMap((path) => (path.startsWith(`${LOG}/tile/`) ? [path] : []));
  if (size > there.length * TILE_WIDTH) throw new Fault(`the log has fewer entries than ${CHECKPOINT} says, ${size}`);
  for (const path of there) {
    const tile = parseTilePath(path.slice(LOG.length + 1));
    const level = tile?.level === 'entries' ? 0 : (tile?.level ?? 0);
    const hashes = Math.floor(size / TILE_WIDTH ** level);
    const width = tile === null ? 0 : Math.min(TILE_WIDTH, hashes - tile.index * TILE_WIDTH);
    if (tile?.width !== width) throw new Fault(`${path} is no tile of a log of ${size} entries`);
  }
  for (const tile of [...entryBundlesOf(size), ...tilesBetween(0, size)]) {
    if (!files.sizes.has(`${LOG}/${tilePath(tile)}`)) throw new Fault(`${LOG}/${tilePath(tile)} is not there`);
  }
}

async function readBundle(files: PackageFiles, tile: Tile): Promise<Buffer[]> {
  const path = `${LOG}/${tilePath(tile)}`;
  const bytes = await readFile(files, path, MAX_BUNDLE);
  const entries = asFault(path, () => entriesOf(bytes));
  if (entries.length !== tile.width) throw new Fault(`${path} has ${entries.length} entries, and not ${tile.width}`);
  return entries;
}

const readTile = (files: PackageFiles, tile: Tile): Promise<Buffer> =>
  readFile(files, `${LOG}/${tilePath(tile)}`, MAX_BUNDLE);

/** Builds the tiles anew, from the left, and compares each with its file as soon as it is whole. */
class TileCheck {
  /** By level: the hashes of the tile that is being filled. */
  private readonly filling: { index: number; hashes: Buffer[] }[] = [];
  private length = 0;

  constructor(private readonly files: PackageFiles) {}

  /** The index that the leaf has. */
  async append(hash: Buffer): Promise<number> {
    await this.add(0, hash);
    return this.length++;
  }

  /** The tiles at the right edge, which are not full. */
  async finish(): Promise<void> {
    for (const [level, { index, hashes }] of this.filling.entries()) {
      if (hashes.length > 0) await this.compare({ level, index, width: hashes.length }, Buffer.concat(hashes));
    }
  }

  private async add(level: number, hash: Buffer): Promise<void> {
    const tile = (this.filling[level] ??= { index: 0, hashes: [] });
    tile.hashes.push(hash);
    if (tile.hashes.length < TILE_WIDTH) return;
    const bytes = Buffer.concat(tile.hashes);
    await this.compare({ level, index: tile.index, width: TILE_WIDTH }, bytes);
    this.filling[level] = { index: tile.index + 1, hashes: [] };
    await this.add(level + 1, rootOfTile(bytes));
  }

  private async compare(tile: Tile, expected: Buffer): Promise<void> {
    if (!(await readTile(this.files, tile)).equals(expected)) {
      throw new Fault(`${LOG}/${tilePath(tile)} has other hashes than the entries of the log`);
    }
  }
}

/** Null of the first leaf of a log that carries on another one: it is that one's last checkpoint. */
export function readEvent(leaf: Buffer, index: number): Leaf | null {
  if (index === 0 && leaf[0] !== 0x7b) return null;
  let event: unknown;
  try {
    event = JSON.parse(leaf.toString('utf8'));
  } catch {
    throw new Fault(`entry ${index} of the log is no event`);
  }
  if (!isLeaf(event)) throw new Fault(`entry ${index} of the log is no event`);
  return event;
}

function isLeaf(value: unknown): value is Leaf {
  if (typeof value !== 'object' || value === null) return false;
  const { id, action, tenant, time, actor, object } = value as Partial<Record<keyof Leaf, unknown>>;
  return (
    [id, action, tenant].every((text) => typeof text === 'string') &&
    typeof time === 'string' &&
    !Number.isNaN(Date.parse(time)) &&
    [actor, object].every((what) => typeof what === 'object' && what !== null)
  );
}
