import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Catalog } from '../catalog/catalog.js';
import { overlaid } from '../catalog/overlaid.js';
import type { Tx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import { OrganizationService } from '../organizations/organization.service.js';
import { SystemService } from '../organizations/system.service.js';
import { RecordsService } from '../records/records.service.js';
import { RecordRulesRegistry, type Candidate, type RecordFault } from '../records/rules.js';
import type { Statement } from '../records/statement.js';
import { RecordTypesService } from '../records/types/record-types.service.js';
import { agreementOf } from './fields.js';
import { judge } from './judge.js';
import { needsOf } from './needs.js';
import { registerOf, type VendorEntry } from './register.js';
import { openReturns, runsOf } from './returns.js';
import { agreementRules } from './rules.js';
import type { AgreementsInput } from './standing.js';

@Injectable()
export class AgreementsService implements OnModuleInit {
  constructor(
    private readonly records: RecordsService,
    private readonly recordTypes: RecordTypesService,
    private readonly systems: SystemService,
    private readonly organizations: OrganizationService,
    private readonly catalog: Catalog,
    private readonly rules: RecordRulesRegistry,
  ) {}

  onModuleInit(): void {
    this.rules.add('agreements', {
      ...agreementRules,
      examine: (tx, candidate, now) => this.examine(tx, candidate, now),
    });
  }

  /** What vendors and agreements say at an instant. They are the organisation's: of a system (`place`) they say nothing. */
  async statements(tx: Tx, instant: Instant, place: string | null): Promise<Statement[]> {
    if (place !== null) return [];
    const { settings } = await this.organizations.settingsAsOf(tx, instant);
    const known = this.catalog.overlays.find(({ id }) => settings.overlays.includes(id));
    const catalog = known === undefined ? this.catalog : overlaid(this.catalog, known.id);
    const days = await this.recordTypes.tightenedDays(tx, instant.knownAt);
    return judge(await this.read(tx, instant), needsOf(catalog, settings.recordFreshness, days), instant.asOf);
  }

  /** Every vendor in effect at an instant, and every one that is not any more and has left something open; by id. */
  async register(tx: Tx, instant: Instant): Promise<VendorEntry[]> {
    return registerOf(await this.read(tx, instant), instant.asOf);
  }

  /** By agreement of which nothing is in force at an instant, and whose return is open: when it is due. */
  async endedOpen(tx: Tx, instant: Instant): Promise<ReadonlyMap<string, Date>> {
    const open = openReturns(await this.read(tx, instant), instant.asOf);
    return new Map(open.filter(({ isNarrowed }) => !isNarrowed).map(({ agreement, dueAt }) => [agreement.id, dueAt]));
  }

  /** «Now» for a question that names no instant: every decision that was answered is known at it. */
  async present(tx: Tx, now: Date): Promise<Date> {
    const last = await this.records.lastKnown(tx, null);
    return last !== null && last > now ? last : now;
  }

  awaitDecisions(tx: Tx, knownAt: Date): Promise<void> {
    return this.records.awaitDecisions(tx, knownAt);
  }

  /** What the vendor before it has promised would be nobody's any more, and what it has to return would be forgotten. */
  private async examine(tx: Tx, candidate: Candidate, now: Date): Promise<RecordFault[]> {
    const vendor =
      candidate.kind === 'content' && candidate.type === 'baa' ? agreementOf(candidate)?.vendor : undefined;
    if (vendor === undefined) return [];
    const instant = { asOf: now, knownAt: await this.present(tx, now) };
    const filter = { types: ['baa'], ids: [candidate.id] };
    const before = [
      ...(await this.records.effective(tx, instant, filter)),
      ...(await this.records.ended(tx, instant, filter)),
    ];
    return before.every((record) => agreementOf(record)?.vendor === vendor)
      ? []
      : [
          {
            pointer: '/fields/vendor',
            detail: 'The agreement is with another vendor: end it, and record the other one.',
          },
        ];
  }

  private async read(tx: Tx, instant: Instant): Promise<AgreementsInput> {
    const types = ['vendor', 'baa', 'vendor_review', 'phi_return', 'applicability_statement'] as const;
    const found = Map.groupBy(await this.records.effective(tx, instant, { types }), ({ type }) => type);
    const of = (type: (typeof types)[number]) => found.get(type) ?? [];
    const systems = await this.systems.systemsAsOf(tx, instant);
    return {
      vendors: of('vendor'),
      agreements: of('baa'),
      reviews: of('vendor_review'),
      returns: of('phi_return'),
      applicability: of('applicability_statement'),
      ended: await this.records.ended(tx, instant, { types: ['vendor', 'baa'] }),
      past: await runsOf(this.records.past(tx, instant, ['baa'])),
      endings: await this.records.endings(tx, instant, ['baa']),
      systems: systems.filter(({ phi }) => phi !== 'none'),
      spans: await this.systems.phiSpans(tx, instant.knownAt),
    };
  }
}
