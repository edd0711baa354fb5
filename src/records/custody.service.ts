import { Injectable } from '@nestjs/common';
import type { Tx } from '../kernel/db/database.js';
import { ScansService } from '../scans/scans.service.js';
import { CustodyStore, type HoldVersion, type NamingVersion, type Period } from './custody.store.js';
import { systemOf } from './effective.js';
import { RetentionStore } from './retention.store.js';

/** What the approval of a version of a record did to how long an evidence is kept. */
export interface KeepingStep {
  recordId: string;
  version: number;
  step: 'retention-extended' | 'hold-set' | 'hold-lifted';
}

/** Approvals of records that are steps in the custody of evidence. */
@Injectable()
export class RecordCustody {
  constructor(
    private readonly store: CustodyStore,
    private readonly retention: RetentionStore,
    private readonly scans: ScansService,
  ) {}

  /** Those of the records of which a version was in effect at some instant of the period, in one of the places (null: anywhere). */
  async recordsOfPeriod(
    tx: Tx,
    recordIds: readonly string[],
    places: readonly string[] | null,
    period: Period,
  ): Promise<Set<string>> {
    return new Set(await this.store.inEffectWithin(tx, recordIds, places, period));
  }

  /** Those of the evidence that are documents of such versions. */
  evidenceOfPeriod(
    tx: Tx,
    evidenceIds: readonly string[],
    places: readonly string[] | null,
    period: Period,
  ): Promise<string[]> {
    return this.store.evidenceOfPeriod(tx, evidenceIds, places, period);
  }

  /** By evidence, of the approvals that were known at an instant (null: of all). */
  async steps(tx: Tx, evidenceIds: readonly string[], knownAt: Date | null): Promise<Map<string, KeepingStep[]>> {
    const naming = Map.groupBy(await this.store.naming(tx, evidenceIds, knownAt), ({ evidenceId }) => evidenceId);
    const holds = [...Map.groupBy(await this.store.holds(tx, knownAt), ({ recordId }) => recordId).values()];
    const records = [...new Set([...naming.values()].flat().map(({ recordId }) => recordId))];
    const pointed =
      holds.length === 0 ? new Map<string, readonly string[]>() : await this.retention.linkedRecords(tx, records);
    const reported =
      holds.length === 0
        ? new Map<string, readonly string[]>()
        : await this.scans.systemsOfEvidence(tx, evidenceIds, knownAt);
    return new Map(
      evidenceIds.map((id): [string, KeepingStep[]] => {
        const named = naming.get(id) ?? [];
        const systems = new Set([...(reported.get(id) ?? []), ...named.flatMap(({ systemIds }) => systemIds)]);
        const kept = named.map(({ recordId, version }): KeepingStep => ({
          recordId,
          version,
          step: 'retention-extended',
        }));
        return [id, [...kept, ...holds.flatMap((versions) => holdSteps(versions, id, { named, pointed, systems }))]];
      }),
    );
  }
}

/** The versions of one hold from which on it held the evidence, or held it no longer. */
function holdSteps(
  versions: readonly HoldVersion[],
  evidenceId: string,
  {
    named,
    pointed,
    systems,
  }: {
    named: readonly NamingVersion[];
    pointed: ReadonlyMap<string, readonly string[]>;
    /** Systems that it is a report of, or that a record is of which names it. */
    systems: ReadonlySet<string>;
  },
): KeepingStep[] {
  const records = new Set(named.flatMap(({ recordId }) => [recordId, ...(pointed.get(recordId) ?? [])]));
  const holds = ({ kind, everything, links }: HoldVersion): boolean =>
    kind === 'content' &&
    (everything ||
      links.some(
        (link) =>
          (link.kind === 'evidence' && link.target === evidenceId) ||
          (link.kind === 'record' && records.has(link.target)) ||
          (link.kind === 'namespace' && systems.has(systemOf(link))),
      ));
  let isHeld = false;
  return versions.flatMap((one): KeepingStep[] => {
    const before = isHeld;
    isHeld = holds(one);
    if (isHeld === before) return [];
    return [{ recordId: one.recordId, version: one.version, step: isHeld ? 'hold-set' : 'hold-lifted' }];
  });
}
