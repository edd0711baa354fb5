import { describe, expect, it } from 'vitest';
import { idOf } from '../../test/support/effective.js';
import { DEFAULT_RISK_MATRIX } from '../organizations/organization.schema.js';
import { compareAnalyses, type ComparedAnalysis } from './compare.js';
import type { AnalysisFields, RiskFields } from './fields.js';
import { keptMatrix } from './matrix.js';

const fields = (said: Partial<AnalysisFields> = {}): AnalysisFields => ({
  method: 'SP 800-30',
  systems: [{ systemId: 'emr', version: '1.34' }],
  namespaces: ['emr/emr'],
  volumes: ['emr/data'],
  vendors: ['imaging'],
  leftOut: [{ what: 'marketing', why: 'No ePHI.' }],
  assets: [{ name: 'Record system', ephi: true }],
  flows: [],
  matrix: keptMatrix(DEFAULT_RISK_MATRIX),
  conclusion: 'One risk.',
  ...said,
});
const risk = (number: string, said: Partial<RiskFields> = {}): ComparedAnalysis['risks'][number] => ({
  id: idOf(number),
  title: `Risk ${number}`,
  fields: {
    number,
    analysis: 'a',
    asset: 'Record system',
    threat: 'Ransomware',
    vulnerability: 'No object lock',
    likelihood: 3,
    impact: 5,
    treatment: 'mitigate',
    treatmentOwner: idOf('treater'),
    ...said,
  },
});

describe('what has changed from one analysis to the next?', () => {
  it('does nothing differ from itself?', () => {
    const same = { fields: fields(), risks: [risk('R-1')] };
    const nothing = { added: [], gone: [] };
    expect(compareAnalyses(same, same)).toEqual({
      risks: { ...nothing, changed: [], unchanged: 1 },
      scope: {
        ...{ systems: nothing, namespaces: nothing, volumes: nothing, vendors: nothing },
        ...{ assets: nothing, leftOut: nothing, versions: [] },
      },
      matrixChanged: false,
    });
  });

  it('are risks told apart by their numbers: added, gone, of another level or treatment?', () => {
    const before = { fields: fields(), risks: [risk('R-2'), risk('R-1'), risk('R-3'), risk('R-10')] };
    const after = {
      fields: fields(),
      risks: [risk('R-11'), risk('R-10', { treatment: 'accept' }), risk('R-2', { likelihood: 5 }), risk('R-3')],
    };
    const { risks } = compareAnalyses(before, after);
    expect(risks.added.map(({ number }) => number)).toEqual(['R-11']);
    expect(risks.gone.map(({ number, level }) => [number, level])).toEqual([['R-1', 'high']]);
    expect(
      risks.changed.map(({ number, before, after }) => [number, before.level, after.level, after.treatment]),
    ).toEqual([
      ['R-2', 'high', 'critical', 'mitigate'],
      ['R-10', 'high', 'high', 'accept'],
    ]);
    expect(risks.unchanged).toBe(1);
  });

  it('is each level that of its own matrix?', () => {
    const strict = { ...keptMatrix(DEFAULT_RISK_MATRIX), level: Array<'critical'>(25).fill('critical') };
    const compared = compareAnalyses(
      { fields: fields(), risks: [risk('R-1')] },
      { fields: fields({ matrix: strict }), risks: [risk('R-1')] },
    );
    expect(compared.matrixChanged).toBe(true);
    expect(compared.risks.changed.map(({ before, after }) => [before.level, after.level])).toEqual([
      ['high', 'critical'],
    ]);
  });

  it('is every part of the scope compared?', () => {
    const { scope } = compareAnalyses(
      { fields: fields(), risks: [] },
      {
        fields: fields({
          systems: [{ systemId: 'emr', version: '1.35' }, { systemId: 'dr' }],
          namespaces: ['dr/emr'],
          volumes: [],
          vendors: ['imaging', 'lab'],
          assets: [{ name: 'Backups', ephi: true }],
          leftOut: [],
        }),
        risks: [],
      },
    );
    expect(scope).toEqual({
      systems: { added: ['dr'], gone: [] },
      namespaces: { added: ['dr/emr'], gone: ['emr/emr'] },
      volumes: { added: [], gone: ['emr/data'] },
      vendors: { added: ['lab'], gone: [] },
      assets: { added: ['Backups'], gone: ['Record system'] },
      leftOut: { added: [], gone: ['marketing'] },
      versions: [{ systemId: 'emr', before: '1.34', after: '1.35' }],
    });
  });
});
