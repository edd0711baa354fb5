import { Injectable } from '@nestjs/common';
import { Catalog } from '../catalog/catalog.js';
import { overlaid } from '../catalog/overlaid.js';
import type { Tx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import { OrganizationService } from '../organizations/organization.service.js';
import { SystemService } from '../organizations/system.service.js';
import { ResultsService } from '../results/results.service.js';
import type { Coming } from './signals.js';
import { daysOf, newestOf } from './sources.js';

/** A source of a system, by the name that people know the system by. */
export interface ComingTo extends Coming {
  readonly systemName: string;
}

@Injectable()
export class Sources {
  constructor(
    private readonly results: ResultsService,
    private readonly systems: SystemService,
    private readonly organizations: OrganizationService,
    private readonly catalog: Catalog,
  ) {}

  /** What reports of the systems that handle PHI, and when it last did. */
  async coming(tx: Tx, instant: Instant): Promise<ComingTo[]> {
    const { settings } = await this.organizations.settingsAsOf(tx, instant);
    const [overlay] = settings.overlays;
    const days = daysOf(overlay === undefined ? this.catalog : overlaid(this.catalog, overlay), settings.freshness);
    const found: ComingTo[] = [];
    for (const { id, name, phi } of await this.systems.systemsAsOf(tx, instant)) {
      if (phi === 'none') continue;
      const coverage = await this.results.findCoverage(tx, id, instant);
      found.push(...newestOf(id, coverage, days).map((coming) => ({ ...coming, systemName: name })));
    }
    return found;
  }
}
