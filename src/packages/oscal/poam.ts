import type { PackageFacts, PackageRows } from '../contents.js';
import { findingOf, findingUuid } from './assessment-results.js';
import { element, jsonDocument, NAMESPACE, props, each, type Element } from './element.js';
import { oscalUuid } from './ids.js';
import { documentUuid, instantMetadata, partyUuid } from './shared.js';
import { dateTime, markup, markupLine } from './text.js';

/** Statuses that want something done. Of `excepted`, people have decided otherwise. */
const OPEN: ReadonlySet<string> = new Set(['failing', 'missing', 'stale', 'partial']);

/** A line of the register of risks. Of one that cannot be read all but its head is missing. */
interface RiskLine {
  recordId: string;
  version: number;
  title: string;
  ownerId: string;
  status: 'Open' | 'Overdue' | 'Done' | 'Accepted' | null;
  number?: string;
  asset?: string;
  threat?: string;
  vulnerability?: string;
  measures?: string;
  likelihood?: number;
  impact?: number;
  residualLikelihood?: number;
  residualImpact?: number;
  level: string | null;
  residualLevel: string | null;
  treatment?: 'mitigate' | 'accept' | 'transfer' | 'avoid';
  dueOn?: string;
  completedOn?: string;
}

/** A line of the register of exceptions. */
interface ExceptionLine {
  recordId: string;
  version: number;
  title: string;
  ownerId: string;
  inForce: boolean;
  expiresAt: Date | null;
  practices: readonly string[];
  checks: readonly { source: string; check: string }[];
  reason: unknown;
}

/** What is to be done: items that are not evidenced, and risks whose treatment is not done; with all risks, and what was accepted by exception. */
export function planOfActionAndMilestones(facts: PackageFacts, rows: PackageRows): AsyncIterable<Uint8Array> {
  const { posture, organization, scope } = facts;
  const open = posture.controls.filter(({ status }) => OPEN.has(status));
  const risks = () => linesOf<RiskLine>(rows, 'risks');
  return jsonDocument('plan-of-action-and-milestones', {
    head: {
      uuid: documentUuid('plan-of-action-and-milestones', facts),
      metadata: instantMetadata('Plan of action and milestones', facts),
      'system-id': { 'identifier-type': 'https://ietf.org/rfc/rfc4122', id: scope.systemId ?? organization.id },
    },
    lists: {
      risks: (async function* () {
        for await (const risk of risks()) yield riskOf(facts, risk);
        for await (const exception of linesOf<ExceptionLine>(rows, 'exceptions')) yield deviationOf(exception);
      })(),
      findings: each(open.map((control) => findingOf(facts, posture, control, []))),
      'poam-items': (async function* () {
        let isEmpty = true;
        for (const control of open) {
          isEmpty = false;
          yield {
            uuid: oscalUuid('poam-item', 'control', posture.systemId ?? organization.id, control.id),
            title: markupLine(`${control.id} is ${control.status}`),
            description: markup(control.reason),
            props: props({ control: control.id, status: control.status }),
            'related-findings': [{ 'finding-uuid': findingUuid(facts, posture, control.id) }],
          };
        }
        for await (const risk of risks()) {
          if (risk.status === 'Done' || risk.status === 'Accepted') continue;
          isEmpty = false;
          yield {
            uuid: oscalUuid('poam-item', 'risk', risk.recordId),
            title: markupLine(`Risk ${risk.number ?? risk.title}: ${(risk.status ?? 'not readable').toLowerCase()}`),
            description: markup(risk.measures ?? risk.title),
            props: props({ 'record-id': risk.recordId, status: risk.status, 'due-on': risk.dueOn }),
            'related-risks': [{ 'risk-uuid': riskUuid(risk.recordId) }],
          };
        }
        // OSCAL wants one at least.
        if (isEmpty) {
          yield {
            uuid: oscalUuid('poam-item', 'none', posture.systemId ?? organization.id),
            title: 'Nothing is open',
            description: markup('Every item has a status that asks for nothing, and no risk is without its treatment.'),
          };
        }
      })(),
    },
  });
}

/** As src/packages/records.ts writes them; registers are objects to whoever puts them into a table. */
async function* linesOf<Line>(rows: PackageRows, name: 'risks' | 'exceptions'): AsyncGenerator<Line, void> {
  for await (const page of rows.register(name)) yield* page as Line[];
}

const riskUuid = (recordId: string): string => oscalUuid('risk', recordId);

function riskOf(facts: PackageFacts, risk: RiskLine): Element {
  const { recordId, version, title, treatment, completedOn, dueOn, measures } = risk;
  const facet = (name: string, value: string | number | null | undefined, state: 'initial' | 'adjusted'): Element[] =>
    value === null || value === undefined
      ? []
      : [{ name, system: NAMESPACE, value: String(value), props: [{ name: 'state', value: state }] }];
  const facets = [
    ...facet('likelihood', risk.likelihood, 'initial'),
    ...facet('impact', risk.impact, 'initial'),
    ...facet('level', risk.level, 'initial'),
    ...facet('likelihood', risk.residualLikelihood, 'adjusted'),
    ...facet('impact', risk.residualImpact, 'adjusted'),
    ...facet('level', risk.residualLevel, 'adjusted'),
  ];
  const due = dueOn === undefined ? undefined : dateTime(`${dueOn}T23:59:59Z`);
  return element({
    uuid: riskUuid(recordId),
    title: markupLine(title),
    description: markup(`Asset: ${risk.asset ?? '–'}`, `Threat: ${risk.threat ?? '–'}`),
    statement: markup(`Vulnerability: ${risk.vulnerability ?? '–'}`),
    props: props({
      'record-id': recordId,
      version,
      number: risk.number,
      'owner-id': risk.ownerId,
      status: risk.status,
    }),
    status: risk.status === 'Done' ? 'closed' : risk.status === 'Accepted' ? 'deviation-approved' : 'open',
    characterizations:
      facets.length === 0 ? [] : [{ origin: { actors: [{ type: 'party', 'actor-uuid': partyUuid(facts) }] }, facets }],
    deadline: due,
    remediations:
      treatment === undefined
        ? []
        : [
            element({
              uuid: oscalUuid('remediation', recordId),
              lifecycle: completedOn === undefined ? 'planned' : 'completed',
              title: markupLine(`Treatment: ${treatment}`),
              description: markup(measures ?? 'No measures are written down.'),
              props: [{ name: 'type', value: treatment }, ...props({ 'completed-on': completedOn })],
              tasks:
                due === undefined
                  ? []
                  : [
                      {
                        uuid: oscalUuid('task', recordId),
                        type: 'milestone',
                        title: 'Treatment is done',
                        timing: { 'on-date': { date: due } },
                      },
                    ],
            }),
          ],
  });
}

/** An exception: failing results that were accepted. After its end it accepts nothing. */
function deviationOf({
  recordId,
  version,
  title,
  ownerId,
  inForce,
  expiresAt,
  reason,
  ...covers
}: ExceptionLine): Element {
  const what = [...covers.practices, ...covers.checks.map(({ source, check }) => `${source} ${check}`)];
  return element({
    uuid: oscalUuid('risk', 'exception', recordId),
    title: markupLine(title),
    description: markup(typeof reason === 'string' ? reason : 'No reason is to be read.'),
    statement: markup(what.length === 0 ? 'It covers single results.' : `It covers ${what.join(', ')}.`),
    props: props({ 'record-id': recordId, version, 'owner-id': ownerId, 'in-force': inForce }),
    status: inForce ? 'deviation-approved' : 'open',
    deadline: expiresAt === null ? undefined : dateTime(expiresAt),
  });
}
