import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { PassThrough, type Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { Database } from '../kernel/db/database.js';
import type { Principal } from '../kernel/principal.js';
import { SlotsByKey } from '../kernel/slots.js';
import { PackagesService } from './packages.service.js';
import type { PackageView } from './packages.schema.js';

/** Milliseconds between two looks: whichever replica builds writes its progress down as often. */
const LOOK_EVERY = 1_000;
/** Milliseconds after which a line is sent though nothing has changed: proxies cut off what is silent for a minute. */
const SILENCE = 15_000;
/** Milliseconds: a token, or a membership, that has ended meanwhile is noticed when the client connects again. */
const LONGEST = 600_000;
/** Streams at once of one principal: a few browsers' tabs. */
const STREAMS = 4;

/** Tells who follows a package how far it is, as server-sent events (HTML Living Standard, section 9.2). */
@Injectable()
export class PackageWatch implements BeforeApplicationShutdown {
  private readonly stopping = new AbortController();
  private readonly streams = new SlotsByKey(STREAMS, 0);

  constructor(
    private readonly database: Database,
    private readonly packages: PackagesService,
  ) {}

  /** A stream that never ends would keep the server from ending. */
  beforeApplicationShutdown(): void {
    this.stopping.abort();
  }

  /** The events as bytes; they end with the build. Refuses where the package is not there, or too much is being followed. */
  async events(principal: Principal, id: string): Promise<Readable> {
    const first = await this.look(principal, id);
    return new Promise((resolve, reject) => {
      this.streams
        .run(principal.id, async () => {
          const stream = new PassThrough();
          resolve(stream);
          try {
            await this.tell(principal, first, stream);
            stream.end();
          } catch {
            // The database has gone: the reader sees a cut, and connects again.
            stream.destroy();
          }
        })
        .catch(reject);
    });
  }

  /** Until the package is finished, the reader has gone, or it has lasted long enough. What waits to be read is a few hundred bytes a second at most. */
  private async tell(principal: Principal, first: PackageView, stream: PassThrough): Promise<void> {
    const { signal } = this.stopping;
    const end = performance.now() + LONGEST;
    let toldAt = performance.now();
    let told = event(first);
    stream.write(told);
    for (let now = first; now.status === 'queued' && performance.now() < end;) {
      await pause(LOOK_EVERY, undefined, { signal }).catch(() => undefined);
      if (signal.aborted || stream.destroyed) return;
      now = await this.look(principal, first.id);
      const text = event(now);
      if (text === told && performance.now() - toldAt < SILENCE) continue;
      stream.write(text === told ? ': still there\n\n' : text);
      told = text;
      toldAt = performance.now();
    }
  }

  private look(principal: Principal, id: string): Promise<PackageView> {
    return this.database.read(principal, (tx) => this.packages.find(tx, id));
  }
}

/** JSON has no line feeds of its own. */
const event = (view: PackageView): string => `event: package\ndata: ${JSON.stringify(view)}\n\n`;
