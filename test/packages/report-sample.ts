import { currentCatalog } from '../../src/catalog/load.js';
import type { CitedItem } from '../../src/packages/citations.js';
import type { PackageFacts } from '../../src/packages/contents.js';
import type { Readings } from '../../src/packages/report/readings.js';
import type { Registers } from '../../src/packages/report/registers.js';
import type { OrganizationPosture } from '../../src/posture/organization.schema.js';
import { noStatuses, STATEMENT } from '../../src/posture/posture.schema.js';
import { countStatuses, STATUSES, type Status } from '../../src/posture/status.js';
import { logOf } from './log-sample.js';

const catalog = currentCatalog();
const AT = new Date('2026-11-23T09:00:00Z');
const ID = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a30';
export const SYSTEM = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03';

const daysAgo = (days: number): Date => new Date(AT.getTime() - days * 86_400_000);

/** A posture over the catalogue's items and practices, by the name of whose system is given. */
export function postureOf(statusOf: (index: number) => Status, name = 'emr'): OrganizationPosture {
  const many = (index: number) => ({
    status: statusOf(index),
    reason: `Because of ${name}.`,
    systems: noStatuses,
    needs: [],
    places: [],
  });
  const controls = catalog.controls.map(({ id, title, citation, family, type, required, needs }, index) => ({
    ...{ id, title, citation, family, type, required, overlay: null, decisionId: null, practices: [] },
    ...many(index),
    ...(needs === 'nothing' ? { status: 'not_applicable' as const } : {}),
  }));
  const practices = catalog.practices.map(({ id, section, summary, automation }, index) => ({
    ...{ id, section, summary, automation, records: [] },
    ...many(index),
  }));
  const counts = {
    controls: countStatuses(controls.map(({ status }) => status)),
    proposed: noStatuses,
    practices: countStatuses(practices.map(({ status }) => status)),
  };
  return {
    organizationId: SYSTEM,
    systemId: null,
    asOf: AT.toISOString(),
    knownAt: AT.toISOString(),
    catalog: { version: catalog.version, digest: catalog.digest, overlay: null, organizationChecks: 0 },
    settingsVersion: 1,
    review: { status: 'proposed', note: 'No named reviewer has signed the links yet.' },
    statement: STATEMENT,
    counts,
    controls,
    practices,
    systems: [{ id: SYSTEM, name, environment: 'production', counts }],
    excluded: [{ id: ID, name: `${name} test`, reason: 'It was registered as handling no PHI.' }],
    moreSystems: 0,
    blindSystems: [{ systemId: SYSTEM, name, targets: 2 }],
    moreBlindSystems: 0,
    controlsWithoutPractice: ['164.412'],
    controlsWithoutScanner: ['164.310(a)(1)'],
  };
}

/** Every status there is, one after the other. */
export const mixed = (index: number): Status => STATUSES[index % STATUSES.length] ?? 'missing';

/** `name`: of whatever has a name. */
export function factsOf(posture: OrganizationPosture, name = 'Lakeside'): PackageFacts {
  const record = {
    ...{ recordId: ID, version: 1, type: 'policy', title: name, submittedBy: ID, decidedBy: SYSTEM },
    ...{ effectiveFrom: daysAgo(100), expiresAt: null, endedAt: null, decidedAt: daysAgo(100), documents: [] },
  };
  return {
    id: ID,
    organization: { id: SYSTEM, name },
    scope: { systemId: null },
    periodFrom: daysAgo(365),
    asOf: AT,
    knownAt: AT,
    requestedAt: AT,
    systems: [{ id: SYSTEM, version: 1, name, environment: 'production', phi: 'stores', phiNamespaces: [] }],
    catalog: { version: catalog.version, digest: catalog.digest, overlay: null },
    rules: catalog,
    controls: catalog.controls,
    practices: catalog.practices,
    systemPostures: [SYSTEM],
    posture,
    records: {
      types: [{ type: 'policy', title: 'Policy', count: 1, fields: ['name'] }],
      pastTypes: [],
      ofControl: new Map([['164.308(a)(1)(i)', [record]]]),
    },
    evidence: [],
    faults: [],
    alteredRows: [],
    anchors: null,
    log: logOf(ID),
  };
}

/** What a comparison has found of a row. */
export const ALTERED: PackageFacts['alteredRows'][number] = {
  ...{ table: 'member', id: SYSTEM, foundAt: AT, reason: 'the row has another role' },
  kind: 'member',
};

/** Its items, with the policies that name them. */
export const itemsOf = ({ controls, posture, records }: PackageFacts): CitedItem[] =>
  posture.controls.map(({ id, status, reason }) => {
    const control = controls.find((one) => one.id === id);
    const policies = (records.ofControl.get(id) ?? []).map((record) => ({ ...record, documents: [] }));
    return {
      ...{
        id,
        citation: control?.citation ?? '',
        title: control?.title ?? '',
        required: control?.required ?? '',
        status,
        reason,
      },
      ...{ policies, earlierPolicies: [], practices: [], records: [], linked: [], exceptions: [], decisions: [] },
    };
  });

export function readingsOf(posture: OrganizationPosture, name = 'emr'): Readings {
  return {
    posture,
    trend: [
      { at: daysAgo(365), controls: null },
      { at: daysAgo(180), controls: { ...noStatuses, missing: 90, partial: 25 } },
      { at: AT, controls: posture.counts.controls },
    ],
    keys: {
      total: 2,
      items: [
        {
          ...{ system: name, name: `${name} etcd`, state: 'overdue', reasons: [`Key ${name} is overdue.`] },
          ...{ createdAt: daysAgo(500), rotatedAt: [daysAgo(200)], dueAt: daysAgo(20), policyDays: 180 },
        },
        {
          ...{ system: name, name: 'tls', state: 'ok', reasons: [] },
          ...{ createdAt: daysAgo(90), rotatedAt: [], dueAt: null, policyDays: null },
        },
      ],
    },
    objectives: {
      total: 1,
      items: [
        {
          ...{ system: name, scope: name, criticality: 'critical', rpoMinutes: 1500, rtoMinutes: 240 },
          lines: [
            {
              namespace: name,
              lastBackupAt: daysAgo(1),
              breaches: [
                { from: daysAgo(365), to: daysAgo(300), minutes: 93_600, lastBackupAt: null },
                { from: daysAgo(100), to: daysAgo(99), minutes: 1440, lastBackupAt: daysAgo(102) },
              ],
            },
          ],
          lastTest: { completedAt: daysAgo(30), missed: 'it took 300 minutes, and the objective (RTO) is 240' },
        },
      ],
    },
    freshness: {
      total: 1,
      items: [{ system: name, source: 'kube-bench/node', targets: [3, 2, 0, 0, 1], oldestAt: daysAgo(200) }],
    },
  };
}

export function registersOf(name = 'emr'): Registers {
  const steps = ['Rare', 'Unlikely', 'Possible', 'Likely', name];
  const heat = Array.from({ length: 25 }, () => 0);
  heat[14] = 1;
  return {
    risks: {
      total: 1,
      items: [
        {
          ...{
            title: name,
            isReadable: true,
            number: 'R-1',
            asset: name,
            threat: 'Ransomware',
            vulnerability: 'No lock',
          },
          ...{ likelihood: 3, impact: 5, treatment: 'mitigate', dueOn: '2026-02-01', level: 'high', status: 'Overdue' },
        },
      ],
    },
    heat,
    matrix: {
      likelihood: steps,
      impact: steps,
      level: Array.from({ length: 25 }, (_, at) => (at > 13 ? 'high' : 'low')),
    },
    agreements: {
      total: 1,
      items: [
        {
          ...{ name, role: 'business_associate', states: ['terms-missing'] },
          agreements: [{ title: name, inForce: true, endsAt: '2027-01-01T00:00:00.000Z', termsMissing: ['504e2i'] }],
        },
      ],
    },
    exceptions: {
      total: 1,
      items: [
        {
          ...{ title: name, inForce: true, expiresAt: daysAgo(-30), reason: name },
          ...{ checks: [{ source: 'kyverno', check: name }], results: [{}], practices: ['run-as-non-root'] },
        },
      ],
    },
    decisions: {
      total: 1,
      items: [
        {
          title: name,
          inForce: false,
          until: null,
          control: '164.312(a)(2)(iii)',
          outcome: 'alternative',
          alternative: name,
        },
      ],
    },
  };
}

/** Nothing is kept and nothing was ever seen. */
export function emptyReadings(posture: OrganizationPosture): Readings {
  const none = { total: 0, items: [] };
  return {
    posture,
    trend: [{ at: AT, controls: posture.counts.controls }],
    keys: none,
    objectives: none,
    freshness: none,
  };
}

export const NO_REGISTERS: Registers = {
  ...{ risks: { total: 0, items: [] }, heat: Array.from({ length: 25 }, () => 0), matrix: null },
  ...{ agreements: { total: 0, items: [] }, exceptions: { total: 0, items: [] }, decisions: { total: 0, items: [] } },
};
