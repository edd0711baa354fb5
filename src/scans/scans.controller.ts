import { Readable } from 'node:stream';
import { Controller } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import { Call, Download, Endpoint, Reply, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { Refusal } from '../kernel/http/problem.js';
import type { Principal } from '../kernel/principal.js';
import { SystemService } from '../organizations/system.service.js';
import { FORMATS } from './formats/index.js';
import { reportJsonSchema } from './formats/safeguard-report.js';
import { reportHeaders, single } from './report-headers.js';
import { postedScanView, scanLocation, scanView } from './scan-view.js';
import { getReportSchema, getScan, listFormats, listScans, parseTarget, postScan } from './scans.schema.js';
import { ScansService } from './scans.service.js';

@Controller()
export class ScansController {
  constructor(
    private readonly database: Database,
    private readonly systems: SystemService,
    private readonly scans: ScansService,
  ) {}

  @Endpoint(postScan)
  async post(@Call() call: CallOf<typeof postScan>) {
    const headers = reportHeaders(call.request, postScan.body.mediaTypes);
    const { format, observedAt, targets, partial } = call.query;
    const posted = await this.scans.post(call.principal, {
      systemId: call.params.systemId,
      content: call.request,
      headers,
      declared: {
        format: format ?? null,
        observedAt: observedAt === undefined ? null : new Date(observedAt).toISOString(),
        targets: targets.map(parseTarget),
        partial,
      },
      signature: single(call.request.headers['safeguard-signature']),
      wait: !/(^|[,;\s])respond-async($|[,;\s])/i.test(single(call.request.headers.prefer) ?? ''),
      idempotencyKey: call.once?.key ?? null,
      account: accountOf(call.principal),
    });
    const { scan, duplicate } = posted;
    const status = scan.status === 'queued' ? 202 : duplicate ? 200 : 201;
    return new Reply(status, postedScanView(posted), { Location: scanLocation(scan) });
  }

  @Endpoint(listScans)
  async list(@Call() call: CallOf<typeof listScans>) {
    const { limit, cursor, ...filter } = call.query;
    const before = decodeCursor(cursor, ['time', 'uuid']);
    const found = await this.database.read(call.principal, async (tx) => {
      await this.systems.requireSystem(tx, call.params.systemId);
      return this.scans.findScans(tx, call.params.systemId, { ...filter, before, limit: limit + 1 });
    });
    return toPage(
      found,
      limit,
      (scan) => scanView(scan, false),
      (scan) => [scan.receivedAt.toISOString(), scan.id],
    );
  }

  @Endpoint(getScan)
  async get(@Call() call: CallOf<typeof getScan>) {
    const { systemId, scanId } = call.params;
    const scan = await this.database.read(call.principal, async (tx) => {
      await this.systems.requireSystem(tx, systemId);
      return this.scans.findScan(tx, systemId, scanId);
    });
    if (scan === null) throw new Refusal('not-found', 'The system has no such scan.');
    return scanView(scan, false);
  }

  @Endpoint(listFormats)
  formats() {
    return { items: FORMATS.map(({ slug, title, tool, description }) => ({ slug, title, tool, description })) };
  }

  @Endpoint(getReportSchema)
  reportSchema() {
    return new Download(200, { 'Content-Type': 'application/schema+json' }, Readable.from([REPORT_SCHEMA]));
  }
}

/** Several accounts may be one agent, whose trust names them by a pattern. */
const accountOf = ({ organizationId, issuer, subject }: Principal): string =>
  JSON.stringify([organizationId, issuer, subject]);

/** Public, and the same for everybody: made once. */
const REPORT_SCHEMA = Buffer.from(JSON.stringify(reportJsonSchema()));
