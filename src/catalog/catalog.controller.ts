import { Controller } from '@nestjs/common';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage, type Page } from '../kernel/http/page.js';
import { Refusal } from '../kernel/http/problem.js';
import {
  catalogInfo,
  checkTrace,
  checkViews,
  controlSummaries,
  controlView,
  gapsView,
  practiceSummaries,
  practiceView,
  type CheckView,
} from './catalog.api.js';
import { Catalog } from './catalog.js';
import {
  getCatalog,
  getControl,
  getGaps,
  getPractice,
  listChecks,
  listControls,
  listPractices,
  traceCheck,
} from './catalog.operations.js';
import { loadRelease, releasedVersions } from './load.js';
import { overlaid } from './overlaid.js';

/** Reference data: the same for every tenant, so no transaction and no organisation. */
@Controller()
export class CatalogController {
  private readonly releases = new Map<string, Catalog>();

  constructor(private readonly catalog: Catalog) {}

  @Endpoint(getCatalog)
  info(@Call() call: CallOf<typeof getCatalog>) {
    return { ...catalogInfo(this.under(call.query)), releases: releasedVersions() };
  }

  @Endpoint(listControls)
  controls(@Call() call: CallOf<typeof listControls>) {
    const { family, type, required } = call.query;
    const items = controlSummaries(this.under(call.query)).filter(
      (control) =>
        (family === undefined || control.family === family) &&
        (type === undefined || control.type === type) &&
        (required === undefined || control.required === required),
    );
    return { items };
  }

  @Endpoint(getControl)
  control(@Call() call: CallOf<typeof getControl>) {
    return found(controlView(this.under(call.query), call.params.controlId), 'control');
  }

  @Endpoint(listPractices)
  practices(@Call() call: CallOf<typeof listPractices>) {
    return { items: practiceSummaries(this.under(call.query)) };
  }

  @Endpoint(getPractice)
  practice(@Call() call: CallOf<typeof getPractice>) {
    return found(practiceView(this.under(call.query), call.params.practiceId), 'practice');
  }

  @Endpoint(listChecks)
  checks(@Call() call: CallOf<typeof listChecks>): Page<CheckView> {
    const { tool, practice, version, cursor, limit } = call.query;
    const after = decodeCursor(cursor, ['text', 'text']);
    const catalog = this.released(version);
    if (tool !== undefined && catalog.reportsOf(tool).length === 0) {
      throw new Refusal('invalid-request', 'The catalogue has no such tool.', { pointer: 'query/tool' });
    }
    const rest = this.checkViews(catalog, practice)
      .filter((check) => tool === undefined || check.tool === tool)
      .map((view) => ({ view, key: [view.tool, view.id] as const }))
      .sort((a, b) => compare(a.key, b.key))
      .filter(({ key }) => after === null || compare(key, after) > 0);
    return toPage(
      rest.slice(0, limit + 1),
      limit,
      ({ view }) => view,
      ({ key }) => key,
    );
  }

  @Endpoint(traceCheck)
  trace(@Call() call: CallOf<typeof traceCheck>) {
    return found(checkTrace(this.under(call.query), call.query.tool, call.query.check), 'check');
  }

  @Endpoint(getGaps)
  gaps(@Call() call: CallOf<typeof getGaps>) {
    return gapsView(this.under(call.query));
  }

  private checkViews(catalog: Catalog, practice: string | undefined): CheckView[] {
    if (practice === undefined) return checkViews(catalog);
    const view = practiceView(catalog, practice);
    if (view === null) {
      throw new Refusal('invalid-request', 'The catalogue has no such practice.', { pointer: 'query/practice' });
    }
    return view.checks;
  }

  private under({ version, overlay }: { version?: string | undefined; overlay?: string | undefined }): Catalog {
    const catalog = this.released(version);
    if (overlay === undefined) return catalog;
    if (!catalog.overlays.some(({ id }) => id === overlay)) {
      throw new Refusal('invalid-request', 'The catalogue has no such overlay.', { pointer: 'query/overlay' });
    }
    return overlaid(catalog, overlay);
  }

  /** Releases are read once each: there are as many as the program ships. */
  private released(version: string | undefined): Catalog {
    if (version === undefined || version === this.catalog.version) return this.catalog;
    if (!releasedVersions().includes(version)) {
      throw new Refusal('invalid-request', 'There is no such released version of the catalogue.', {
        pointer: 'query/version',
      });
    }
    const known = this.releases.get(version) ?? loadRelease(version);
    this.releases.set(version, known);
    return known;
  }
}

function found<View>(view: View | null, what: string): View {
  if (view === null) throw new Refusal('not-found', `The catalogue has no such ${what}.`);
  return view;
}

/** By tool, then id, in code units: the same order on every machine. */
function compare([toolA, idA]: readonly [string, string], [toolB, idB]: readonly [string, string]): number {
  if (toolA !== toolB) return toolA < toolB ? -1 : 1;
  return idA === idB ? 0 : idA < idB ? -1 : 1;
}
