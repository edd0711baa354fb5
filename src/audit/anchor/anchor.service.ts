import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { Clock } from '../../kernel/clock.js';
import { SigningKeys } from '../../kernel/crypto/signing/signing-keys.js';
import { TimeStampError } from '../../kernel/crypto/time-stamp/time-stamp.js';
import { Database, type Tx, type WriteTx } from '../../kernel/db/database.js';
import { reasonOf } from '../../kernel/http/outbound.js';
import { LOGGER } from '../../kernel/logger.js';
import { readCheckpoint } from '../checkpoint.js';
import { LogRefused } from '../log-faults.js';
import { inclusionProof } from '../merkle.js';
import {
  formatNote,
  formatVerifierKey,
  parseNote,
  verifierKey,
  type NoteSignature,
  type VerifierKey,
} from '../note.js';
import { hashReader } from '../tile.js';
import { formatTlogProof } from '../tlog-proof.js';
import { ANCHOR_CONFIG, type AnchorConfig } from './anchor.config.js';
import { AnchorGuard, anchorPrincipal, checkpointIn } from './anchor-guard.js';
import { AnchorStore, MAX_APPENDED, type Head } from './anchor.store.js';
import { CopyConflict, type Copies, type Copy } from './copies.js';
import { policy } from './policy.js';

/** Milliseconds between time stamps: authorities count them. Whoever makes a package asks for one of its own. */
const STAMP_EVERY = 3_600_000;

/** Heads of organisations' logs that are copied at once. */
const COPIES_AT_ONCE = 8;

/** What an auditor is handed of the anchors of a log. */
export interface AnchorFiles {
  /** The head of the log that is a leaf of the anchor log. */
  tenantCheckpoint: Buffer;
  /** c2sp.org/tlog-proof@v1: that it is, in `checkpoint`. */
  proof: Buffer;
  /** The head of the anchor log, with the cosignatures of witnesses. */
  checkpoint: Buffer;
  /** RFC 3161 time stamp of all bytes of `checkpoint`; null where there is none. */
  timeStamp: Buffer | null;
  /** C2SP tlog-policy: who signs, and who cosigns. */
  policy: string;
  /** vkeys of the anchor log and of its witnesses. */
  key: string;
  witnesses: string[];
  head: { origin: string; size: number; root: Buffer };
}

/** The anchor log, and what of it goes out: heads of all logs become its leaves, and its own head is cosigned, stamped and copied. */
@Injectable()
export class AnchorService {
  constructor(
    @Inject(ANCHOR_CONFIG) private readonly config: AnchorConfig,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly store: AnchorStore,
    private readonly guard: AnchorGuard,
    private readonly keys: SigningKeys,
  ) {}

  /**
   * Has everything that is new go out. False where another replica is at it. Each step is kept before the next, and done again by the next turn where it was cut off.
   * Throws LogRefused, OutsideSilent, or what a copy store says.
   */
  async turn({ stamp = false } = {}): Promise<boolean> {
    return this.database.write(anchorPrincipal(), async (lock) => {
      lock.withoutAudit('it holds the turn, and writes nothing');
      if (!(await this.store.takeTurn(lock))) return false;
      const keep = (): Promise<void> => this.store.keepTurn(lock);
      const generation = await this.read((tx) => this.store.generation(tx));
      await this.guard.requireAnchorLog(generation);
      await this.begin(generation);
      while ((await this.write((tx) => this.store.appendPending(tx, generation))) === MAX_APPENDED) await keep();
      if (this.config.copies !== null) await this.copyHeads(this.config.copies, generation, keep);
      await this.publish(generation, stamp, keep);
      return true;
    });
  }

  /** The vkey of the anchor log that is written now. */
  async key(): Promise<string> {
    return formatVerifierKey(await this.guard.anchorKey(await this.read((tx) => this.store.generation(tx))));
  }

  /** The newest anchors of a log of at most that size; null where no head of it is anchored yet. */
  async filesFor(origin: string, size: number): Promise<AnchorFiles | null> {
    return this.read(async (tx) => {
      const generation = await this.store.generation(tx);
      const anchoring = await this.store.lastAnchoring(tx, generation);
      if (anchoring === null) return null;
      const leaf = await this.store.leafOf(tx, generation, origin, { size, within: anchoring.size });
      if (leaf === null) return null;
      const read = hashReader(anchoring.size, this.store.tileReader(tx, generation));
      const hashes = await inclusionProof(leaf.index, anchoring.size, read);
      const head = readCheckpoint(anchoring.note);
      const key = formatVerifierKey(await this.signerOf(tx, head.origin, anchoring.note));
      const witnesses = this.config.witnesses.map((witness) => ({ ...witness, vkey: formatVerifierKey(witness.key) }));
      return {
        tenantCheckpoint: leaf.note,
        proof: formatTlogProof({ index: leaf.index, hashes, checkpoint: anchoring.note }),
        checkpoint: anchoring.note,
        timeStamp: anchoring.timeStamp,
        policy: policy(key, witnesses),
        key,
        witnesses: witnesses.map(({ vkey }) => vkey),
        head,
      };
    });
  }

  /**
   * The same for a package, of what was signed until now: has it go out first, with a time stamp. Where outside parties do not answer, or another replica is at it, what
   * went out before is what there is.
   */
  async filesForPackage(origin: string, size: number): Promise<AnchorFiles | null> {
    try {
      await this.turn({ stamp: true });
    } catch (error) {
      this.logger.warn({ reason: reasonOf(error) }, 'a package has older anchors');
    }
    return this.filesFor(origin, size);
  }

  /** Which of the keys of logs, which may have been rotated since, has signed a head. */
  private async signerOf(tx: Tx, origin: string, note: Buffer): Promise<VerifierKey> {
    const [own] = parseNote(note).signatures;
    const known = (await this.keys.known(tx)).filter(({ use, vouched }) => use === 'log' && vouched);
    const signer = known
      .map(({ publicKey }) => verifierKey(origin, publicKey))
      .find(({ keyId }) => keyId === own?.keyId);
    if (signer === undefined)
      throw new Error('a head of the anchor log was signed by a key that the service does not vouch for');
    return signer;
  }

  /** A later anchor log begins with the last head of the one before, wherever that is to be had. */
  private async begin(generation: number): Promise<void> {
    if (generation === 1 || (await this.read((tx) => this.store.size(tx, generation))) > 0) return;
    const origin = await this.guard.anchorOrigin(generation - 1);
    const last = await this.read((tx) => this.store.lastAnchoring(tx, generation - 1));
    const note = (await this.guard.lastOutside(generation - 1, origin)) ?? last?.note;
    if (note === undefined) return;
    await this.write((tx) => this.store.append(tx, generation, [{ ...readCheckpoint(note), note }]));
  }

  /** Before the head that stands for them: then every head that is under a head outside is outside itself. */
  private async copyHeads(copies: Copies, generation: number, keep: () => Promise<void>): Promise<void> {
    const heads = await this.read((tx) => this.store.uncopied(tx, generation));
    for (let at = 0; at < heads.length; at += COPIES_AT_ONCE) {
      await Promise.all(heads.slice(at, at + COPIES_AT_ONCE).map((head) => this.copyHead(copies, generation, head)));
      await keep();
    }
  }

  /** What disagrees is written down for that log, and hinders no other. */
  private async copyHead(copies: Copies, generation: number, head: Head): Promise<void> {
    const kept = async (): Promise<void> => {
      const last = await copies.last(head.origin);
      const version =
        (last === null ? null : versionOf(last, head)) ?? (await copies.keep(head.origin, head.note, last));
      await this.write((tx) => this.store.copied(tx, generation, head, version));
    };
    await this.guard.watching(generation, head.origin, kept).catch((error: unknown) => {
      if (!(error instanceof LogRefused)) throw error;
    });
  }

  /** Signs the head of the anchor log and has it cosigned, stamped and copied, where any of that is not done yet. */
  private async publish(generation: number, stampNow: boolean, keep: () => Promise<void>): Promise<void> {
    const own = await this.guard.anchorLog(generation);
    if (own.size === 0) return;
    const last = await this.read((tx) => this.store.lastAnchoring(tx, generation));
    const isNew = last === null || last.size < own.size;
    const before = isNew ? [] : parseNote(last.note).signatures.slice(1);
    const isStamped = !isNew && last.timeStamp !== null;
    const isStampDue =
      !isStamped && this.config.authority !== null && (stampNow || (await this.isStampDue(generation)));
    if (!isNew && !isStampDue && this.witnesses.areAllIn(before)) return;

    const root = await own.rootAt(own.size);
    const signed = await this.guard.signed(generation, { size: own.size, root });
    const origin = await this.guard.anchorOrigin(generation);
    const cosignatures = await this.cosigned(generation, origin, { size: own.size, signed, before });
    await keep();
    const { text, signatures } = parseNote(signed);
    const note = formatNote({ text, signatures: [...signatures, ...cosignatures] });
    const timeStamp = isStampDue ? await this.stamped(note) : null;
    await keep();
    if (!isNew && timeStamp === null && cosignatures.length === before.length) return;

    await this.guard.watching(generation, origin, async () => {
      const version = await this.copied(origin, own.size, note);
      await this.write(async (tx) => {
        await this.store.anchored(tx, generation, { size: own.size, note, timeStamp });
        if (version !== null) await this.store.copied(tx, generation, { origin, size: own.size }, version);
      });
    });
    this.guard.saw({ generation, size: own.size, root });
  }

  /** The cosignatures that there are, those of before among them. */
  private async cosigned(
    generation: number,
    origin: string,
    { size, signed, before }: { size: number; signed: Buffer; before: readonly NoteSignature[] },
  ): Promise<NoteSignature[]> {
    const submission = { checkpoint: { size }, note: signed, consistencyProof: this.guard.proofTo(generation, size) };
    const { cosignatures, disagreement, silent } = await this.witnesses.cosign(submission);
    if (disagreement !== null) await this.guard.refuse(generation, origin, disagreement);
    if (silent.length > 0) this.logger.warn({ silent }, 'witnesses did not cosign');
    const isAnew = ({ keyId }: NoteSignature): boolean => cosignatures.some((other) => other.keyId === keyId);
    return [...before.filter((signature) => !isAnew(signature)), ...cosignatures];
  }

  private async isStampDue(generation: number): Promise<boolean> {
    const last = await this.read((tx) => this.store.lastAnchoring(tx, generation, { stamped: true }));
    return last === null || this.clock.now().getTime() - last.anchoredAt.getTime() >= STAMP_EVERY;
  }

  /** Null where the authority does not answer, or not so that it is believed: a head without a stamp is better than none. The next turn asks again. */
  private async stamped(note: Buffer): Promise<Buffer | null> {
    try {
      return (await this.config.authority?.stamp(note))?.response ?? null;
    } catch (error) {
      const reason = error instanceof TimeStampError ? error.message : reasonOf(error);
      this.logger.warn({ reason }, 'no time stamp');
      return null;
    }
  }

  /** The version of the copy of the anchor log's head; null where none is kept. */
  private async copied(origin: string, size: number, note: Buffer): Promise<string | null> {
    const { copies } = this.config;
    if (copies === null) return null;
    const last = await copies.last(origin);
    if (last !== null && checkpointIn(last).size > size) throw new CopyConflict('a larger head of it is outside');
    return copies.keep(origin, note, last);
  }

  private get witnesses() {
    return this.guard.witnesses;
  }

  private read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.database.read(anchorPrincipal(), work);
  }

  private write<T>(work: (tx: WriteTx) => Promise<T>): Promise<T> {
    return this.database.write(anchorPrincipal(), (tx) => {
      tx.withoutAudit('the anchor log is append-only and of no organisation: it is its own record');
      return work(tx);
    });
  }
}

/**
 * The version of the last copy of a log, where that is of this head; null where it is of an earlier one. By the tree that it speaks of, as heads are compared before one is
 * signed: what another key of this service has signed before a backup was restored is no other history.
 */
function versionOf(last: Copy, { note }: Head): string | null {
  const [outside, own] = [checkpointIn(last), readCheckpoint(note)];
  if (outside.size < own.size) return null;
  if (outside.size === own.size && outside.root.equals(own.root)) return last.version;
  throw new CopyConflict('a head of it that this service has not signed is outside');
}
