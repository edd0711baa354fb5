import { rm } from 'node:fs/promises';
import type { Clock } from './clock.js';
import type { Written } from './document.js';
import type { Entry, Manifest, Spool } from './spool.js';
import type { Signer } from './statement.js';
import type { Sent } from '../bin/client/scans.js';

/** What is said of a report beside its bytes. */
export type Declared = Pick<Manifest, 'stream' | 'origin'> &
  Partial<Pick<Manifest, 'format' | 'targets' | 'partial' | 'observedAt'>>;

/** The bytes as they lie in a file of the spool's own. */
export type Prepared = Omit<Sent, 'file'> & Pick<Written, 'file'> & { content: Written['content'] | null };

/** Puts reports into the spool, signed if there is a key. */
export class Deposit {
  constructor(
    readonly spool: Spool,
    readonly clock: Clock,
    private readonly signer: Signer | null,
  ) {}

  /** Of what instant the report is: it decides the order, and its time where it has none of its own. */
  async put(prepared: Prepared, at: Date, { stream, origin, ...declared }: Declared): Promise<Entry> {
    const { size, digest, encoding, mediaType, content } = prepared;
    try {
      return await this.spool.put(prepared.file, at, {
        version: 1,
        stream,
        origin,
        createdAt: at.toISOString(),
        format: declared.format ?? null,
        targets: declared.targets ?? [],
        partial: declared.partial ?? false,
        observedAt: declared.observedAt ?? null,
        observedAtElse: at.toISOString(),
        size,
        digest,
        encoding,
        mediaType,
        signature: content === null || this.signer === null ? null : this.signer.envelope(content, at),
      });
    } catch (error) {
      await rm(prepared.file, { force: true });
      throw error;
    }
  }

  /** A report that came compressed is sent as it came, and what it is of has no digest that could be signed. */
  leavesUnsigned({ content }: Prepared): boolean {
    return this.signer !== null && content === null;
  }
}
