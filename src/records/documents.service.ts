import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { EvidenceFile } from '../evidence/evidence-file.js';
import { EvidenceService, type EvidenceInfo } from '../evidence/evidence.service.js';
import type { Received } from '../evidence/received.js';
import { OPEN_DOOR } from '../evidence/redaction.js';
import { Database, type Tx, type WriteTx } from '../kernel/db/database.js';
import { MAX_SILENCE, type ContentHeaders } from '../kernel/http/content.js';
import { Refusal } from '../kernel/http/problem.js';
import type { Principal } from '../kernel/principal.js';
import { requireVersion } from '../organizations/version.js';
import { DOCUMENT_TYPES, DocumentWatch, PlaceReader } from './document-type.js';
import type { DocumentView } from './documents.schema.js';
import { actorOf, requireMove } from './life.js';
import { RecordLife } from './record-life.js';
import { RecordReader } from './record-reader.js';
import type { RecordView } from './record-view.schema.js';
import { RecordsStore, type VersionRow } from './records.store.js';
import { RetentionService } from './retention.service.js';

/** Bytes: the largest scanned contract of a clinic, and what a person still opens. */
const MAX_DOCUMENT = 64 * 1024 * 1024;
const LIMITS = { maxEncodedBytes: MAX_DOCUMENT, maxDecodedBytes: MAX_DOCUMENT, maxSilence: MAX_SILENCE };

type DocumentHeaders = ContentHeaders & { mediaType: keyof typeof DOCUMENT_TYPES };

/** The documents of records: evidence in custody, named by a version in a role. */
@Injectable()
export class DocumentsService {
  constructor(
    private readonly database: Database,
    private readonly store: RecordsStore,
    private readonly life: RecordLife,
    private readonly reader: RecordReader,
    private readonly retention: RetentionService,
    private readonly evidence: EvidenceService,
  ) {}

  /** Takes the bytes into custody, and names them on the draft; nothing stays of what is refused. */
  async add(
    principal: Principal,
    recordId: string,
    ifMatch: number | null,
    document: { role: string; name: string; content: Readable; headers: DocumentHeaders },
  ): Promise<RecordView> {
    // Before the bytes come: what cannot be is not worth sending.
    await this.database.read(principal, (tx) => this.requireDraft(tx, recordId, ifMatch));
    const received = await this.receive(principal, document.content, document.headers);
    const bytes = { named: false };
    try {
      return await this.database.write(principal, async (tx) => {
        const { id, isNew } = await this.evidence.keep(tx, received);
        // From here on the commit may happen without our being told: bytes that a row may name are never removed.
        bytes.named = isNew;
        await this.life.changeDocuments(tx, recordId, ifMatch, 'document.added', id, (documents, actor, now) => [
          ...documents.filter(({ evidenceId, role }) => evidenceId !== id || role !== document.role),
          { evidenceId: id, role: document.role, name: document.name, addedAt: now.toISOString(), addedBy: actor.id },
        ]);
        return this.reader.read(tx, recordId);
      });
    } finally {
      if (!bytes.named) await this.evidence.discard(received);
    }
  }

  /**
   * Names evidence that is in custody already on the draft, as the service's own documents are: a posture that was frozen, a report that was made. In the caller's
   * transaction.
   */
  async attach(
    tx: WriteTx,
    recordId: string,
    ifMatch: number | null,
    document: { evidenceId: string; role: string; name: string },
  ): Promise<void> {
    await this.life.changeDocuments(
      tx,
      recordId,
      ifMatch,
      'document.added',
      document.evidenceId,
      (documents, actor, now) => [
        ...documents.filter(({ evidenceId, role }) => evidenceId !== document.evidenceId || role !== document.role),
        { ...document, addedAt: now.toISOString(), addedBy: actor.id },
      ],
    );
  }

  async remove(
    principal: Principal,
    recordId: string,
    ifMatch: number | null,
    evidenceId: string,
    role: string,
  ): Promise<RecordView> {
    return this.database.write(principal, async (tx) => {
      await this.life.changeDocuments(tx, recordId, ifMatch, 'document.removed', evidenceId, (documents) => {
        const left = documents.filter((one) => one.evidenceId !== evidenceId || one.role !== role);
        if (left.length === documents.length) throw new Refusal('not-found', 'The draft has no such document.');
        return left;
      });
      return this.reader.read(tx, recordId);
    });
  }

  async list(tx: Tx, recordId: string, number: number): Promise<DocumentView[]> {
    const { documents } = await this.requireVersion(tx, recordId, number);
    const retention = await this.retention.ofEvidence(tx, [...new Set(documents.map(({ evidenceId }) => evidenceId))]);
    const views: DocumentView[] = [];
    for (const document of documents) {
      const { sha256, size, mediaType, disposedAt } = await this.evidence.find(tx, document.evidenceId);
      const kept = retention.get(document.evidenceId);
      views.push({
        ...document,
        sha256,
        size,
        mediaType,
        disposedAt: disposedAt?.toISOString() ?? null,
        retainedUntil: kept?.until?.toISOString() ?? null,
        heldBy: kept?.heldBy ?? [],
      });
    }
    return views;
  }

  /** Records the read of a document of the version, and says what it is. */
  async recordRead(principal: Principal, recordId: string, number: number, evidenceId: string): Promise<EvidenceInfo> {
    await this.database.read(principal, async (tx) => {
      const { documents } = await this.requireVersion(tx, recordId, number);
      if (documents.some((document) => document.evidenceId === evidenceId)) return;
      throw new Refusal('not-found', 'The version has no such document.');
    });
    return this.evidence.recordRead(principal, evidenceId);
  }

  private async receive(principal: Principal, content: Readable, headers: DocumentHeaders): Promise<Received> {
    const watch = new DocumentWatch(DOCUMENT_TYPES[headers.mediaType]);
    const received = await this.evidence.receive(principal, content, headers, LIMITS, {
      ...OPEN_DOOR,
      watch: () => watch,
    });
    let fault: string | null = 'It could not be read.';
    try {
      fault = await this.faultOf(principal, received, watch);
    } finally {
      if (fault !== null) await this.evidence.discard(received);
    }
    if (fault !== null) throw new Refusal('document-refused', fault, { pointer: 'header/Content-Type' });
    return received;
  }

  private async faultOf(principal: Principal, received: Received, watch: DocumentWatch): Promise<string | null> {
    const { content, kept } = received;
    if (content !== null) return watch.fault(() => content, kept.size);
    const opened = await this.evidence.fileOf(principal, received);
    try {
      const file = new EvidenceFile(opened.file);
      try {
        return await watch.fault(() => new PlaceReader((start, end) => file.read(start, end)), kept.size);
      } finally {
        file.close();
      }
    } finally {
      await opened.release();
    }
  }

  private async requireDraft(tx: Tx, recordId: string, ifMatch: number | null): Promise<void> {
    const record = await this.store.find(tx, recordId);
    if (record === null) throw new Refusal('not-found', 'There is no such record.');
    requireVersion(record.revision, ifMatch);
    const open = record.openVersion === null ? null : await this.store.findVersion(tx, recordId, record.openVersion);
    requireMove('edit', record, open, actorOf(tx.principal));
  }

  private async requireVersion(tx: Tx, recordId: string, number: number): Promise<VersionRow> {
    const version = await this.store.findVersion(tx, recordId, number);
    if (version === null) throw new Refusal('not-found', 'There is no such record, or no such version of it.');
    return version;
  }
}
