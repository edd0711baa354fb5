import { describe, expect, it } from 'vitest';
import { effective, idOf, link } from '../../test/support/effective.js';
import { DEFAULT_RISK_MATRIX } from '../organizations/organization.schema.js';
import type { EffectiveRecord } from '../records/effective.js';
import type { Candidate, Neighbour } from '../records/rules.js';
import { analysisOf } from './fields.js';
import { keptMatrix } from './matrix.js';
import { riskFaults, riskNeighbours, scopeFaults } from './rules.js';

const NOW = new Date('2026-06-01T00:00:00Z');
const emr = { id: idOf('emr'), name: 'emr-production', phiNamespaces: ['emr'] };

const posture = { evidenceId: idOf('posture'), role: 'posture', name: 'posture.json' };
const candidate = (record: EffectiveRecord, said: Partial<Candidate> = {}): Candidate => {
  const { decidedAt: _, disposed: __, ...content } = record;
  return { ...content, kind: 'content', reason: null, ...said };
};
const neighbour = (record: EffectiveRecord, effectiveTo: Date | null = null): Neighbour => ({ ...record, effectiveTo });

const analysis = (fields: object = {}, name = 'analysis', from = '2026-05-20T00:00:00Z') =>
  effective(
    'risk_analysis',
    name,
    {
      method: 'SP 800-30',
      systems: [{ systemId: emr.id, version: '1.34' }],
      namespaces: [`${emr.id}/emr`],
      volumes: [],
      vendors: [idOf('imaging')],
      leftOut: [],
      assets: [{ name: 'Record system', ephi: true }],
      flows: [],
      matrix: keptMatrix(DEFAULT_RISK_MATRIX),
      conclusion: 'One risk.',
      ...fields,
    },
    { documents: [posture], from },
  );
const risk = (fields: object = {}, said: Partial<Candidate> = {}) =>
  candidate(
    effective('risk', 'R-1', {
      number: 'R-1',
      analysis: idOf('analysis'),
      asset: 'Record system',
      threat: 'Ransomware',
      vulnerability: 'No object lock',
      likelihood: 3,
      impact: 5,
      treatment: 'mitigate',
      treatmentOwner: idOf('treater'),
      dueOn: '2026-09-01',
      ...fields,
    }),
    said,
  );
const vendor = (name: string, from = '2026-01-01T00:00:00Z') =>
  neighbour(effective('vendor', name, { name }, { naturalKey: name, from }));

const pointers = (of: Candidate, neighbours: readonly Neighbour[] = []): string[] =>
  riskFaults(of, neighbours, NOW).map(({ pointer }) => pointer);

describe('what does an analysis need to be one?', () => {
  it('is a whole one without fault?', () => {
    expect(pointers(candidate(analysis()), [vendor('imaging')])).toEqual([]);
  });

  it('has it a matrix, and the posture that it rests on?', () => {
    expect(pointers(candidate(analysis({ matrix: undefined })))).toEqual(['/fields/matrix']);
    expect(pointers(candidate(analysis(), { documents: [{ ...posture, role: 'report' }] }))).toEqual(['/documents']);
  });

  it('does it name each vendor in effect, or leave it out by name?', () => {
    const faults = riskFaults(candidate(analysis()), [vendor('imaging'), vendor('Northern Labs')], NOW);
    expect(faults).toEqual([
      {
        pointer: '/fields/vendors',
        detail: 'Vendor Northern Labs is neither named nor left out.',
        extra: { vendorId: idOf('Northern Labs') },
      },
    ]);
    const leftOut = analysis({ leftOut: [{ what: 'northern labs', why: 'No ePHI.' }] });
    expect(pointers(candidate(leftOut), [vendor('Northern Labs')])).toEqual([]);
    // One that is only planned is none yet.
    expect(pointers(candidate(analysis()), [vendor('Later', '2026-07-01T00:00:00Z')])).toEqual([]);
  });

  it('does it follow the one before it?', () => {
    const previous = neighbour(analysis({}, 'previous', '2026-05-21T00:00:00Z'));
    const next = candidate(analysis({ previous: previous.id }));
    expect(riskNeighbours(next)).toEqual([{ types: ['vendor'] }, { types: ['risk_analysis'], ids: [previous.id] }]);
    expect(pointers(next, [previous])).toEqual(['/fields/previous']);
  });

  it('are fields of another shape a fault, and ends none?', () => {
    expect(pointers(candidate(analysis({ systems: 'all' })))).toEqual(['/fields']);
    expect(pointers(candidate(analysis({ matrix: undefined }), { kind: 'end' }))).toEqual([]);
    expect(riskNeighbours(candidate(analysis(), { kind: 'end' }))).toEqual([]);
  });
});

describe('does the scope name what the register has?', () => {
  const fieldsOf = (fields: object = {}) => {
    const read = analysisOf(analysis(fields));
    if (read === null) throw new Error('no analysis');
    return read;
  };
  const versions = new Map([[emr.id, '1.34']]);

  it('is a whole one without fault, also where no snapshot has told a version?', () => {
    expect(scopeFaults(fieldsOf(), [emr], versions)).toEqual([]);
    expect(scopeFaults(fieldsOf(), [emr], new Map())).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['a system that is not named', { systems: [], namespaces: [] }, '/fields/systems'],
    ['one that is named twice', { systems: [{ systemId: emr.id }, { systemId: emr.id }] }, '/fields/systems/1'],
    ['another version', { systems: [{ systemId: emr.id, version: '1.33' }] }, '/fields/systems/0/version'],
    ['a namespace with PHI that is not named', { namespaces: [] }, '/fields/namespaces'],
    [
      'a namespace of a system that is not named',
      { namespaces: [`${emr.id}/emr`, `${idOf('dr')}/emr`] },
      '/fields/namespaces/1',
    ],
  ])('is %s a fault?', (_, fields, pointer) => {
    expect(scopeFaults(fieldsOf(fields), [emr], versions).map((fault) => fault.pointer)).toEqual([pointer]);
  });

  it('may a system or a namespace be left out by name?', () => {
    const why = 'Another account.';
    const without = fieldsOf({ systems: [], namespaces: [], leftOut: [{ what: 'emr-production', why }] });
    expect(scopeFaults(without, [emr], versions)).toEqual([]);
    const partly = fieldsOf({ namespaces: [], leftOut: [{ what: 'emr-production/emr', why }] });
    expect(scopeFaults(partly, [emr], versions)).toEqual([]);
  });
});

describe('what does a risk need?', () => {
  it('is a whole one without fault, and does it ask for its analysis?', () => {
    expect(pointers(risk())).toEqual([]);
    expect(riskNeighbours(risk())).toEqual([{ types: ['risk_analysis'], ids: [idOf('analysis')] }]);
  });

  it('has it a day unless it is accepted?', () => {
    for (const treatment of ['mitigate', 'transfer', 'avoid']) {
      expect(pointers(risk({ treatment, dueOn: undefined }))).toEqual(['/fields/dueOn']);
    }
    expect(pointers(risk({ treatment: 'accept', dueOn: undefined }))).toEqual([]);
  });

  it('is its completion in the past, and shown?', () => {
    const documents = [{ evidenceId: idOf('done'), role: 'evidence', name: 'done.pdf' }];
    expect(pointers(risk({ completedOn: '2026-05-30' }))).toEqual(['/fields/completedOn']);
    expect(pointers(risk({ completedOn: '2026-05-30' }, { documents }))).toEqual([]);
    expect(pointers(risk({ completedOn: '2026-05-30' }, { links: [link('evidence', idOf('done'))] }))).toEqual([]);
    expect(pointers(risk({ completedOn: '2026-06-02' }, { documents }))).toEqual(['/fields/completedOn']);
  });

  it('are likelihood and impact afterwards said together, and no worse than before?', () => {
    expect(pointers(risk({ residualImpact: 2 }))).toEqual(['/fields/residualLikelihood']);
    expect(pointers(risk({ residualLikelihood: 2 }))).toEqual(['/fields/residualImpact']);
    const worse = risk({ residualLikelihood: 5, residualImpact: 5 });
    expect(pointers(worse, [neighbour(analysis())])).toEqual(['/fields/residualLikelihood']);
    expect(pointers(risk({ residualLikelihood: 1, residualImpact: 5 }), [neighbour(analysis())])).toEqual([]);
  });
});
