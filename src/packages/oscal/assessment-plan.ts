import type { Practice } from '../../catalog/catalog.types.js';
import type { PackageFacts } from '../contents.js';
import { each, element, jsonDocument, props, type Element } from './element.js';
import { controlId, oscalUuid } from './ids.js';
import {
  documentUuid,
  instantMetadata,
  PLATFORM,
  practiceUuid,
  reviewedControls,
  systemUuid,
  toolsOf,
  toolUuid,
} from './shared.js';
import { markup, markupLine } from './text.js';

const NO_PLAN = oscalUuid('resource', 'system-security-plan');
const TASK = oscalUuid('task', 'evaluation');

/** What is looked at, where, how and with what: the practices as activities over the systems. */
export function assessmentPlan(facts: PackageFacts): AsyncIterable<Uint8Array> {
  const { systems, practices, posture, periodFrom, asOf } = facts;
  const tools = toolsOf(facts);
  return jsonDocument('assessment-plan', {
    head: {
      uuid: documentUuid('assessment-plan', facts),
      metadata: instantMetadata('Assessment plan', facts),
      'import-ssp': { href: `#${NO_PLAN}` },
      'local-definitions': element({
        components: systems.map((system) => ({
          uuid: systemUuid(system.id),
          type: 'system',
          title: markupLine(system.name),
          description: markup(`An information system in scope (${system.environment}); it ${PHI[system.phi]}.`),
          props: props({ 'system-id': system.id, environment: system.environment, phi: system.phi }),
          status: { state: 'operational' },
        })),
        activities: practices.map(activityOf),
      }),
      'reviewed-controls': reviewedControls(
        posture.controls,
        'Every item of the catalogue but those that are judged through others alone.',
      ),
      'assessment-subjects':
        systems.length === 0
          ? []
          : [
              {
                type: 'component',
                'include-subjects': systems.map(({ id }) => ({ 'subject-uuid': systemUuid(id), type: 'component' })),
              },
            ],
      'assessment-assets': {
        components: tools.map((tool) => ({
          uuid: toolUuid(tool),
          type: 'software',
          title: markupLine(tool),
          description: markup('A tool of which reports are read.'),
          status: { state: 'operational' },
        })),
        'assessment-platforms': [
          element({
            uuid: PLATFORM,
            title: 'Safeguard',
            'uses-components': tools.map((tool) => ({ 'component-uuid': toolUuid(tool) })),
          }),
        ],
      },
      tasks: [
        element({
          uuid: TASK,
          type: 'action',
          title: 'Say of each practice and each item what is evidenced',
          timing: { 'within-date-range': { start: periodFrom.toISOString(), end: asOf.toISOString() } },
          'associated-activities': practices.map(({ id }) => ({
            'activity-uuid': practiceUuid(id),
            subjects: [{ type: 'component', 'include-all': {} }],
          })),
        }),
      ],
    },
    resources: each([
      {
        uuid: NO_PLAN,
        title: 'Systems in scope',
        description: markup(
          'There is no system security plan in OSCAL. What it would say of the systems is here: their names, environments and what they do with PHI.',
        ),
        rlinks: [{ href: '../index.json', 'media-type': 'application/json' }],
      },
    ]),
  });
}

const PHI = {
  stores: 'stores PHI',
  processes: 'processes PHI',
  transmits: 'transmits PHI',
  none: 'handles no PHI',
} as const;

function activityOf(practice: Practice): Element {
  const { id, summary, primary, scannerFreshness, automation, records, kubernetes, outsideCluster } = practice;
  const steps = [
    ...kubernetes.map(({ kind, path, expected }) => `Test: ${kind}, ${path}: ${expected}`),
    ...outsideCluster.map(
      ({ source, path, expected }) => `Test outside of the cluster: ${source}, ${path}: ${expected}`,
    ),
    ...records.map(({ type, what }) => `Examine: ${what} (record ${type})`),
  ];
  return element({
    uuid: practiceUuid(id),
    title: markupLine(id),
    description: markup(summary),
    props: props({ practice: id, automation, 'max-age-days': scannerFreshness.maxAgeDays }),
    steps: steps.map((step, index) => ({
      uuid: oscalUuid('step', id, String(index)),
      description: markup(step),
    })),
    ...(primary.length === 0
      ? {}
      : {
          'related-controls': {
            'control-selections': [
              { 'include-controls': primary.map((control) => ({ 'control-id': controlId(control) })) },
            ],
          },
        }),
  });
}
