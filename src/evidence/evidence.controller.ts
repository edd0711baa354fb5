import { Controller } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import { download } from '../kernel/http/download.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { getEvidence, getEvidenceContent, listEvidence } from './evidence.schema.js';
import { EvidenceService } from './evidence.service.js';
import { evidenceView } from './view.js';

@Controller()
export class EvidenceController {
  constructor(
    private readonly database: Database,
    private readonly evidence: EvidenceService,
  ) {}

  @Endpoint(listEvidence)
  async list(@Call() call: CallOf<typeof listEvidence>) {
    const { limit, cursor, sha256 } = call.query;
    const [before] = decodeCursor(cursor, ['uuid']) ?? [null];
    const found = await this.database.read(call.principal, (tx) =>
      this.evidence.findAll(tx, { sha256, before, limit: limit + 1 }),
    );
    return toPage(found, limit, evidenceView, ({ id }) => [id]);
  }

  @Endpoint(getEvidence)
  async get(@Call() call: CallOf<typeof getEvidence>) {
    return evidenceView(
      await this.database.read(call.principal, (tx) => this.evidence.find(tx, call.params.evidenceId)),
    );
  }

  @Endpoint(getEvidenceContent)
  async content(@Call() call: CallOf<typeof getEvidenceContent>) {
    const { evidenceId } = call.params;
    const info = await this.evidence.recordRead(call.principal, evidenceId);
    return download(
      call.request,
      {
        sha256: Buffer.from(info.sha256, 'hex'),
        size: info.size,
        mediaType: 'application/octet-stream',
        fileName: `evidence-${evidenceId}`,
      },
      (range) => this.evidence.open(call.principal, evidenceId, range),
    );
  }
}
