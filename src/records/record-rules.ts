import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { EvidenceService } from '../evidence/evidence.service.js';
import { Clock } from '../kernel/clock.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { Queue } from '../kernel/queue.js';
import { DisposalStore } from './disposal.store.js';
import { RetentionService, type Retention } from './retention.service.js';
import { RetentionStore } from './retention.store.js';
import {
  RecordRulesRegistry,
  type ApprovedVersion,
  type Candidate,
  type RecordFault,
  type RecordRules,
} from './rules.js';

/** The rules of what the life of records itself acts on: legal holds, and disposals. */
@Injectable()
export class OwnRecordRules implements RecordRules, OnModuleInit {
  constructor(
    private readonly registry: RecordRulesRegistry,
    private readonly retention: RetentionService,
    private readonly lifetimes: RetentionStore,
    private readonly disposals: DisposalStore,
    private readonly evidence: EvidenceService,
    private readonly audit: AuditService,
    private readonly queue: Queue,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.registry.add('records', this);
  }

  neighbours(): [] {
    return [];
  }

  faults({ type, kind, fields, links }: Candidate): RecordFault[] {
    const faults: RecordFault[] = [];
    const kinds = type === 'legal_hold' ? ['record', 'evidence', 'namespace'] : ['record', 'evidence', 'event'];
    if (fields['everything'] !== true && !links.some((link) => kinds.includes(link.kind))) {
      faults.push({ pointer: '/links', detail: `Link what it is about: ${kinds.join(', ')}.` });
    }
    if (type === 'record_disposal' && kind === 'end') {
      faults.push({ pointer: '', detail: 'What was disposed of does not come back.' });
    }
    return faults;
  }

  /** All that a disposal names is past its retention, but for details of events that were never to be kept; and nothing holds it. */
  async examine(tx: Tx, candidate: Candidate, now: Date): Promise<RecordFault[]> {
    if (candidate.type !== 'record_disposal' || candidate.kind === 'end') return [];
    const { records, evidence, events } = targetsOf(candidate);
    // Versions, holds and documents that come at the same time wait, or are seen.
    await this.lifetimes.lockRecords(tx, records);
    await this.lifetimes.lockEvidence(tx, [...evidence, ...(await this.lifetimes.evidenceOf(tx, records))]);
    const kept: [string, Retention][] = [
      ...(await this.retention.ofRecords(tx, records)),
      ...(await this.retention.ofEvidence(tx, evidence)),
    ];
    const pointerOf = (id: string): string => `/links/${candidate.links.findIndex(({ target }) => target === id)}`;
    const erasable = events.length === 0 ? new Map<string, never>() : await this.audit.erasable(tx, events);
    const bare = events.filter((id) => erasable.get(id)?.hasDetails !== true);
    if (bare.length > 0) {
      return bare.map((id) => ({ pointer: pointerOf(id), detail: 'The event has no details, or none any more.' }));
    }
    kept.push(...(await this.retention.ofEvents(tx, [...erasable.values()], candidate.fields['mistaken'] === true)));
    return kept.flatMap(([id, { until, heldBy }]): RecordFault[] => {
      if (heldBy.length === 0 && until !== null && until <= now) return [];
      const pointer = pointerOf(id);
      const detail =
        heldBy.length > 0
          ? 'A legal hold stops its disposal.'
          : until === null
            ? 'It is in effect or worked on: it is kept six years from when it last was (45 CFR 164.316(b)(2)(i)).'
            : 'It is kept longer (45 CFR 164.316(b)(2)(i)).';
      return [{ pointer, detail, code: 'retained', extra: { id, until: until?.toISOString() ?? null, heldBy } }];
    });
  }

  /** The content of the records is emptied, details of events are erased, and the bytes of evidence that nothing else names are removed after the commit. */
  async approved(tx: WriteTx, version: ApprovedVersion): Promise<void> {
    if (version.type !== 'record_disposal') return;
    const { records, evidence, events } = targetsOf(version);
    for (const id of events) await this.audit.erase(tx, id, version.id, version.knownAt);
    const documents = await this.lifetimes.evidenceOf(tx, records);
    for (const id of records) {
      await this.disposals.empty(tx, id, version.knownAt);
      await this.audit.record(tx, {
        action: 'record.disposed',
        object: { kind: 'record', id },
        details: { by: version.id },
        at: version.knownAt,
      });
    }
    const now = this.clock.now();
    const going = new Set(evidence);
    for (const [id, { until, heldBy }] of await this.retention.ofEvidence(tx, documents)) {
      const [lifetime] = await this.lifetimes.ofEvidence(tx, [id]);
      const isNamed = lifetime?.versions.some(({ isDisposed }) => !isDisposed) === true;
      if (!isNamed && heldBy.length === 0 && until !== null && until <= now) going.add(id);
    }
    for (const id of [...going].sort()) {
      await this.evidence.recordDisposal(tx, id, version.id, version.knownAt);
      await this.queue.send(tx, 'disposal', { organizationId: tx.organizationId, systemId: '', id });
    }
  }
}

function targetsOf({ links }: Candidate): { records: string[]; evidence: string[]; events: string[] } {
  const of = (kind: string): string[] => links.filter((link) => link.kind === kind).map(({ target }) => target);
  return { records: of('record'), evidence: of('evidence'), events: of('event') };
}
