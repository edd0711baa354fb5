import { Injectable } from '@nestjs/common';
import { FrozenPostures, OF_ALL_SYSTEMS } from '../analyses/frozen-postures.service.js';
import { EvidenceService } from '../evidence/evidence.service.js';
import { IntegrityError } from '../kernel/crypto/integrity-error.js';
import { Database } from '../kernel/db/database.js';
import type { Principal } from '../kernel/principal.js';
import { RecordCustody } from '../records/custody.service.js';
import type { ProgressMeter } from './build-progress.js';
import type { EvidenceFault, EvidenceItem } from './contents.js';
import type { RecordSurvey } from './records.js';
import type { KnownScans } from './row-reader.js';

/** Evidence whose holds are asked for at once. */
const HOLDS_PAGE = 500;

/** Reads the evidence of a package: once to know what of it can be shown, and again as it is written. */
@Injectable()
export class EvidenceSurvey {
  constructor(
    private readonly database: Database,
    private readonly evidence: EvidenceService,
    private readonly frozen: FrozenPostures,
    private readonly custody: RecordCustody,
  ) {}

  /** What there is of it, by id, and which is no longer what was kept. `systemId`: the one system that the package is about; null: all of the organisation's. `knownAt`: which holds were known. */
  async survey(
    principal: Principal,
    scans: KnownScans,
    { documents }: Pick<RecordSurvey, 'documents'>,
    { systemId, knownAt }: { systemId: string | null; knownAt: Date },
    meter: ProgressMeter,
  ): Promise<{ evidence: EvidenceItem[]; faults: EvidenceFault[] }> {
    const reports = new Map<string, EvidenceItem['scans']>();
    for (const [scanId, { systemId, evidenceId }] of scans) {
      const of = reports.get(evidenceId);
      if (of === undefined) reports.set(evidenceId, [{ systemId, scanId }]);
      else of.push({ systemId, scanId });
    }
    const evidence: EvidenceItem[] = [];
    const faults: EvidenceFault[] = [];
    const ids = [...new Set([...reports.keys(), ...documents.keys()])].sort();
    // The report of a scan is never withheld, whatever else is said of it.
    const attached = ids.filter((id) => !reports.has(id));
    const ofOthers: ReadonlySet<string> =
      systemId === null
        ? new Set()
        : await this.database.readSnapshot(principal, (tx) => this.frozen.ofAllSystems(tx, attached));
    const found = [];
    for (const evidenceId of ids) {
      const info = await this.database.readSnapshot(principal, (tx) => this.evidence.find(tx, evidenceId));
      found.push({ evidenceId, info });
    }
    const holds = await this.holds(principal, ids, knownAt);
    const toRead = found.filter(({ evidenceId, info }) => info.disposedAt === null && !ofOthers.has(evidenceId));
    await meter.begin(
      'reading',
      toRead.length,
      toRead.reduce((sum, { info }) => sum + info.size, 0),
    );
    for (const { evidenceId, info } of found) {
      const { sha256, size, mediaType, receivedAt, retainUntil, source, redaction, disposedAt } = info;
      const withheld = ofOthers.has(evidenceId) ? OF_ALL_SYSTEMS : null;
      const isShown = disposedAt === null && withheld === null;
      const reason = isShown ? await this.faultOf(principal, evidenceId, meter) : null;
      if (reason !== null) faults.push({ evidenceId, sha256, size, reason });
      evidence.push({
        evidenceId,
        path: isShown && reason === null ? `data/evidence/${evidenceId}/content.${extensionOf(mediaType)}` : null,
        sha256,
        size,
        mediaType,
        receivedAt,
        source,
        scans: reports.get(evidenceId) ?? [],
        records: documents.get(evidenceId) ?? [],
        retainUntil,
        heldBy: holds.get(evidenceId) ?? [],
        disposedAt,
        withheld,
        redaction,
      });
    }
    await this.requireFound(principal, faults);
    return { evidence, faults };
  }

  /** Legal holds of each evidence that is held, by what was known at an instant. */
  private async holds(
    principal: Principal,
    ids: readonly string[],
    knownAt: Date,
  ): Promise<ReadonlyMap<string, string[]>> {
    const held = new Map<string, string[]>();
    for (let start = 0; start < ids.length; start += HOLDS_PAGE) {
      const page = ids.slice(start, start + HOLDS_PAGE);
      const steps = await this.database.readSnapshot(principal, (tx) => this.custody.steps(tx, page, knownAt));
      for (const [id, all] of steps) {
        // Of each hold its last step.
        const last = new Map(all.filter(({ step }) => step !== 'retention-extended').map((one) => [one.recordId, one]));
        const holding = [...last.values()].filter(({ step }) => step === 'hold-set').map(({ recordId }) => recordId);
        if (holding.length > 0) held.set(id, holding.sort());
      }
    }
    return held;
  }

  /** The log says of what can no longer be read that it was found so; where that could not be recorded, the next attempt finds it again. */
  private async requireFound(principal: Principal, faults: readonly EvidenceFault[]): Promise<void> {
    for (const { evidenceId, reason } of faults) {
      const { fault } = await this.database.readSnapshot(principal, (tx) => this.evidence.find(tx, evidenceId));
      if (fault === null)
        throw new Error(`evidence ${evidenceId} cannot be read, and that was not recorded: ${reason}`);
    }
  }

  /** Why evidence is no longer what was kept; null where it is. Any other failure (a store that does not answer) fails the attempt. */
  private async faultOf(principal: Principal, evidenceId: string, meter: ProgressMeter): Promise<string | null> {
    try {
      for await (const _ of this.content(principal, evidenceId, meter)) await meter.tick();
      return null;
    } catch (error) {
      if (error instanceof IntegrityError) return error.message;
      throw error;
    } finally {
      meter.fileDone();
    }
  }

  async *content(principal: Principal, evidenceId: string, meter: ProgressMeter): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of (await this.evidence.open(principal, evidenceId)) as AsyncIterable<Buffer>) {
      meter.bytesPassed(chunk.length);
      yield chunk;
    }
  }
}

/** Of documents that people keep, beside what is text. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'pptx',
  'application/vnd.oasis.opendocument.text': 'odt',
  'application/vnd.oasis.opendocument.spreadsheet': 'ods',
  'message/rfc822': 'eml',
  'text/csv': 'csv',
  'text/markdown': 'md',
};

/** What opens the file on a double click; the media type itself is in index.json. */
function extensionOf(mediaType: string): string {
  const type = mediaType.split(';')[0]?.trim().toLowerCase() ?? '';
  const known = Object.hasOwn(EXTENSIONS, type) ? EXTENSIONS[type] : undefined;
  if (known !== undefined) return known;
  if (/[/+]json$/.test(type)) return 'json';
  if (/[/+](x-)?yaml$/.test(type)) return 'yaml';
  if (/[/+]xml$/.test(type)) return 'xml';
  return type.startsWith('text/') ? 'txt' : 'bin';
}
