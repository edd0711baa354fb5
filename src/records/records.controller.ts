import { Controller } from '@nestjs/common';
import { Clock } from '../kernel/clock.js';
import { Database, type Tx, type WriteTx } from '../kernel/db/database.js';
import { Call, Endpoint, Reply, type CallOf } from '../kernel/http/endpoint.js';
import { instantOf, type Instant } from '../kernel/http/instant.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { Refusal } from '../kernel/http/problem.js';
import type { Principal } from '../kernel/principal.js';
import type { LinkKind } from './effective.js';
import { RecordLife } from './record-life.js';
import { RecordReader } from './record-reader.js';
import type { RecordView } from './record-view.schema.js';
import {
  abandonRecord,
  createRecord,
  decideRecord,
  editRecord,
  endRecord,
  getRecord,
  getRecordVersion,
  listRecordMoves,
  listRecords,
  listRecordVersions,
  recallRecord,
  reviseRecord,
  submitRecord,
} from './records.schema.js';

@Controller()
export class RecordsController {
  constructor(
    private readonly database: Database,
    private readonly life: RecordLife,
    private readonly reader: RecordReader,
    private readonly clock: Clock,
  ) {}

  @Endpoint(createRecord)
  async create(@Call() { principal, params, body, once }: CallOf<typeof createRecord>) {
    const created = await this.database.write(
      principal,
      async (tx) => {
        const record = { ...body, effectiveFrom: new Date(body.effectiveFrom) };
        return this.reader.read(tx, await this.life.create(tx, record));
      },
      once,
    );
    return shown(created, 201, `/v1/organizations/${params.organizationId}/records/${created.id}`);
  }

  @Endpoint(listRecords)
  async list(@Call() { principal, query }: CallOf<typeof listRecords>) {
    const { limit, cursor, linkedTo, expiringBefore, asOf, knownAt, ...filter } = query;
    if (filter.state !== undefined && (asOf !== undefined || knownAt !== undefined)) {
      throw new Refusal('invalid-request', 'What is in effect at an instant is approved: leave the state out.', {
        pointer: 'query/state',
      });
    }
    const [after] = decodeCursor(cursor, ['uuid']) ?? [null];
    const [kind, target] = linkedTo === undefined ? [] : split(linkedTo);
    const rows = await this.database.read(principal, async (tx) =>
      this.reader.list(
        tx,
        {
          ...filter,
          linkedTo: kind === undefined || target === undefined ? undefined : { kind: kind as LinkKind, target },
          expiringBefore: expiringBefore === undefined ? undefined : new Date(expiringBefore),
          after,
          limit: limit + 1,
        },
        await this.instant(tx, { asOf, knownAt }),
      ),
    );
    return toPage(
      rows,
      limit,
      (row) => row,
      (row) => [row.id],
    );
  }

  @Endpoint(getRecord)
  async read(@Call() { principal, params, query }: CallOf<typeof getRecord>) {
    return shown(
      await this.database.read(principal, async (tx) =>
        this.reader.read(tx, params.recordId, null, await this.instant(tx, query)),
      ),
    );
  }

  @Endpoint(getRecordVersion)
  async readVersion(@Call() { principal, params, query }: CallOf<typeof getRecordVersion>) {
    const { recordId, version } = params;
    return shown(
      await this.database.read(principal, async (tx) =>
        this.reader.read(tx, recordId, version, await this.instant(tx, query)),
      ),
    );
  }

  @Endpoint(listRecordVersions)
  async versions(@Call() { principal, params, query }: CallOf<typeof listRecordVersions>) {
    const [after] = decodeCursor(query.cursor, ['number']) ?? [0];
    const { versions } = await this.database.read(principal, (tx) => this.reader.read(tx, params.recordId));
    return toPage(
      versions.filter(({ version }) => version > after),
      query.limit,
      (row) => row,
      ({ version }) => [version],
    );
  }

  @Endpoint(listRecordMoves)
  async moves(@Call() { principal, params, query }: CallOf<typeof listRecordMoves>) {
    const after = decodeCursor(query.cursor, ['number', 'number']) ?? [0, 0];
    const moves = await this.database.read(principal, (tx) =>
      this.reader.moves(tx, params.recordId, { after, limit: query.limit + 1 }),
    );
    return toPage(
      moves,
      query.limit,
      ({ version, number, move, at, by, reason }) => ({ version, number, move, at: at.toISOString(), by, reason }),
      ({ version, number }) => [version, number],
    );
  }

  @Endpoint(editRecord)
  async edit(@Call() { principal, params, body, ifMatch }: CallOf<typeof editRecord>) {
    const { effectiveFrom, ...edit } = body;
    const dated = { ...edit, ...(effectiveFrom === undefined ? {} : { effectiveFrom: new Date(effectiveFrom) }) };
    return this.moved(principal, params.recordId, (tx, id) => this.life.edit(tx, id, ifMatch, dated));
  }

  @Endpoint(reviseRecord)
  async revise(@Call() { principal, params, ifMatch }: CallOf<typeof reviseRecord>) {
    return this.moved(principal, params.recordId, (tx, id) => this.life.revise(tx, id, ifMatch), 201);
  }

  @Endpoint(endRecord)
  async end(@Call() { principal, params, body, ifMatch }: CallOf<typeof endRecord>) {
    const from = new Date(body.effectiveFrom);
    return this.moved(principal, params.recordId, (tx, id) => this.life.end(tx, id, ifMatch, from, body.reason), 201);
  }

  @Endpoint(submitRecord)
  async submit(@Call() { principal, params, ifMatch }: CallOf<typeof submitRecord>) {
    return this.moved(principal, params.recordId, (tx, id) => this.life.submit(tx, id, ifMatch));
  }

  @Endpoint(recallRecord)
  async recall(@Call() { principal, params, ifMatch }: CallOf<typeof recallRecord>) {
    return this.moved(principal, params.recordId, (tx, id) => this.life.recall(tx, id, ifMatch));
  }

  @Endpoint(abandonRecord)
  async abandon(@Call() { principal, params, body, ifMatch }: CallOf<typeof abandonRecord>) {
    return this.moved(principal, params.recordId, (tx, id) => this.life.abandon(tx, id, ifMatch, body.reason));
  }

  @Endpoint(decideRecord)
  async decide(@Call() { principal, params, body, ifMatch }: CallOf<typeof decideRecord>) {
    return this.moved(principal, params.recordId, (tx, id) =>
      body.decision === 'approve' ? this.life.approve(tx, id, ifMatch) : this.life.reject(tx, id, ifMatch, body.reason),
    );
  }

  private async moved(
    principal: Principal,
    id: string,
    move: (tx: WriteTx, id: string) => Promise<void>,
    status = 200,
  ): Promise<Reply> {
    const view = await this.database.write(principal, async (tx) => {
      await move(tx, id);
      return this.reader.read(tx, id);
    });
    return shown(view, status);
  }

  /** Null where none is asked for. What is told of an instant at which it was known is final: decisions under way are waited for. */
  private async instant(
    tx: Tx,
    query: { asOf?: string | undefined; knownAt?: string | undefined },
  ): Promise<Instant | null> {
    if (query.asOf === undefined && query.knownAt === undefined) return null;
    const instant = instantOf(query, this.clock.now());
    if (query.knownAt === undefined) return { ...instant, knownAt: await this.reader.known(tx, instant.knownAt) };
    await this.reader.awaitDecisions(tx, instant.knownAt);
    return instant;
  }
}

/** The ETag is of the record, not of the version that is shown. */
export const shown = (view: RecordView, status = 200, location?: string): Reply =>
  new Reply(status, view, { ETag: `"${view.revision}"`, ...(location === undefined ? {} : { Location: location }) });

function split(linkedTo: string): [kind: string, target: string] {
  const at = linkedTo.indexOf(':');
  return [linkedTo.slice(0, at), linkedTo.slice(at + 1)];
}
