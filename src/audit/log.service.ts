import { Inject, Injectable } from '@nestjs/common';
import { SigningKeys, type KnownKey } from '../kernel/crypto/signing/signing-keys.js';
import { Database, type Tx } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import type { Principal } from '../kernel/principal.js';
import { ANCHOR_CONFIG, type AnchorConfig } from './anchor/anchor.config.js';
import type { EventObject, RecordedEvent } from './event.js';
import { LogSequencer } from './log.sequencer.js';
import { LogSigner } from './log.signer.js';
import type { SignedHead } from './log.js';
import { LogStore } from './log.store.js';
import { consistencyProof, inclusionProof, rootOf, type HashReader } from './merkle.js';
import { formatNote, formatVerifierKey, signNote, verifierKey } from './note.js';
import { logOrigin } from './origin.js';
import { formatReceipt, receiptKeyName } from './receipt.js';
import { entryBundle, hashReader, TILE_WIDTH, widthOf, type Tile } from './tile.js';
import { formatTlogProof } from './tlog-proof.js';

/** Where an event is in a tree of that size, and the hashes by which that is proven. */
export interface Inclusion {
  leaf: Buffer;
  index: number;
  size: number;
  root: Buffer;
  proof: Buffer[];
}

/** By which keys a log's notes verify, as vkeys: the present one first, then those of before that the service vouches for. */
export interface LogKeys {
  checkpoint: string[];
  receipt: string[];
}

/** What the logs of organisations show: signed heads, what is in the trees below them, and proofs. Nothing above the last signed head is shown. */
@Injectable()
export class LogService {
  constructor(
    private readonly database: Database,
    private readonly store: LogStore,
    private readonly sequencer: LogSequencer,
    private readonly signer: LogSigner,
    private readonly keys: SigningKeys,
    @Inject(ANCHOR_CONFIG) private readonly config: Pick<AnchorConfig, 'host'>,
  ) {}

  /** Appends and signs at once what was committed before the call: the head speaks of all of it. */
  async close(principal: Principal): Promise<SignedHead> {
    while (await this.sequencer.append(principal, { wait: true }));
    await this.signer.sign(principal);
    return this.database.read(principal, (tx) => this.head(tx));
  }

  /** The last signed head. */
  async head(tx: Tx): Promise<SignedHead> {
    const head = await this.store.lastHead(tx, await this.store.generation(tx));
    if (head === null) throw new Refusal('not-found', 'The log has no signed head yet. Ask again in some seconds.');
    return head;
  }

  /** The name of the organisation's log, also of one that has nothing yet. */
  async origin(tx: Tx): Promise<string> {
    const generation = await this.store.generation(tx);
    const log = await this.store.find(tx, generation);
    return log?.origin ?? logOrigin(this.config.host, tx.organizationId, generation);
  }

  /** The keys of a log, by its name. */
  async keysOf(tx: Tx, origin: string): Promise<LogKeys> {
    const known = await this.keys.known(tx);
    const vkeys = (use: KnownKey['use'], name: string): string[] =>
      known
        .filter((key) => key.use === use && key.vouched)
        .sort((a, b) => Number(b.current) - Number(a.current))
        .map(({ publicKey }) => formatVerifierKey(verifierKey(name, publicKey)));
    return { checkpoint: vkeys('log', origin), receipt: vkeys('receipt', receiptKeyName(origin)) };
  }

  /** A tile or an entry bundle, as far as a head of the log's is signed over it; null where none is. */
  async tile(tx: Tx, tile: Tile): Promise<Buffer | null> {
    const { generation, size } = await this.head(tx);
    if (tile.width > widthOf(tile, size)) return null;
    return this.contentOf(tx, generation, tile);
  }

  /** The same of a log that is known to be so large. */
  async contentOf(tx: Tx, generation: number, tile: Tile): Promise<Buffer> {
    if (isHashes(tile)) {
      const [hashes] = await this.store.tiles(tx, generation, [tile]);
      if (hashes === undefined) throw new Error('a tile was asked for and not read');
      return hashes;
    }
    const from = tile.index * TILE_WIDTH;
    return entryBundle(await this.store.leaves(tx, generation, from, from + tile.width));
  }

  /** Proves that an event is in the tree of that size; by default in that of the last signed head. */
  async proveInclusion(tx: Tx, eventId: string, of?: number): Promise<Inclusion> {
    const head = await this.head(tx);
    const size = this.sizeUpTo(head, of, 'query/size');
    const index = (await this.store.indexes(tx, head.generation, [eventId])).get(eventId);
    if (index === undefined || index >= size) {
      throw new Refusal('not-found', 'The tree of that size has no such event. A new one is in it after some seconds.');
    }
    const read = this.reader(tx, head);
    const [leaf] = await this.store.leaves(tx, head.generation, index, index + 1);
    if (leaf === undefined) throw new Error('a leaf is not there');
    return { leaf, index, size, root: await rootOf(size, read), proof: await inclusionProof(index, size, read) };
  }

  /** A file that proves it to whoever has the log's key. */
  async proofFile(tx: Tx, eventId: string): Promise<Buffer> {
    const { index, proof } = await this.proveInclusion(tx, eventId);
    const { note } = await this.head(tx);
    return formatTlogProof({ index, hashes: proof, checkpoint: note });
  }

  /** Proves that the tree of size `to`, by default that of the last signed head, has all leaves of that of size `from`, in their places. */
  async proveConsistency(
    tx: Tx,
    from: number,
    to?: number,
  ): Promise<Record<'from' | 'to', { size: number; root: Buffer }> & { proof: Buffer[] }> {
    const head = await this.head(tx);
    const size = this.sizeUpTo(head, to, 'query/to');
    if (from > size) throw new Refusal('invalid-request', 'No tree extends a larger one.', { pointer: 'query/from' });
    const read = this.reader(tx, head);
    const rooted = async (size: number) => ({ size, root: await rootOf(size, read) });
    return { from: await rooted(from), to: await rooted(size), proof: await consistencyProof(from, size, read) };
  }

  /** Where events are in the log of that head; those that are not below it are left out. */
  async indexesOf(tx: Tx, { generation, size }: SignedHead, eventIds: readonly string[]): Promise<Map<string, number>> {
    const indexes = await this.store.indexes(tx, generation, eventIds);
    return new Map([...indexes].filter(([, index]) => index < size));
  }

  /** The hashes of the whole subtrees below a head. */
  reader(tx: Tx, { generation, size }: SignedHead): HashReader {
    return hashReader(size, (tiles) => this.store.tiles(tx, generation, tiles));
  }

  /** Bytes of leaves of the log of that head. */
  leaves(tx: Tx, { generation }: SignedHead, from: number, to: number): Promise<Buffer[]> {
    return this.store.leaves(tx, generation, from, to);
  }

  /**
   * The promise that an event of this transaction is in the log, or will be before long: a signed note. To be handed out when the transaction has been committed, and
   * not at all where it was not.
   */
  async receipt(tx: Tx, event: RecordedEvent): Promise<string> {
    return (await this.receipts(tx))(event);
  }

  /** The same of many events that were recorded before. */
  async receipts(tx: Tx): Promise<(event: Omit<RecordedEvent, 'id'>) => Promise<string>> {
    const origin = await this.origin(tx);
    const key = verifierKey(receiptKeyName(origin), this.keys.receipt.publicKey);
    return async ({ leafHash, time }) => {
      const text = formatReceipt({ origin, leafHash, time: time.getTime() });
      const signature = await signNote(text, key, (bytes) => this.keys.receipt.sign(bytes));
      return formatNote({ text, signatures: [signature] }).toString('utf8');
    };
  }

  /** The same of what was recorded before: of the first event of an object with one of these actions. Null where there is none. */
  async receiptOf(
    tx: Tx,
    object: Pick<EventObject, 'kind' | 'id'>,
    actions: readonly string[],
  ): Promise<string | null> {
    const leaf = await this.store.leafOf(tx, object, actions);
    return leaf === null ? null : this.receipt(tx, leaf);
  }

  private sizeUpTo(head: SignedHead, asked: number | undefined, pointer: string): number {
    if (asked === undefined || asked <= head.size) return asked ?? head.size;
    throw new Refusal('invalid-request', `The last signed head has ${head.size} leaves.`, { pointer });
  }
}

const isHashes = (tile: Tile): tile is Tile & { level: number } => tile.level !== 'entries';
