import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { Tx } from '../kernel/db/database.js';
import { Download } from '../kernel/http/endpoint.js';
import { Refusal } from '../kernel/http/problem.js';
import { AnchorGuard } from './anchor/anchor-guard.js';
import { AnchorService } from './anchor/anchor.service.js';
import type { SignedHead } from './log.js';
import { LogService } from './log.service.js';
import { leafHash } from './merkle.js';
import { parseTilePath } from './tile.js';

const TEXT = 'text/plain; charset=utf-8';
/** A tile of a log never changes, but its address has no origin in it: when a log is begun anew, it is that of a tile of another. */
const TILE_CACHING = 'private, max-age=60';

/** What is answered of a log, to members and to auditors who were let in, each by routes of their own. */
@Injectable()
export class LogAnswers {
  constructor(
    private readonly log: LogService,
    private readonly guard: AnchorGuard,
    private readonly anchors: AnchorService,
  ) {}

  async head(tx: Tx) {
    const { origin, size, root, note, signedAt } = await this.log.head(tx);
    const fault = await this.guard.faultOf(tx, origin);
    return {
      origin,
      size,
      root: base64(root),
      signedAt: signedAt.toISOString(),
      refused:
        fault === null
          ? null
          : { origin: fault.origin, foundBy: fault.foundBy, reason: fault.reason, since: fault.since.toISOString() },
      checkpoint: note.toString('utf8'),
      keys: await this.log.keysOf(tx, origin),
    };
  }

  async checkpoint(tx: Tx): Promise<Download> {
    // First: one that was refused before any head of it was signed has none.
    await this.guard.refuseWhereRefused(tx, await this.log.origin(tx));
    const { note } = await this.log.head(tx);
    return file(note, TEXT, 'private, max-age=5');
  }

  /** Of the address of a tile, without `tile/` before it. */
  async tile(tx: Tx, address: string): Promise<Download> {
    const tile = parseTilePath(`tile/${address}`);
    const content = tile && (await this.log.tile(tx, tile));
    if (content === null) throw new Refusal('not-found', 'The log has no such tile.');
    return file(content, 'application/octet-stream', TILE_CACHING);
  }

  async inclusion(tx: Tx, { event, size }: { event: string; size?: number | undefined }) {
    const proven = await this.log.proveInclusion(tx, event, size);
    return {
      ...proven,
      eventId: event,
      leaf: proven.leaf.toString('utf8'),
      leafHash: base64(leafHash(proven.leaf)),
      root: base64(proven.root),
      proof: proven.proof.map(base64),
    };
  }

  async consistency(tx: Tx, sizes: { from: number; to?: number | undefined }) {
    const { from, to, proof } = await this.log.proveConsistency(tx, sizes.from, sizes.to);
    const tree = ({ size, root }: { size: number; root: Buffer }) => ({ size, root: base64(root) });
    return { from: tree(from), to: tree(to), proof: proof.map(base64) };
  }

  async proof(tx: Tx, eventId: string): Promise<Download> {
    return file(await this.log.proofFile(tx, eventId), TEXT, 'private, no-store', `${eventId}.tlog-proof`);
  }

  /** Of the last head of the log. In no transaction of the organisation's: anchors are of all. */
  async anchor({ origin, size }: SignedHead) {
    const files = await this.anchors.filesFor(origin, size);
    if (files === null)
      throw new Refusal('not-found', 'No head of the log is anchored yet. Ask again in some minutes.');
    return {
      logCheckpoint: files.tenantCheckpoint.toString('utf8'),
      proof: files.proof.toString('utf8'),
      checkpoint: files.checkpoint.toString('utf8'),
      timeStamp: files.timeStamp?.toString('base64') ?? null,
      policy: files.policy,
      keys: { anchor: files.key, witnesses: files.witnesses },
    };
  }
}

const base64 = (bytes: Buffer): string => bytes.toString('base64');

const file = (bytes: Buffer, type: string, caching: string, name?: string): Download =>
  new Download(
    200,
    {
      'Content-Type': type,
      'Content-Length': String(bytes.length),
      'Cache-Control': caching,
      ...(name === undefined ? {} : { 'Content-Disposition': `attachment; filename="${name}"` }),
    },
    Readable.from([bytes]),
  );
