import { Readable } from 'node:stream';
import { Controller } from '@nestjs/common';
import { AnchorGuard } from './anchor/anchor-guard.js';
import { Database } from '../kernel/db/database.js';
import { Call, Download, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { Refusal } from '../kernel/http/problem.js';
import { getEventProof, getLog, getLogCheckpoint, getLogTile, proveConsistency, proveInclusion } from './log.schema.js';
import { LogService } from './log.service.js';
import { leafHash } from './merkle.js';
import { parseTilePath } from './tile.js';

const TEXT = 'text/plain; charset=utf-8';
/** A tile of a log never changes, but its address has no origin in it: when a log is begun anew, it is that of a tile of another. */
const TILE_CACHING = 'private, max-age=60';

@Controller()
export class LogController {
  constructor(
    private readonly database: Database,
    private readonly log: LogService,
    private readonly guard: AnchorGuard,
  ) {}

  @Endpoint(getLog)
  async get(@Call() call: CallOf<typeof getLog>) {
    return this.database.read(call.principal, async (tx) => {
      const { origin, size, root, note, signedAt } = await this.log.head(tx);
      const fault = await this.guard.faultOf(tx, origin);
      return {
        origin,
        size,
        root: root.toString('base64'),
        signedAt: signedAt.toISOString(),
        refused:
          fault === null
            ? null
            : { origin: fault.origin, foundBy: fault.foundBy, reason: fault.reason, since: fault.since.toISOString() },
        checkpoint: note.toString('utf8'),
        keys: await this.log.keysOf(tx, origin),
      };
    });
  }

  @Endpoint(getLogCheckpoint)
  async checkpoint(@Call() call: CallOf<typeof getLogCheckpoint>) {
    const { note } = await this.database.read(call.principal, async (tx) => {
      // First: one that was refused before any head of it was signed has none.
      await this.guard.refuseWhereRefused(tx, await this.log.origin(tx));
      return this.log.head(tx);
    });
    return file(note, TEXT, 'private, max-age=5');
  }

  @Endpoint(getLogTile)
  async tile(@Call() call: CallOf<typeof getLogTile>) {
    const tile = parseTilePath(`tile/${call.params.tile}`);
    const content = tile && (await this.database.read(call.principal, (tx) => this.log.tile(tx, tile)));
    if (content === null) throw new Refusal('not-found', 'The log has no such tile.');
    return file(content, 'application/octet-stream', TILE_CACHING);
  }

  @Endpoint(proveInclusion)
  async inclusion(@Call() call: CallOf<typeof proveInclusion>) {
    const { event, size } = call.query;
    const proven = await this.database.read(call.principal, (tx) => this.log.proveInclusion(tx, event, size));
    return {
      ...proven,
      eventId: event,
      leaf: proven.leaf.toString('utf8'),
      leafHash: leafHash(proven.leaf).toString('base64'),
      root: proven.root.toString('base64'),
      proof: proven.proof.map(base64),
    };
  }

  @Endpoint(proveConsistency)
  async consistency(@Call() call: CallOf<typeof proveConsistency>) {
    const { from, to } = call.query;
    const proven = await this.database.read(call.principal, (tx) => this.log.proveConsistency(tx, from, to));
    const tree = ({ size, root }: { size: number; root: Buffer }) => ({ size, root: base64(root) });
    return { from: tree(proven.from), to: tree(proven.to), proof: proven.proof.map(base64) };
  }

  @Endpoint(getEventProof)
  async proof(@Call() call: CallOf<typeof getEventProof>) {
    const { eventId } = call.params;
    const proof = await this.database.read(call.principal, (tx) => this.log.proofFile(tx, eventId));
    return file(proof, TEXT, 'private, no-store', `${eventId}.tlog-proof`);
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
