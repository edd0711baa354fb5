import type { JudgedControl, PackageFacts } from '../contents.js';
import { element, metadata, props, type Element } from './element.js';
import { controlId, oscalUuid } from './ids.js';
import { markup, markupLine, oscalString } from './text.js';

/** What several documents say in the same way. Files lie beside each other, in `oscal/`. */
export const CATALOG = 'catalog.json';
export const PROFILE = 'profile.json';
export const ASSESSMENT_PLAN = 'assessment-plan.json';

/** Nothing of OSCAL's has the time of making or the package's id: the same question gives the same documents. */
export const documentUuid = (root: string, { organization, scope, periodFrom, asOf, knownAt, catalog }: PackageFacts) =>
  oscalUuid(
    root,
    organization.id,
    scope.systemId ?? '',
    ...[periodFrom, asOf, knownAt].map((at) => at.toISOString()),
    catalog.digest,
  );

/** Of what the catalogue says whoever asks: it changes with the version of the catalogue alone. */
export const referenceUuid = (root: string, { catalog }: PackageFacts): string =>
  oscalUuid(root, catalog.digest, catalog.overlay ?? '');

export const referenceMetadata = (title: string, { catalog, rules }: PackageFacts): Element =>
  metadata({
    title,
    lastModified: `${rules.date}T00:00:00Z`,
    version: catalog.version,
    props: props({ 'catalog-digest': catalog.digest, overlay: catalog.overlay, review: rules.review.status }),
  });

export const partyUuid = ({ organization }: PackageFacts): string => oscalUuid('party', organization.id);

/** Of what is said of an organisation at an instant. */
export const instantMetadata = (title: string, facts: PackageFacts): Element => {
  const { organization, scope, periodFrom, asOf, knownAt, catalog } = facts;
  return metadata({
    title: `${title} of ${markupLine(organization.name)}`,
    lastModified: knownAt.toISOString(),
    version: knownAt.toISOString(),
    props: props({
      'organization-id': organization.id,
      'system-id': scope.systemId,
      'period-from': periodFrom.toISOString(),
      'as-of': asOf.toISOString(),
      'known-at': knownAt.toISOString(),
      'catalog-version': catalog.version,
      'catalog-digest': catalog.digest,
      overlay: catalog.overlay,
    }),
    parties: [
      {
        uuid: partyUuid(facts),
        type: 'organization',
        name: oscalString(organization.name) || '–',
        props: props({ 'organization-id': organization.id }),
      },
    ],
  });
};

/** Judged through other items: OSCAL knows satisfied and not satisfied alone, so these are not reviewed. */
export const isReviewed = ({ status }: JudgedControl): boolean => status !== 'not_applicable';

export const reviewedControls = (controls: readonly JudgedControl[], description: string): Element => ({
  'control-selections': [
    element({
      description: markup(description),
      ...(controls.some(isReviewed)
        ? { 'include-controls': controls.filter(isReviewed).map(({ id }) => ({ 'control-id': controlId(id) })) }
        : {}),
    }),
  ],
});

export const systemUuid = (id: string): string => oscalUuid('system', id);
export const practiceUuid = (id: string): string => oscalUuid('practice', id);
export const toolUuid = (tool: string): string => oscalUuid('tool', tool);
export const PLATFORM = oscalUuid('platform', 'safeguard');

/** Tools whose checks support a practice, by name. */
export const toolsOf = ({ rules }: PackageFacts): string[] =>
  [...new Set(rules.checks.filter(({ practices }) => practices.length > 0).map(({ tool }) => tool))].sort();
