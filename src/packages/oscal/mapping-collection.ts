import type { Crosswalk } from '../../catalog/catalog.types.js';
import type { PackageFacts } from '../contents.js';
import { each, jsonDocument, NAMESPACE, type Element } from './element.js';
import { controlId, oscalUuid } from './ids.js';
import { CATALOG, referenceMetadata, referenceUuid } from './shared.js';
import { markup, markupLine } from './text.js';

/** NIST's own OSCAL of what is mapped to, where there is one: its ids are written differently there. */
const SP_800_53 = 'nist-sp-800-53-r5';
const TARGETS: Readonly<Record<string, string>> = {
  [SP_800_53]:
    'https://raw.githubusercontent.com/usnistgov/oscal-content/main/nist.gov/SP800-53/rev5/json/NIST_SP-800-53_rev5_catalog.json',
};

/** NIST's CPRT names the same paragraphs otherwise; nothing else is said to be the same. */
const SAME = 'nist-cprt';

/** What the paragraphs have in common with other frameworks, as NIST says it or as the catalogue derives it. */
export function mappingCollection(facts: PackageFacts): AsyncIterable<Uint8Array> {
  const crosswalks = facts.rules.crosswalks.filter(({ subject }) => subject === 'control');
  return jsonDocument('mapping-collection', {
    head: {
      uuid: referenceUuid('mapping-collection', facts),
      metadata: referenceMetadata('From 45 CFR Part 164 to other frameworks', facts),
      provenance: {
        method: 'human',
        'matching-rationale': 'semantic',
        status: 'not-complete',
        'mapping-description': markup(
          'That a link is absent proves nothing, and to meet what is linked is not to meet the rule.',
        ),
      },
      mappings: crosswalks.map((crosswalk) => mappingOf(facts, crosswalk)),
    },
    resources: each(
      crosswalks.map(({ id, title, source }) => ({
        uuid: targetUuid(id),
        title: markupLine(title),
        description: markup(source),
        ...(TARGETS[id] === undefined ? {} : { rlinks: [{ href: TARGETS[id], 'media-type': 'application/json' }] }),
      })),
    ),
  });
}

const targetUuid = (crosswalk: string): string => oscalUuid('resource', 'crosswalk', crosswalk);

function mappingOf(facts: PackageFacts, { id, basis, source, links }: Crosswalk): Element {
  const known = new Set(facts.controls.map((control) => control.id));
  return {
    uuid: oscalUuid('mapping', id),
    method: basis === 'derived' ? 'hybrid' : 'human',
    'source-resource': { type: 'catalog', href: CATALOG },
    'target-resource': { type: 'catalog', href: `#${targetUuid(id)}` },
    'mapping-description': markup(`${basis}: ${source}.`),
    maps: Object.entries(links)
      .filter(([control]) => known.has(control))
      .map(([control, targets]) => ({
        uuid: oscalUuid('map', id, control),
        // NIST's catalogues say that two are related, and do not say how.
        ...(id === SAME ? { relationship: 'equal-to' } : { ns: NAMESPACE, relationship: 'related-to' }),
        sources: [{ type: 'control', 'id-ref': controlId(control) }],
        targets: targets.map((target) => ({
          type: 'control',
          'id-ref': id === SP_800_53 ? target.toLowerCase().replace('(', '.').replace(')', '') : target,
        })),
      })),
  };
}
