import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { IntegrityError } from '../../kernel/crypto/integrity-error.js';
import { SigningKeys } from '../../kernel/crypto/signing/signing-keys.js';
import { Database, type Tx } from '../../kernel/db/database.js';
import { reasonOf } from '../../kernel/http/outbound.js';
import { Refusal } from '../../kernel/http/problem.js';
import { newId } from '../../kernel/ids.js';
import { LOGGER } from '../../kernel/logger.js';
import { servicePrincipal, type Principal } from '../../kernel/principal.js';
import { formatCheckpoint, readCheckpoint } from '../checkpoint.js';
import { LogFaults, LogRefused, sayFault } from '../log-faults.js';
import type { Fault } from '../log-faults.store.js';
import { consistencyProof, rootOf } from '../merkle.js';
import { formatNote, NoteError, signNote, verifierKey, type VerifierKey } from '../note.js';
import { anchorOrigin } from '../origin.js';
import { hashReader } from '../tile.js';
import { ANCHOR_CONFIG, type AnchorConfig } from './anchor.config.js';
import { AnchorStore } from './anchor.store.js';
import { CopyConflict, CopyLost, type Copy } from './copies.js';
import { Witnesses } from './witnesses.js';

/** Nobody outside answers, so nothing is compared, and nothing signed this time. */
export class OutsideSilent extends Error {
  override name = 'OutsideSilent';
}

/** A log as it is here. */
export interface OwnLog {
  readonly size: number;
  readonly rootAt: (size: number) => Promise<Buffer>;
}

interface SeenHead {
  readonly generation: number;
  readonly size: number;
  readonly root: Buffer;
}

/** Null where ours is what was seen outside, or extends it. */
export async function disagreement(seen: { size: number; root: Buffer }, own: OwnLog): Promise<string | null> {
  if (seen.size > own.size) return `its head outside has ${seen.size} leaves, and here it has ${own.size}`;
  if ((await own.rootAt(seen.size)).equals(seen.root)) return null;
  return `its first ${seen.size} leaves are not those of its head outside`;
}

/**
 * Stands before each signature of a head. A database that was restored from a backup, or a replica that has fallen behind and was promoted, would go on from an older
 * state and sign a second history; so what it has is compared with what outside parties have seen. What disagrees is never signed, and stays so until it agrees again or
 * an operator begins new logs (docs/anchors.md).
 */
@Injectable()
export class AnchorGuard {
  readonly witnesses: Witnesses;
  /** The last head of the anchor log that this process knows to be outside. */
  private seen: SeenHead | null = null;
  private readonly origins = new Map<number, string>();

  constructor(
    @Inject(ANCHOR_CONFIG) private readonly config: AnchorConfig,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly database: Database,
    private readonly store: AnchorStore,
    private readonly keys: SigningKeys,
    private readonly logFaults: LogFaults,
  ) {
    this.witnesses = new Witnesses(config.witnesses);
  }

  /**
   * Before the head of an organisation's log is signed. Where nothing outside is configured nothing is compared, and what was found while there was something stands: who takes
   * the copies away has not put the log right. Throws LogRefused where the log does not extend what is outside, and OutsideSilent where nobody answers. `own` is read after what is outside: others append, sign and copy meanwhile, and what is outside was here before.
   */
  async requireExtends(origin: string, own: () => Promise<OwnLog>): Promise<void> {
    const isAlone = this.config.copies === null && this.witnesses.count === 0;
    const generation = await this.read((tx) => this.store.generation(tx));
    const anchor = await this.anchorOrigin(generation);
    // That of the anchor log is looked at anew by each turn of anchoring, and not for each log that waits for it.
    const faults = await this.read((tx) => this.logFaults.of(tx, generation, isAlone ? [anchor, origin] : [anchor]));
    const fault = faults.find(({ foundBy }) => foundBy === 'outside');
    if (fault !== undefined) throw new LogRefused(fault);
    if (isAlone) return;
    if (this.config.copies === null || this.seen?.generation !== generation) await this.requireAnchorLog(generation);
    await this.require(generation, origin, async () => {
      const head =
        this.config.copies === null ? await this.leafOf(generation, origin) : await this.copyOf(generation, origin);
      return head === null ? null : disagreement(head, await own());
    });
  }

  /**
   * The same of the anchor log, whose head stands for all: it extends its copy outside, what this process knows to be outside, and what its own table says went out. A
   * process that knows of nothing, as it has just started, asks the witnesses; so does one that was told of a fault.
   */
  async requireAnchorLog(generation: number): Promise<void> {
    const origin = await this.anchorOrigin(generation);
    await this.require(generation, origin, async () => {
      const [fault] = await this.read((tx) => this.logFaults.of(tx, generation, [origin]));
      const known = fault === undefined && this.seen?.generation === generation ? this.seen : null;
      const last = await this.read((tx) => this.store.lastAnchoring(tx, generation));
      const heads = [await this.copyOf(generation, origin), known, last === null ? null : readCheckpoint(last.note)];
      const own = await this.anchorLog(generation);
      for (const head of heads) {
        const reason = head === null ? null : await disagreement(head, own);
        if (reason !== null) return reason;
      }
      return known === null ? this.askWitnesses(generation, own) : null;
    });
  }

  /** What outside parties have seen of the anchor log now. */
  saw(head: SeenHead): void {
    this.seen = head;
  }

  /** The last head of a log that an earlier generation has left outside, or as a leaf of its anchor log; null where there is none. */
  async lastOutside(generation: number, origin: string): Promise<Buffer | null> {
    const copy = await this.config.copies?.last(origin);
    return copy?.note ?? (await this.read((tx) => this.store.leafOf(tx, generation, origin)))?.note ?? null;
  }

  /** Which logs are not signed, and why. The anchor log's fault is that of all. */
  async faults(tx: Tx): Promise<Fault[]> {
    return this.logFaults.of(tx, await this.store.generation(tx));
  }

  /** Whether heads of all logs are signed, so far as has been found. */
  async isRefusing(): Promise<boolean> {
    return (await this.read((tx) => this.faults(tx))).length > 0;
  }

  /** Why no head of a log is signed, and since when; null where heads of it are. */
  async faultOf(tx: Tx, origin: string): Promise<Fault | null> {
    const generation = await this.store.generation(tx);
    const [fault] = await this.logFaults.of(tx, generation, [origin, await this.originIn(tx, generation)]);
    return fault ?? null;
  }

  /** Refuses where no head of the log is signed, and says why and since when. */
  async refuseWhereRefused(tx: Tx, origin: string): Promise<void> {
    const fault = await this.faultOf(tx, origin);
    if (fault === null) return;
    throw new Refusal(
      'log-refused',
      `No head of this log is signed: ${sayFault(fault)}. The operator restores what is missing or was changed, or begins new logs.`,
      { extra: { since: fault.since.toISOString() } },
    );
  }

  /** Writes down and throws what a comparison with the outside finds; where it finds nothing, and something was written down, that is over. */
  private async require(generation: number, origin: string, compare: () => Promise<string | null>): Promise<void> {
    const began = await this.logFaults.begin(anchorPrincipal());
    const reason = await compare().catch(reasonOfFault);
    if (reason !== null) await this.refuse(generation, origin, reason);
    await this.logFaults.require(generation, origin, 'outside', { reason, began });
  }

  /** Does what may meet a head outside that is not ours, which is then written down and thrown. That it meets none ends no fault: it does not look at the log. */
  async watching<T>(generation: number, origin: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      return this.refuse(generation, origin, reasonOfFault(error));
    }
  }

  /** Writes down why no head of a log is signed, and throws it. */
  async refuse(generation: number, origin: string, reason: string): Promise<never> {
    if (origin === (await this.anchorOrigin(generation))) this.seen = null;
    return this.logFaults.refuse(generation, origin, 'outside', reason);
  }

  anchorOrigin(generation: number): Promise<string> {
    const known = this.origins.get(generation);
    return known === undefined ? this.read((tx) => this.originIn(tx, generation)) : Promise.resolve(known);
  }

  /** The name of the anchor log: that under which it went out first, also when the service has got another address since. */
  private async originIn(tx: Tx, generation: number): Promise<string> {
    const known = this.origins.get(generation);
    if (known !== undefined) return known;
    const last = await this.store.lastAnchoring(tx, generation);
    if (last === null) return anchorOrigin(this.config.host, generation);
    const { origin } = readCheckpoint(last.note);
    this.origins.set(generation, origin);
    return origin;
  }

  async anchorLog(generation: number): Promise<OwnLog> {
    const size = await this.read((tx) => this.store.size(tx, generation));
    return {
      size,
      rootAt: (at) => this.read((tx) => rootOf(at, hashReader(at, this.store.tileReader(tx, generation)))),
    };
  }

  proofTo(generation: number, size: number): (from: number) => Promise<Buffer[]> {
    return (from) =>
      this.read((tx) => consistencyProof(from, size, hashReader(size, this.store.tileReader(tx, generation))));
  }

  /** By which the anchor log is verified: what a witness has to be told. */
  async anchorKey(generation: number): Promise<VerifierKey> {
    return verifierKey(await this.anchorOrigin(generation), this.keys.log.publicKey);
  }

  /** A head of the anchor log, signed. */
  async signed(generation: number, head: { size: number; root: Buffer }): Promise<Buffer> {
    const key = await this.anchorKey(generation);
    const text = formatCheckpoint({ origin: key.name, ...head });
    return formatNote({ text, signatures: [await signNote(text, key, (bytes) => this.keys.log.sign(bytes))] });
  }

  /**
   * Shows the witnesses the present head, and not that which went out last: a turn that was cut off has had them cosign more than the database knows to be outside. What a
   * witness compares has to be signed; by now nothing else that is outside speaks against it.
   */
  private async askWitnesses(generation: number, own: OwnLog): Promise<string | null> {
    const { size } = own;
    const root = await own.rootAt(size);
    if (this.witnesses.count > 0) {
      const note = await this.signed(generation, { size, root });
      const submission = { checkpoint: { size }, note, consistencyProof: this.proofTo(generation, size) };
      const { cosignatures, disagreement, silent } = await this.witnesses.cosign(submission);
      if (disagreement !== null) {
        // The turn of another replica may have come between.
        const present = await this.anchorLog(generation);
        return present.size > size ? this.askWitnesses(generation, present) : disagreement;
      }
      if (silent.length > 0) this.logger.warn({ silent }, 'witnesses did not cosign');
      // With copies outside, a witness that is away does not stop the service; without, it is all that there is.
      if (cosignatures.length === 0 && this.config.copies === null) throw new OutsideSilent('no witness answers');
    }
    this.saw({ generation, size, root });
    return null;
  }

  /** The last copy of a log's head. One that this database has kept and that is no longer there is a fault as well. */
  private async copyOf(generation: number, origin: string): Promise<{ size: number; root: Buffer } | null> {
    const { copies } = this.config;
    if (copies === null) return null;
    // In this order: a copy that is kept meanwhile is not missed.
    const size = await this.read((tx) => this.store.copySize(tx, generation, origin));
    const copy = await copies.last(origin).catch(silentOrLost);
    const head = copy === null ? null : checkpointIn(copy);
    if (size !== null && (head === null || head.size < size))
      throw new CopyLost(`the copy of its head with ${size} leaves is gone`);
    return head;
  }

  private async leafOf(generation: number, origin: string): Promise<{ size: number; root: Buffer } | null> {
    const leaf = await this.read((tx) => this.store.leafOf(tx, generation, origin));
    return leaf === null ? null : readCheckpoint(leaf.note);
  }

  private read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.database.read(anchorPrincipal(), work);
  }
}

/** The service itself, in transactions of no organisation. */
export const anchorPrincipal = (): Principal => servicePrincipal('anchor', null, newId());

/** A copy that cannot be read as a checkpoint was not kept by us. */
export function checkpointIn({ note }: Copy): { size: number; root: Buffer } {
  try {
    return readCheckpoint(note);
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    throw new CopyLost('what is kept as its copy is no checkpoint', { cause: error });
  }
}

function silentOrLost(error: unknown): never {
  if (error instanceof CopyLost) throw error;
  throw new OutsideSilent(`the copies do not answer: ${reasonOf(error)}`, { cause: error });
}

function reasonOfFault(error: unknown): string {
  if (error instanceof CopyLost || error instanceof CopyConflict || error instanceof IntegrityError) {
    return error.message;
  }
  throw error;
}
