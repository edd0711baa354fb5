import { Injectable } from '@nestjs/common';
import { FrozenPostures, OF_ALL_SYSTEMS } from '../analyses/frozen-postures.service.js';
import type { Within } from '../custody/custody.service.js';
import type { EngagementScope } from '../engagements/engagement.service.js';
import { EvidenceService, type EvidenceInfo } from '../evidence/evidence.service.js';
import type { Tx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import { Refusal } from '../kernel/http/problem.js';
import { SystemService, type SystemInEffect } from '../organizations/system.service.js';
import type { PackageView } from '../packages/packages.schema.js';
import { PackagesService } from '../packages/packages.service.js';
import type { EffectiveRecord } from '../records/effective.js';
import { WHOLE } from '../records/interval.js';
import { RecordBulk } from '../records/record-bulk.js';
import { RecordCustody } from '../records/custody.service.js';
import { RecordsService } from '../records/records.service.js';
import { ScansService } from '../scans/scans.service.js';

/** Evidence that is looked at at once for a page of what is in scope, and how often for one page: what lies far apart takes several pages. */
const LOOKED_AT = 500;
const MAX_LOOKS = 20;

/** What an answer hands over, by its ids. */
export interface Links {
  records: readonly string[];
  evidence: readonly string[];
  packages: readonly string[];
}

/**
 * What is within the scope and period of an engagement, and nothing else of the organisation:
 * - its systems (all, where none are named), and scans of them that saw an instant of the period, or, where they were never read, came in it;
 * - records of these systems and of the whole organisation that were in effect at some instant of the period;
 * - the reports of these scans, and the documents of these records; where systems are named, but for frozen postures of the whole organisation, which tell of others;
 * - packages that were handed over, which are about no other system, and of the period or a part of it.
 */
@Injectable()
export class ScopeService {
  constructor(
    private readonly systems: SystemService,
    private readonly scans: ScansService,
    private readonly records: RecordsService,
    private readonly custody: RecordCustody,
    private readonly bulk: RecordBulk,
    private readonly evidence: EvidenceService,
    private readonly frozen: FrozenPostures,
    private readonly packages: PackagesService,
  ) {}

  /** The instants of a question: of an instant of the period (the present, or the end of the period), by what is known now where none is named. */
  instantOf(
    { period }: EngagementScope,
    asked: { asOf?: string | undefined; knownAt?: string | undefined },
    present: Date,
  ): Instant {
    const asOf = asked.asOf === undefined ? earlier(present, period.to) : new Date(asked.asOf);
    if (asOf < period.from || asOf > period.to || asOf > present) {
      throw new Refusal('invalid-request', 'The instant is outside of the period of the engagement, or yet to come.', {
        pointer: 'query/asOf',
        extra: { period: { from: period.from.toISOString(), to: period.to.toISOString() } },
      });
    }
    const knownAt = asked.knownAt === undefined ? present : new Date(asked.knownAt);
    if (knownAt > present) {
      throw new Refusal('invalid-request', 'The instant lies in the future.', { pointer: 'query/knownAt' });
    }
    return { asOf, knownAt };
  }

  /** Refuses a system that is not of the scope, or of nobody. */
  async requireSystem(tx: Tx, { systemIds }: EngagementScope, systemId: string): Promise<void> {
    if (systemIds?.includes(systemId) === false) throw new Refusal('not-found', 'There is no such system.');
    await this.systems.requireSystem(tx, systemId);
  }

  /** Whether a scan saw an instant of the period, or, where it was never read, came in it. */
  isOfPeriod({ period }: EngagementScope, scan: { observedAt: Date | null; receivedAt: Date }): boolean {
    const at = scan.observedAt ?? scan.receivedAt;
    return at >= period.from && at <= period.to;
  }

  /** By id. Systems that were in effect at the instant. */
  async systemsAsOf(tx: Tx, { systemIds }: EngagementScope, instant: Instant): Promise<SystemInEffect[]> {
    const systems = await this.systems.systemsAsOf(tx, instant);
    return systems.filter(({ id }) => systemIds?.includes(id) !== false);
  }

  /** Where its records are: of the whole organisation, and of its systems; undefined: everywhere. */
  placesOf({ systemIds }: EngagementScope): string[] | undefined {
    return systemIds === null ? undefined : [WHOLE, ...systemIds];
  }

  /** Types of which records of the scope are in effect at an instant, by name. */
  async recordTypes(tx: Tx, scope: EngagementScope, instant: Instant): Promise<string[]> {
    const places = this.placesOf(scope) ?? [
      WHOLE,
      ...(await this.systems.lastVersions(tx, null)).map((one) => one.systemId),
    ];
    return this.bulk.effectiveTypes(tx, instant, places);
  }

  /** A page of the records of a type in effect at an instant, by id. */
  recordsOf(
    tx: Tx,
    scope: EngagementScope,
    type: string,
    instant: Instant,
    page: { after: string | null; limit: number },
  ): Promise<EffectiveRecord[]> {
    const places = this.placesOf(scope);
    return this.bulk.effective(tx, type, instant, { ...page, ...(places === undefined ? {} : { places }) });
  }

  /** A record in effect at an instant. */
  async recordOf(tx: Tx, scope: EngagementScope, recordId: string, instant: Instant): Promise<EffectiveRecord> {
    const [record] = await this.records.effective(tx, instant, {
      types: await this.recordTypes(tx, scope, instant),
      ids: [recordId],
    });
    if (record === undefined || !isOfPlaces(record, scope)) {
      throw new Refusal('not-found', 'At that instant there is no such record in effect.');
    }
    return record;
  }

  /** Newest first. `next`: where the next page begins; null on the last. */
  async evidenceOf(
    tx: Tx,
    scope: EngagementScope,
    { before, limit }: { before: string | null; limit: number },
  ): Promise<{ found: EvidenceInfo[]; next: string | null }> {
    const found: EvidenceInfo[] = [];
    let from = before;
    for (let look = 0; look < MAX_LOOKS; look++) {
      const looked = await this.evidence.findAll(tx, { sha256: undefined, before: from, limit: LOOKED_AT });
      const { within } = await this.evidenceWithin(
        tx,
        scope,
        looked.map(({ id }) => id),
      );
      for (const info of looked) {
        if (found.length === limit) return { found, next: from };
        from = info.id;
        if (within.has(info.id)) found.push(info);
      }
      if (looked.length < LOOKED_AT) return { found, next: null };
    }
    return { found, next: from };
  }

  async requireEvidence(tx: Tx, scope: EngagementScope, evidenceId: string): Promise<void> {
    const { within, withheld } = await this.evidenceWithin(tx, scope, [evidenceId]);
    // A record of the scope names it: that it is there is no secret, and why it is not shown is said.
    if (withheld.has(evidenceId)) throw new Refusal('forbidden', OF_ALL_SYSTEMS);
    if (!within.has(evidenceId)) throw new Refusal('not-found', 'There is no such evidence.');
  }

  /** What the custody of evidence may name: scans and records of the scope, and packages that were handed over. */
  custodyWithin(tx: Tx, scope: EngagementScope, packageIds: ReadonlySet<string>): Within {
    return {
      hasScan: (scan) => scope.systemIds?.includes(scan.systemId) !== false && this.isOfPeriod(scope, scan),
      packageIds,
      recordsOf: (ids) => this.custody.recordsOfPeriod(tx, ids, this.placesOf(scope) ?? null, scope.period),
    };
  }

  /** One about all systems is within an engagement on all of them alone; and one that also tells of a time before the period is within none. */
  isPackageWithin(view: PackageView, { systemIds, period }: EngagementScope): boolean {
    if (new Date(view.periodFrom) < period.from || new Date(view.asOf) > period.to) return false;
    return systemIds === null || (view.scope.systemId !== null && systemIds.includes(view.scope.systemId));
  }

  /** Refuses what is not there, or not within the scope: nobody lets an auditor see more by handing it over. */
  async requireWithin(tx: Tx, scope: EngagementScope, { records, evidence, packages }: Links): Promise<void> {
    const recordsWithin = await this.custody.recordsOfPeriod(tx, records, this.placesOf(scope) ?? null, scope.period);
    requireAll('records', records, recordsWithin);
    requireAll('evidence', evidence, (await this.evidenceWithin(tx, scope, evidence)).within);
    const packagesWithin = new Set<string>();
    for (const id of packages) {
      const view = await this.packages.find(tx, id).catch(notThere);
      if (view !== null && view.status === 'ready' && this.isPackageWithin(view, scope)) packagesWithin.add(id);
    }
    requireAll('packages', packages, packagesWithin);
  }

  /** `withheld`: what would be within, and tells of systems that are not. */
  private async evidenceWithin(
    tx: Tx,
    scope: EngagementScope,
    ids: readonly string[],
  ): Promise<{ within: ReadonlySet<string>; withheld: ReadonlySet<string> }> {
    const nothing = new Set<string>();
    if (ids.length === 0) return { within: nothing, withheld: nothing };
    const reports = await this.scans.evidenceOfPeriod(tx, ids, scope.systemIds, scope.period);
    const documents = await this.custody.evidenceOfPeriod(tx, ids, this.placesOf(scope) ?? null, scope.period);
    const found = [...new Set([...reports, ...documents])];
    const withheld = scope.systemIds === null ? nothing : await this.frozen.ofAllSystems(tx, found);
    return { within: new Set(found.filter((id) => !withheld.has(id))), withheld };
  }
}

const earlier = (one: Date, other: Date): Date => (one < other ? one : other);

const isOfPlaces = ({ systemIds }: EffectiveRecord, scope: EngagementScope): boolean =>
  scope.systemIds === null || systemIds.length === 0 || systemIds.some((id) => scope.systemIds?.includes(id) === true);

function notThere(error: unknown): null {
  if (error instanceof Refusal && error.code === 'not-found') return null;
  throw error;
}

function requireAll(kind: keyof Links, asked: readonly string[], within: ReadonlySet<string>): void {
  const at = asked.findIndex((id) => !within.has(id));
  if (at < 0) return;
  throw new Refusal('invalid-request', 'It is not there, or not within the scope and period of the engagement.', {
    pointer: `/${kind}/${at}`,
  });
}
