import { Readable } from 'node:stream';
import { Controller } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import { Call, Download, Endpoint, Reply, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { Refusal } from '../kernel/http/problem.js';
import { SystemService } from '../organizations/system.service.js';
import { FORMATS } from './formats/index.js';
import { reportJsonSchema } from './formats/safeguard-report.js';
import {
  getReportSchema,
  getScan,
  listFormats,
  listScans,
  parseTarget,
  postScan,
  type ScanView,
} from './scans.schema.js';
import { ScansService } from './scans.service.js';
import type { Scan } from './scan.entity.js';

@Controller()
export class ScansController {
  constructor(
    private readonly database: Database,
    private readonly systems: SystemService,
    private readonly scans: ScansService,
  ) {}

  @Endpoint(postScan)
  async post(@Call() call: CallOf<typeof postScan>) {
    const { headers } = call.request;
    const mediaType = (headers['content-type'] ?? 'application/octet-stream').split(';')[0]?.trim().toLowerCase() ?? '';
    if (!(postScan.body.mediaTypes as readonly string[]).includes(mediaType)) {
      throw new Refusal('unsupported-media-type', `Send ${postScan.body.mediaTypes.join(', ')}.`, {
        pointer: 'header/Content-Type',
      });
    }
    const { format, observedAt, targets, partial } = call.query;
    const { scan, duplicate } = await this.scans.post(call.principal, {
      systemId: call.params.systemId,
      content: call.request,
      headers: {
        mediaType,
        contentDigest: single(headers['content-digest']),
        contentEncoding: headers['content-encoding'],
        contentLength: headers['content-length'],
      },
      declared: {
        format: format ?? null,
        observedAt: observedAt === undefined ? null : new Date(observedAt).toISOString(),
        targets: targets.map(parseTarget),
        partial,
      },
      signature: single(headers['safeguard-signature']),
      wait: !/(^|[,;\s])respond-async($|[,;\s])/i.test(single(headers.prefer) ?? ''),
      idempotencyKey: call.once?.key ?? null,
    });
    const location = `/v1/organizations/${scan.organizationId}/systems/${scan.systemId}/scans/${scan.id}`;
    const status = scan.status === 'queued' ? 202 : duplicate ? 200 : 201;
    return new Reply(status, view(scan, duplicate), { Location: location });
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
      (scan) => view(scan, false),
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
    return view(scan, false);
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

/** Public, and the same for everybody: made once. */
const REPORT_SCHEMA = Buffer.from(JSON.stringify(reportJsonSchema()));

const single = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header.join(', ') : header;

const posted = ({ format, observedAt, targets, partial }: Scan['declared']) => ({
  format,
  observedAt,
  targets,
  partial,
});

const view = (scan: Scan, duplicate: boolean): ScanView => ({
  id: scan.id,
  systemId: scan.systemId,
  evidenceId: scan.evidenceId,
  status: scan.status,
  declared: posted(scan.declared),
  cause: scan.declared.cause ?? null,
  format: scan.format,
  tool: scan.tool,
  toolVersion: scan.toolVersion,
  clusterName: scan.clusterName,
  clusterUid: scan.clusterUid,
  observedAt: scan.observedAt?.toISOString() ?? null,
  receivedAt: scan.receivedAt.toISOString(),
  knownAt: scan.knownAt?.toISOString() ?? null,
  postedBy: scan.postedBy,
  counts: scan.counts,
  rejects: scan.rejects ?? [],
  notes: scan.notes ?? [],
  flags: scan.flags ?? [],
  signature: scan.signature,
  problem: scan.problem,
  duplicate,
});
