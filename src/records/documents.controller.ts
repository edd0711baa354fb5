import { Controller } from '@nestjs/common';
import { EvidenceService } from '../evidence/evidence.service.js';
import { Database } from '../kernel/db/database.js';
import { download } from '../kernel/http/download.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage, type Page } from '../kernel/http/page.js';
import { Refusal } from '../kernel/http/problem.js';
import { DOCUMENT_MEDIA_TYPES } from './document-type.js';
import { addDocument, downloadDocument, listDocuments, listRetention, removeDocument } from './documents.schema.js';
import { DocumentsService } from './documents.service.js';
import { shown } from './records.controller.js';
import { RetentionService } from './retention.service.js';

@Controller()
export class DocumentsController {
  constructor(
    private readonly database: Database,
    private readonly documents: DocumentsService,
    private readonly retention: RetentionService,
    private readonly evidence: EvidenceService,
  ) {}

  @Endpoint(addDocument)
  async add(@Call() { principal, params, query, ifMatch, request }: CallOf<typeof addDocument>) {
    const { headers } = request;
    const sent = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
    const mediaType = DOCUMENT_MEDIA_TYPES.find((known) => known === sent);
    if (mediaType === undefined) {
      throw new Refusal('unsupported-media-type', `Send one of: ${DOCUMENT_MEDIA_TYPES.join(', ')}.`, {
        pointer: 'header/Content-Type',
      });
    }
    const contentDigest = [headers['content-digest']]
      .flat()
      .filter((part) => part !== undefined)
      .join(', ');
    if (contentDigest === '') {
      throw new Refusal('malformed-header', 'Send Content-Digest: what is filed for years is checked as it comes.', {
        pointer: 'header/Content-Digest',
      });
    }
    const view = await this.documents.add(principal, params.recordId, ifMatch, {
      ...query,
      content: request,
      headers: {
        mediaType,
        contentDigest,
        contentEncoding: headers['content-encoding'],
        contentLength: headers['content-length'],
      },
    });
    return shown(view, 201);
  }

  @Endpoint(removeDocument)
  async remove(@Call() { principal, params, query, ifMatch }: CallOf<typeof removeDocument>) {
    const { recordId, evidenceId } = params;
    return shown(await this.documents.remove(principal, recordId, ifMatch, evidenceId, query.role));
  }

  @Endpoint(listDocuments)
  async list(@Call() { principal, params, query }: CallOf<typeof listDocuments>) {
    const [after] = decodeCursor(query.cursor, ['number']) ?? [0];
    const all = await this.database.read(principal, (tx) => this.documents.list(tx, params.recordId, params.version));
    // By their place in the version: the same evidence may be named in two roles.
    return toPage(
      all.map((document, index) => ({ document, place: index + 1 })).slice(after),
      query.limit,
      ({ document }) => document,
      ({ place }) => [place],
    );
  }

  @Endpoint(downloadDocument)
  async download(@Call() { principal, params, request }: CallOf<typeof downloadDocument>) {
    const { recordId, version, evidenceId } = params;
    const { sha256, size } = await this.documents.recordRead(principal, recordId, version, evidenceId);
    return download(
      request,
      {
        sha256: Buffer.from(sha256, 'hex'),
        size,
        mediaType: 'application/octet-stream',
        fileName: `document-${evidenceId}`,
      },
      (range) => this.evidence.open(principal, evidenceId, range),
    );
  }

  @Endpoint(listRetention)
  async listRetention(@Call() { principal, query }: CallOf<typeof listRetention>): Promise<Page<unknown>> {
    const [after] = decodeCursor(query.cursor, ['uuid']) ?? [null];
    const before = query.before === undefined ? null : new Date(query.before);
    return this.database.read(principal, async (tx) => {
      const ids = await this.retention.documents(tx, { after, limit: query.limit + 1 });
      const kept = await this.retention.ofEvidence(tx, ids.slice(0, query.limit));
      const page = toPage(
        ids,
        query.limit,
        (id) => id,
        (id) => [id],
      );
      const items = [];
      for (const id of page.items) {
        const { until = null, by = null, heldBy = [] } = kept.get(id) ?? {};
        if (before !== null && (until === null || until > before)) continue;
        const { sha256, size } = await this.evidence.find(tx, id);
        items.push({ evidenceId: id, sha256, size, retainedUntil: until?.toISOString() ?? null, by, heldBy });
      }
      return { items, next: page.next };
    });
  }
}
