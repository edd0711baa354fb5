import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Catalog } from '../catalog/catalog.js';
import { overlaid } from '../catalog/overlaid.js';
import type { Tx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import { OrganizationService, type SettingsInEffect } from '../organizations/organization.service.js';
import { RecordsService } from '../records/records.service.js';
import { RecordRulesRegistry, type Candidate, type Neighbour, type RecordFault } from '../records/rules.js';
import { RecordTypesService } from '../records/types/record-types.service.js';
import { ResultsService } from '../results/results.service.js';
import { acceptancesOf, checkKey, type Acceptances } from './coverage.js';
import { exceptionOf } from './fields.js';
import { applicabilityFaults, decisionFaults, decisionNeighbours, exceptionFaults } from './rules.js';

@Injectable()
export class ExceptionsService implements OnModuleInit {
  constructor(
    private readonly records: RecordsService,
    private readonly recordTypes: RecordTypesService,
    private readonly results: ResultsService,
    private readonly organizations: OrganizationService,
    private readonly catalog: Catalog,
    private readonly rules: RecordRulesRegistry,
  ) {}

  onModuleInit(): void {
    this.rules.add('exceptions', {
      neighbours: (candidate) => (candidate.type === 'addressable_decision' ? decisionNeighbours(candidate) : []),
      faults: (candidate, neighbours, now) => this.faults(candidate, neighbours, now),
      examine: (tx, candidate) => this.examine(tx, candidate),
    });
  }

  /** What people have accepted at an instant: of a system by exceptions that name it, or (null) of the whole organisation. */
  async inEffect(tx: Tx, instant: Instant, place: string | null): Promise<Acceptances> {
    const exceptions = await this.records.effective(tx, instant, {
      types: ['exception'],
      ...(place === null ? {} : { systemId: place }),
    });
    const decisions =
      place === null ? await this.records.effective(tx, instant, { types: ['addressable_decision'] }) : [];
    const { settings } = await this.organizations.settingsAsOf(tx, instant);
    const catalog = this.catalogOf(settings);
    const limits = catalog.practices.flatMap(({ id }) => {
      const { records } = catalog.freshnessOf(id, { records: settings.recordFreshness });
      return records['addressable_decision']?.maxAgeDays ?? [];
    });
    const tightened = await this.recordTypes.tightenedDays(tx, instant.knownAt);
    const input = {
      exceptions,
      decisions,
      decisionDays: tightened('addressable_decision', limits.length === 0 ? null : Math.min(...limits)),
      // Where an overlay requires all that the law leaves addressable, nothing is met otherwise.
      isAddressable: (control: string) => isAddressable(catalog, control),
    };
    return acceptancesOf(input, place, instant.asOf);
  }

  private faults(candidate: Candidate, neighbours: readonly Neighbour[], now: Date): RecordFault[] {
    // An end takes back what was accepted: nothing speaks against that.
    if (candidate.kind === 'end') return [];
    if (candidate.type === 'exception') return exceptionFaults(candidate, now);
    if (candidate.type === 'applicability_statement') return applicabilityFaults(candidate);
    return decisionFaults(candidate, neighbours, now, (control) => isAddressable(this.catalog, control));
  }

  /** What does not fail needs no exception, and one kept ready would hide what fails later. */
  private async examine(tx: Tx, candidate: Candidate): Promise<RecordFault[]> {
    const exception = candidate.kind === 'content' && candidate.type === 'exception' ? exceptionOf(candidate) : null;
    if (exception === null || exception.checks.length + exception.results.length === 0) return [];
    const series = new Set<string>();
    const checks = new Set<string>();
    for (const systemId of candidate.systemIds) {
      const present = await this.results.present(tx, systemId);
      const named = exception.results.filter((result) => result.systemId === systemId).map((result) => result.series);
      const failing = await this.results.findFailing(
        tx,
        systemId,
        { asOf: present, knownAt: present },
        { series: named, checks: exception.checks },
      );
      for (const found of failing) {
        if (found.series !== null) series.add(found.series);
        checks.add(checkKey(found.source, found.check));
      }
    }
    const detail = 'It does not fail now: there is nothing to except.';
    return [
      ...exception.results.flatMap((result, index) =>
        series.has(result.series) ? [] : [{ pointer: `/fields/results/${index}/series`, detail }],
      ),
      ...exception.checks.flatMap(({ source, check }, index) =>
        checks.has(checkKey(source, check)) ? [] : [{ pointer: `/fields/checks/${index}`, detail }],
      ),
    ];
  }

  private catalogOf({ overlays }: SettingsInEffect['settings']): Catalog {
    const known = this.catalog.overlays.find(({ id }) => overlays.includes(id));
    return known === undefined ? this.catalog : overlaid(this.catalog, known.id);
  }
}

function isAddressable(catalog: Catalog, control: string): boolean {
  const found = catalog.control(control);
  return found !== null && found.id === control && found.required === 'addressable';
}
