import type { Practice } from '../../catalog/catalog.types.js';
import type { PackageFacts } from '../contents.js';
import { element, jsonDocument, NAMESPACE, type Element } from './element.js';
import { controlId, oscalUuid } from './ids.js';
import { CATALOG, referenceMetadata, referenceUuid, toolsOf, toolUuid } from './shared.js';
import { markup, markupLine, oscalString } from './text.js';

/** Practices on Kubernetes, a component for each section, with the paragraphs that they are for; and tools, with the practices that their checks support. */
export function componentDefinition(facts: PackageFacts): AsyncIterable<Uint8Array> {
  const sections = [...new Set(facts.practices.map(({ section }) => section))].sort();
  return jsonDocument('component-definition', {
    head: {
      uuid: referenceUuid('component-definition', facts),
      metadata: referenceMetadata('Practices on Kubernetes, and tools that look at them', facts),
      components: [
        ...sections.map((section) =>
          sectionComponent(
            facts,
            section,
            facts.practices.filter((practice) => practice.section === section),
          ),
        ),
        ...toolsOf(facts).map((tool) => toolComponent(facts, tool)),
      ],
    },
  });
}

function sectionComponent(facts: PackageFacts, section: string, practices: readonly Practice[]): Element {
  const requirements = facts.controls.flatMap(({ id }) => {
    const linked = (['primary', 'supporting'] as const).flatMap((link) =>
      practices.filter((practice) => practice[link].includes(id)).map((practice) => ({ link, practice })),
    );
    if (linked.length === 0) return [];
    return [
      {
        uuid: oscalUuid('implemented-requirement', section, id),
        'control-id': controlId(id),
        description: markup(...linked.map(({ practice }) => `${practice.id}: ${practice.summary}`)),
        props: linked.map(({ link, practice }) => ({
          name: 'practice',
          ns: NAMESPACE,
          value: practice.id,
          class: link,
        })),
      },
    ];
  });
  return element({
    uuid: oscalUuid('section', section),
    type: 'process-procedure',
    title: markupLine(`Practices: ${section}`),
    description: markup(...practices.map(({ id, summary }) => `${id}: ${summary}`)),
    'control-implementations':
      requirements.length === 0
        ? []
        : [
            {
              uuid: oscalUuid('control-implementation', section),
              source: CATALOG,
              description: markup(facts.rules.review.note),
              'implemented-requirements': requirements,
            },
          ],
  });
}

function toolComponent({ rules }: PackageFacts, tool: string): Element {
  const checks = new Map<string, string[]>();
  for (const check of rules.checks) {
    if (check.tool !== tool) continue;
    for (const practice of check.practices) checks.set(practice, [...(checks.get(practice) ?? []), check.id]);
  }
  return {
    uuid: toolUuid(tool),
    type: 'software',
    title: markupLine(tool),
    description: markup(
      'What it says supports practices. No number of its passes meets a paragraph that asks for a document.',
    ),
    props: [...checks].sort().map(([practice, ids]) => ({
      name: 'supports',
      ns: NAMESPACE,
      value: oscalString(practice),
      remarks: markup(`By its checks ${ids.sort().join(', ')}.`),
    })),
  };
}
