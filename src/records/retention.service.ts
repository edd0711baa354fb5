import { Injectable } from '@nestjs/common';
import { EvidenceService } from '../evidence/evidence.service.js';
import { Clock } from '../kernel/clock.js';
import type { Tx } from '../kernel/db/database.js';
import { retentionEnd } from '../kernel/retention.js';
import { ScansService } from '../scans/scans.service.js';
import { systemOf, type RecordLink } from './effective.js';
import { IntervalStore } from './interval.store.js';
import { keptUntil, latest } from './retention.js';
import { RetentionStore, type VersionLifetime } from './retention.store.js';

/** Until when something is kept at least: null: no end is known yet. */
export interface Retention {
  until: Date | null;
  /** The record that keeps it longest; null where its own age does. */
  by: string | null;
  /** Legal holds, in effect or to come, that stop its disposal. */
  heldBy: string[];
}

/** An event of the audit log: when it was, and what it is about. */
interface LoggedEvent {
  id: string;
  at: Date;
  objectKind: string;
  objectId: string;
}

/** How long records and documents are kept, and what stops their disposal. */
@Injectable()
export class RetentionService {
  constructor(
    private readonly store: RetentionStore,
    private readonly intervals: IntervalStore,
    private readonly evidence: EvidenceService,
    private readonly scans: ScansService,
    private readonly clock: Clock,
  ) {}

  async ofRecords(tx: Tx, recordIds: readonly string[]): Promise<Map<string, Retention>> {
    const lifetimes = await this.store.ofRecords(tx, recordIds);
    const holds = await this.holds(tx, lifetimes);
    return new Map(
      recordIds.map((id) => {
        const own = lifetimes.filter(({ recordId }) => recordId === id);
        return [id, { until: untilOf(own, []), by: id, heldBy: holds.ofRecord(id) }];
      }),
    );
  }

  async ofEvidence(tx: Tx, evidenceIds: readonly string[]): Promise<Map<string, Retention>> {
    const lifetimes = new Map(
      (await this.store.ofEvidence(tx, evidenceIds)).map((one) => [one.evidenceId, one.versions]),
    );
    const holds = await this.holds(tx, [...lifetimes.values()].flat());
    const reported = await this.scans.systemsOfEvidence(tx, evidenceIds, null);
    const found = new Map<string, Retention>();
    for (const id of evidenceIds) {
      const { retainUntil } = await this.evidence.find(tx, id);
      // What was disposed of names nothing any more.
      const versions = (lifetimes.get(id) ?? []).filter(({ isDisposed }) => !isDisposed);
      const until = untilOf(versions, [retainUntil]);
      const by = versions.find((version) => sameInstant(untilOf([version], []), until))?.recordId ?? null;
      const heldBy = new Set([
        ...holds.ofEvidence(id, reported.get(id) ?? []),
        ...versions.flatMap(({ recordId }) => holds.ofRecord(recordId)),
      ]);
      found.set(id, { until, by, heldBy: [...heldBy].sort() });
    }
    return found;
  }

  /**
   * Details of events are kept as documentation is (45 CFR 164.316(b)(2)(i)), but for what was never to be in them (`mistaken`). What holds the record or evidence that an event is
   * about holds its details.
   */
  async ofEvents(tx: Tx, events: readonly LoggedEvent[], mistaken: boolean): Promise<Map<string, Retention>> {
    const idsOf = (kind: string): string[] =>
      events.filter(({ objectKind }) => objectKind === kind).map(({ objectId }) => objectId);
    const records = await this.ofRecords(tx, idsOf('record'));
    const evidence = await this.ofEvidence(tx, idsOf('evidence'));
    const all = (await this.holds(tx, [])).ofEvidence('', []);
    return new Map(
      events.map(({ id, at, objectKind, objectId }) => {
        const about = objectKind === 'record' ? records : objectKind === 'evidence' ? evidence : undefined;
        const heldBy = about?.get(objectId)?.heldBy ?? all;
        return [id, { until: mistaken ? at : retentionEnd(at), by: null, heldBy }];
      }),
    );
  }

  /** Documents that are kept, by id. */
  documents(tx: Tx, page: { after: string | null; limit: number }): Promise<string[]> {
    return this.store.documents(tx, page);
  }

  /**
   * Legal holds that are decided on, in effect or to come: nothing goes on the eve of one. One of a record holds also what points at it (of a vendor, the agreements with it);
   * one of a namespace, all records of its system and the reports of the system's scans, each as a whole: what it says of one namespace cannot be kept without the rest.
   */
  private async holds(
    tx: Tx,
    versions: readonly VersionLifetime[],
  ): Promise<{ ofRecord(id: string): string[]; ofEvidence(id: string, systemIds: readonly string[]): string[] }> {
    const holds = await this.intervals.neighbours(tx, null, this.clock.now(), { types: ['legal_hold'] });
    const recordIds = [...new Set(versions.map(({ recordId }) => recordId))];
    const pointed =
      holds.length === 0 ? new Map<string, readonly string[]>() : await this.store.linkedRecords(tx, recordIds);
    const holding = (names: (link: RecordLink) => boolean): string[] => [
      ...new Set(
        holds.filter((hold) => hold.fields['everything'] === true || hold.links.some(names)).map(({ id }) => id),
      ),
    ];
    return {
      ofRecord: (id) => {
        const records = [id, ...(pointed.get(id) ?? [])];
        const systems = versions.filter(({ recordId }) => recordId === id).flatMap(({ systemIds }) => systemIds);
        return holding(
          (link) =>
            (link.kind === 'record' && records.includes(link.target)) ||
            (link.kind === 'namespace' && systems.includes(systemOf(link))),
        );
      },
      ofEvidence: (id, systemIds) =>
        holding(
          (link) =>
            (link.kind === 'evidence' && link.target === id) ||
            (link.kind === 'namespace' && systemIds.includes(systemOf(link))),
        ),
    };
  }
}

/** An open version has no end: it is being worked on. */
const untilOf = (versions: readonly VersionLifetime[], others: readonly Date[]): Date | null =>
  latest([...others, ...versions.map((version) => (version.isOpen ? null : keptUntil(version)))]);

const sameInstant = (a: Date | null, b: Date | null): boolean => (a?.getTime() ?? null) === (b?.getTime() ?? null);
