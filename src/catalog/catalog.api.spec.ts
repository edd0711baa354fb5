import { describe, expect, it } from 'vitest';
import {
  CatalogInfo,
  CheckTrace,
  CheckView,
  ControlSummary,
  ControlView,
  GapsView,
  PracticeSummary,
  PracticeView,
  catalogInfo,
  checkTrace,
  checkViews,
  controlSummaries,
  controlView,
  gapsView,
  practiceSummaries,
  practiceView,
} from './catalog.api.js';
import { currentCatalog } from './load.js';

const catalog = currentCatalog();

describe('do the views keep the shapes that the API declares?', () => {
  it.each([
    ['in force', catalog],
    ['under the overlay', catalog.withOverlay('nprm-2025')],
  ])('%s', (_name, version) => {
    CatalogInfo.parse({ ...catalogInfo(version), releases: [] });
    ControlSummary.array().parse(controlSummaries(version));
    PracticeSummary.array().parse(practiceSummaries(version));
    CheckView.array().parse(checkViews(version));
    GapsView.parse(gapsView(version));
    for (const { id } of version.controls) ControlView.parse(controlView(version, id));
    for (const { id } of version.practices) PracticeView.parse(practiceView(version, id));
    for (const { tool, id } of version.checks) CheckTrace.parse(checkTrace(version, tool, id));
  });
});

describe('is it seen what supports what, both ways?', () => {
  it('from a control down to checks, and from a check up to the control', () => {
    const view = controlView(catalog, '164.312(a)(1)')!;
    const practice = view.practices.find(({ id }) => id === 'run-as-non-root')!;
    expect(practice.checks.map(({ tool, id }) => `${tool} ${id}`)).toContain('trivy KSV-0012');
    const up = checkTrace(catalog, 'trivy', 'KSV012')!.controls;
    expect(up).toContainEqual({
      practice: 'run-as-non-root',
      control: '164.312(a)(1)',
      link: practice.link,
      counts: true,
    });
  });

  it('does no check stand under a physical safeguard, though a practice links them?', () => {
    const view = controlView(catalog, '164.310(a)(1)')!;
    expect(view.practices.map(({ id }) => id)).toContain('restricted-console-access');
    expect(view.practices.flatMap(({ checks }) => checks)).toEqual([]);
    const check = catalog.checksOf('restricted-console-access')[0]!;
    const trace = checkTrace(catalog, check.tool, check.id)!;
    expect(trace.controls.find(({ control }) => control === '164.310(a)(1)')?.counts).toBe(false);
  });

  it('does an unknown id have no view?', () => {
    expect(controlView(catalog, '164.999')).toBeNull();
    expect(practiceView(catalog, 'no-such')).toBeNull();
    expect(checkTrace(catalog, 'trivy', 'KSV0012')).toBeNull();
    expect(checkViews(catalog, 'no-such')).toEqual([]);
  });
});
