import type { EffectiveFilter } from '../records/effective.js';
import type { Candidate, Neighbour, RecordFault } from '../records/rules.js';
import { analysisOf, riskOf, type AnalysisFields, type RiskFields } from './fields.js';
import { leftOutOf, type ScopedSystem } from './material-change.js';
import { levelOf } from './matrix.js';

/*
 * What the schemas of risk analyses, plans and risks cannot say (catalog/record-types/risk.yaml). Which systems are in scope, and what was frozen, other rooms know:
 * `scopeFaults` is asked with it.
 */

const unreadable = (type: string): RecordFault[] => [
  { pointer: '/fields', detail: `The fields are not those of a ${type}.` },
];

export function riskNeighbours({ type, kind, fields }: Candidate): EffectiveFilter[] {
  if (kind === 'end') return [];
  if (type === 'risk_analysis') {
    const { previous } = fields;
    return [
      { types: ['vendor'] },
      ...(typeof previous === 'string' ? [{ types: ['risk_analysis'], ids: [previous] }] : []),
    ];
  }
  if (type === 'risk' && typeof fields['analysis'] === 'string') {
    return [{ types: ['risk_analysis'], ids: [fields['analysis']] }];
  }
  return [];
}

export function riskFaults(candidate: Candidate, neighbours: readonly Neighbour[], now: Date): RecordFault[] {
  if (candidate.kind === 'end') return [];
  if (candidate.type === 'risk_analysis') return analysisFaults(candidate, neighbours, now);
  if (candidate.type === 'risk') return faultsOfRisk(candidate, neighbours, now);
  return [];
}

function analysisFaults(candidate: Candidate, neighbours: readonly Neighbour[], now: Date): RecordFault[] {
  const analysis = analysisOf(candidate);
  if (analysis === null) return unreadable('risk analysis');
  const faults: RecordFault[] = [];
  if (analysis.matrix === undefined) {
    faults.push({ pointer: '/fields/matrix', detail: 'Without a matrix its risks have no level.' });
  }
  if (!candidate.documents.some(({ role }) => role === 'posture')) {
    faults.push({
      pointer: '/documents',
      detail: 'Freeze the posture that it rests on: a document of the role posture.',
    });
  }
  const previous = neighbours.find(({ id, type }) => type === 'risk_analysis' && id === analysis.previous);
  if (previous !== undefined && previous.effectiveFrom > candidate.effectiveFrom) {
    faults.push({ pointer: '/fields/previous', detail: 'It comes into effect after this one.' });
  }
  const until = candidate.effectiveFrom > now ? candidate.effectiveFrom : now;
  const isLeftOut = leftOutOf(analysis);
  const vendors = neighbours.filter(({ type, effectiveFrom }) => type === 'vendor' && effectiveFrom <= until);
  for (const { id, naturalKey } of new Map(vendors.map((vendor) => [vendor.id, vendor])).values()) {
    if (analysis.vendors.includes(id) || isLeftOut(naturalKey)) continue;
    faults.push({
      pointer: '/fields/vendors',
      detail: `Vendor ${naturalKey} is neither named nor left out.`,
      extra: { vendorId: id },
    });
  }
  return faults;
}

/** What an analysis has to name of the register of systems, as it is now. `versions`: major and minor of the clusters, as far as snapshots have said them. */
export function scopeFaults(
  analysis: AnalysisFields,
  systems: readonly ScopedSystem[],
  versions: ReadonlyMap<string, string>,
): RecordFault[] {
  const isLeftOut = leftOutOf(analysis);
  const named = new Map<string, number>();
  const faults: RecordFault[] = [];
  for (const [index, { systemId, version }] of analysis.systems.entries()) {
    const pointer = `/fields/systems/${index}`;
    if (named.has(systemId)) faults.push({ pointer, detail: 'The system is named already.' });
    named.set(systemId, index);
    const known = versions.get(systemId);
    if (version !== undefined && known !== undefined && version !== known) {
      faults.push({ pointer: `${pointer}/version`, detail: `By its latest snapshot the cluster runs ${known}.` });
    }
  }
  for (const [index, namespace] of analysis.namespaces.entries()) {
    const [system = ''] = namespace.split('/');
    if (named.has(system)) continue;
    faults.push({
      pointer: `/fields/namespaces/${index}`,
      detail: 'Its system is not named: write <id of the system>/<name>.',
    });
  }
  const namespaces = new Set(analysis.namespaces);
  for (const { id, name, phiNamespaces } of systems) {
    if (isLeftOut(name)) continue;
    if (!named.has(id)) {
      faults.push({
        pointer: '/fields/systems',
        detail: `System ${name} is in scope, and neither named nor left out.`,
        extra: { systemId: id },
      });
      continue;
    }
    for (const namespace of phiNamespaces) {
      if (namespaces.has(`${id}/${namespace}`) || isLeftOut(`${name}/${namespace}`)) continue;
      faults.push({
        pointer: '/fields/namespaces',
        detail: `Namespace ${namespace} of ${name} holds PHI, and is neither named nor left out.`,
      });
    }
  }
  return faults;
}

function faultsOfRisk(candidate: Candidate, neighbours: readonly Neighbour[], now: Date): RecordFault[] {
  const risk = riskOf(candidate);
  if (risk === null) return unreadable('risk');
  return [...treatmentFaults(candidate, risk, now), ...residualFaults(risk, neighbours)];
}

function treatmentFaults(candidate: Candidate, risk: RiskFields, now: Date): RecordFault[] {
  const faults: RecordFault[] = [];
  if (risk.treatment !== 'accept' && risk.dueOn === undefined) {
    faults.push({ pointer: '/fields/dueOn', detail: 'What is not accepted has a day by which it is treated.' });
  }
  if (risk.completedOn === undefined) return faults;
  const pointer = '/fields/completedOn';
  if (Date.parse(risk.completedOn) > now.getTime()) {
    faults.push({ pointer, detail: 'It lies in the future: what has yet to come is not done.' });
  }
  const isShown = candidate.documents.length > 0 || candidate.links.some(({ kind }) => kind === 'evidence');
  if (!isShown) faults.push({ pointer, detail: 'Add or link the evidence that it was done.' });
  return faults;
}

/** A treatment that would make a risk worse was written the wrong way round. */
function residualFaults(risk: RiskFields, neighbours: readonly Neighbour[]): RecordFault[] {
  const { residualLikelihood, residualImpact } = risk;
  if ((residualLikelihood === undefined) !== (residualImpact === undefined)) {
    const missing = residualLikelihood === undefined ? 'residualLikelihood' : 'residualImpact';
    return [{ pointer: `/fields/${missing}`, detail: 'Likelihood and impact afterwards are said together.' }];
  }
  if (residualLikelihood === undefined || residualImpact === undefined) return [];
  const analysis = neighbours.find(({ id }) => id === risk.analysis);
  const matrix = analysis === undefined ? undefined : analysisOf(analysis)?.matrix;
  const before = levelOf(matrix, risk.likelihood, risk.impact);
  const after = levelOf(matrix, residualLikelihood, residualImpact);
  if (before === null || after === null || ORDER.indexOf(after) <= ORDER.indexOf(before)) return [];
  return [
    { pointer: '/fields/residualLikelihood', detail: `Afterwards the level would be ${after}, above ${before}.` },
  ];
}

const ORDER = ['low', 'moderate', 'high', 'critical'];
