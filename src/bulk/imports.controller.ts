import { Controller } from '@nestjs/common';
import type { Request } from 'express';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, Reply, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { Refusal } from '../kernel/http/problem.js';
import { TABLE_TYPES } from '../kernel/http/table.js';
import type { Principal } from '../kernel/principal.js';
import { IMPORT_OUTCOMES } from './import.entity.js';
import {
  decideImport,
  getImport,
  importRecords,
  importRiskRegister,
  listImportRows,
  listImports,
} from './imports.schema.js';
import { ImportsService } from './imports.service.js';

@Controller()
export class ImportsController {
  constructor(
    private readonly database: Database,
    private readonly imports: ImportsService,
  ) {}

  @Endpoint(importRecords)
  async import(@Call() { principal, params, query, request }: CallOf<typeof importRecords>): Promise<Reply> {
    return this.received(principal, params.organizationId, { ...query, register: '' }, request);
  }

  @Endpoint(importRiskRegister)
  async importRegister(
    @Call() { principal, params, query, request }: CallOf<typeof importRiskRegister>,
  ): Promise<Reply> {
    const wanted = { ...query, type: 'risk', register: params.recordId };
    return this.received(principal, params.organizationId, wanted, request);
  }

  private async received(
    principal: Principal,
    organizationId: string,
    wanted: { type: string; register: string; dryRun: boolean; sheet?: string | undefined },
    request: Request,
  ): Promise<Reply> {
    const { headers } = request;
    const sent = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
    const mediaType = TABLE_TYPES.find((known) => known === sent);
    if (mediaType === undefined) {
      throw new Refusal('unsupported-media-type', `Send one of: ${TABLE_TYPES.join(', ')}.`, {
        pointer: 'header/Content-Type',
      });
    }
    const contentDigest = [headers['content-digest']].flat().join(', ');
    if (contentDigest === '') {
      throw new Refusal('malformed-header', 'Send Content-Digest: a table that was cut may look whole.', {
        pointer: 'header/Content-Digest',
      });
    }
    const { view, isNew } = await this.imports.receive(principal, {
      ...wanted,
      sheet: wanted.sheet ?? '',
      content: request,
      headers: {
        mediaType,
        contentDigest,
        contentEncoding: headers['content-encoding'],
        contentLength: headers['content-length'],
      },
    });
    const location = `/v1/organizations/${organizationId}/imports/${view.id}`;
    return isNew ? new Reply(202, view, { Location: location }) : new Reply(200, view);
  }

  @Endpoint(listImports)
  async list(@Call() { principal, query }: CallOf<typeof listImports>) {
    const [before] = decodeCursor(query.cursor, ['uuid']) ?? [null];
    const { status, limit } = query;
    const rows = await this.database.read(principal, (tx) =>
      this.imports.list(tx, { status, before, limit: limit + 1 }),
    );
    return toPage(
      rows,
      limit,
      (row) => row,
      (row) => [row.id],
    );
  }

  @Endpoint(getImport)
  async get(@Call() { principal, params }: CallOf<typeof getImport>) {
    return this.database.read(principal, (tx) => this.imports.read(tx, params.importId));
  }

  @Endpoint(listImportRows)
  async rows(@Call() { principal, params, query }: CallOf<typeof listImportRows>) {
    const [after] = decodeCursor(query.cursor, ['number']) ?? [0];
    const outcomes = query.outcome === undefined ? IMPORT_OUTCOMES : [query.outcome];
    const rows = await this.database.read(principal, (tx) =>
      this.imports.rows(tx, params.importId, { outcomes, after, limit: query.limit + 1 }),
    );
    return toPage(
      rows,
      query.limit,
      (row) => row,
      (row) => [row.number],
    );
  }

  @Endpoint(decideImport)
  async decide(@Call() { principal, params, body }: CallOf<typeof decideImport>) {
    return this.imports.decide(principal, params.importId, body);
  }
}
