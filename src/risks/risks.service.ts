import { Injectable } from '@nestjs/common';
import { Catalog } from '../catalog/catalog.js';
import { overlaid } from '../catalog/overlaid.js';
import type { Tx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import { OrganizationService } from '../organizations/organization.service.js';
import { SystemService } from '../organizations/system.service.js';
import type { EffectiveRecord } from '../records/effective.js';
import { RecordsService } from '../records/records.service.js';
import type { Statement } from '../records/statement.js';
import { RecordTypesService } from '../records/types/record-types.service.js';
import { ResultsService } from '../results/results.service.js';
import { offeredVulnerabilities, volumesOf, type OfferedVulnerability } from './inventory.js';
import { judge, latestOf, type RisksInput } from './judge.js';
import type { Surroundings, ScopedSystem } from './material-change.js';
import { needsOf } from './needs.js';

/** Facts of one system that the inventory reads at most: objects of the largest clusters are a hundred thousand, of which claims are few. */
const MAX_FACTS = 100_000;
const PAGE = 10_000;
/** Of one system so many vulnerabilities are offered. */
const MAX_OFFERED = 200;

/** What an analysis is begun from: what is there, and what is wrong with it. */
export interface Inventory {
  systems: (ScopedSystem & { version: string | null })[];
  /** Systems of the register without PHI, which are left out unless somebody puts them in. */
  leftOut: { id: string; name: string }[];
  vendors: { id: string; name: string; ephi: boolean }[];
  volumes: { systemId: string; name: string }[];
  vulnerabilities: OfferedVulnerability[];
}

@Injectable()
export class RisksService {
  constructor(
    private readonly records: RecordsService,
    private readonly recordTypes: RecordTypesService,
    private readonly results: ResultsService,
    private readonly systems: SystemService,
    private readonly organizations: OrganizationService,
    private readonly catalog: Catalog,
  ) {}

  /** What the risk analysis, its risks and its plan say at an instant. They are the organisation's: of a system (`place`) they say nothing. */
  async statements(tx: Tx, instant: Instant, place: string | null): Promise<Statement[]> {
    if (place !== null) return [];
    const { settings } = await this.organizations.settingsAsOf(tx, instant);
    const types = ['risk_analysis', 'risk_management_plan', 'risk', 'vendor', 'evaluation'] as const;
    const found = Map.groupBy(await this.records.effective(tx, instant, { types }), ({ type }) => type);
    const of = (type: (typeof types)[number]) => found.get(type) ?? [];
    const analyses = of('risk_analysis');
    const latest = latestOf(analyses);
    const others = [...of('risk'), ...of('risk_management_plan')].filter(
      ({ fields }) => fields['analysis'] !== latest?.id,
    );
    const formerly =
      latest === null
        ? []
        : await this.records.formerly(
            tx,
            instant,
            others.map(({ id }) => id),
            { field: 'analysis', value: latest.id },
          );
    const around = await this.around(tx, instant, latest, of('vendor'));
    const known = this.catalog.overlays.find(({ id }) => settings.overlays.includes(id));
    const catalog = known === undefined ? this.catalog : overlaid(this.catalog, known.id);
    return judge(
      {
        analyses,
        formerly: new Set(formerly),
        plans: of('risk_management_plan'),
        risks: of('risk'),
        around,
        evaluation: await this.evaluated(tx, instant, of('evaluation'), around),
      },
      needsOf(catalog, settings.recordFreshness, await this.recordTypes.tightenedDays(tx, instant.knownAt)),
      instant.asOf,
    );
  }

  /** The systems in scope at an instant, and what is known of the versions of their clusters. */
  async scope(tx: Tx, instant: Instant): Promise<{ systems: ScopedSystem[]; versions: Map<string, string> }> {
    const systems = await this.systems.systemsAsOf(tx, instant);
    return {
      systems: systems.filter(({ phi }) => phi !== 'none'),
      versions: await this.systems.clusterVersions(tx, instant),
    };
  }

  /** What the register, the records and the scans know: the scope to start from, and what is failing. */
  async inventory(tx: Tx, instant: Instant): Promise<Inventory> {
    const all = await this.systems.systemsAsOf(tx, instant);
    const versions = await this.systems.clusterVersions(tx, instant);
    const inScope = all.filter(({ phi }) => phi !== 'none');
    const vendors = await this.records.effective(tx, instant, { types: ['vendor'] });
    const volumes: Inventory['volumes'] = [];
    const vulnerabilities: OfferedVulnerability[] = [];
    // One after another: they share the transaction's connection, and memory holds the facts of one.
    for (const { id, phiNamespaces } of inScope) {
      volumes.push(...(await this.volumes(tx, instant, id)).map((name) => ({ systemId: id, name })));
      const summaries = await this.results.summarise(tx, id, instant, phiNamespaces);
      vulnerabilities.push(...offeredVulnerabilities(this.catalog, id, summaries).slice(0, MAX_OFFERED));
    }
    return {
      systems: inScope.map(({ id, name, phiNamespaces }) => ({
        id,
        name,
        phiNamespaces,
        version: versions.get(id) ?? null,
      })),
      leftOut: all.filter(({ phi }) => phi === 'none').map(({ id, name }) => ({ id, name })),
      vendors: vendors.map(({ id, naturalKey, fields }) => ({ id, name: naturalKey, ephi: fields['ephi'] !== false })),
      volumes,
      vulnerabilities,
    };
  }

  private async volumes(tx: Tx, instant: Instant, systemId: string): Promise<string[]> {
    const names = new Set<string>();
    for (const kind of ['storage-class', 'kubernetes-object'] as const) {
      let after: string | null = null;
      for (let read = 0; read < MAX_FACTS; read += PAGE) {
        const facts = await this.results.findFacts(tx, systemId, instant, { kind, after, limit: PAGE });
        for (const name of volumesOf(facts)) names.add(name);
        after = facts.at(-1)?.series ?? null;
        if (facts.length < PAGE) break;
      }
    }
    return [...names].sort();
  }

  /** The evaluation of the whole organisation that speaks, with what there was of systems, versions and vendors when it was made. */
  private async evaluated(
    tx: Tx,
    { asOf, knownAt }: Instant,
    evaluations: readonly EffectiveRecord[],
    around: Surroundings,
  ): Promise<RisksInput['evaluation']> {
    const record = latestOf(
      evaluations.filter(
        ({ systemIds, goodFrom, expiresAt }) =>
          systemIds.length === 0 && goodFrom <= asOf && (expiresAt === null || expiresAt > asOf),
      ),
    );
    if (record === null) return null;
    const { goodFrom, decidedAt } = record;
    // A system counts for all time before it was registered. Whoever approved the evaluation knew those that were by then.
    const systemsThen = await this.systems.systemsAsOf(tx, {
      asOf: goodFrom,
      knownAt: decidedAt > goodFrom ? decidedAt : goodFrom,
    });
    const then = { asOf: goodFrom, knownAt };
    return {
      record,
      around: {
        ...around,
        systemsThen: systemsThen.filter(({ phi }) => phi !== 'none'),
        versionsThen: await this.systems.clusterVersions(tx, then),
        vendorsThen: await this.records.effective(tx, then, { types: ['vendor'] }),
      },
    };
  }

  private async around(
    tx: Tx,
    instant: Instant,
    latest: EffectiveRecord | null,
    vendors: readonly EffectiveRecord[],
  ): Promise<Surroundings> {
    const now = await this.scope(tx, instant);
    // What was so when the analysis came into effect, as it is known today.
    const then = latest === null ? now : await this.scope(tx, { asOf: latest.effectiveFrom, knownAt: instant.knownAt });
    return {
      systems: now.systems,
      systemsThen: then.systems,
      versions: now.versions,
      versionsThen: then.versions,
      vendors: vendors.filter(({ disposed }) => !disposed).map(({ id, naturalKey }) => ({ id, name: naturalKey })),
    };
  }
}
