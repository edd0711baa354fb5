import type { AnalysisFields, RiskFields } from './fields.js';
import { levelOf, type RiskLevel } from './matrix.js';

/** An analysis with the risks that are of it. */
export interface ComparedAnalysis {
  fields: AnalysisFields;
  risks: readonly { id: string; title: string; fields: RiskFields }[];
}

/** A risk as it is compared: its number is what it is known by in every analysis. */
export interface RiskState {
  recordId: string;
  title: string;
  likelihood: number;
  impact: number;
  /** By the matrix of its own analysis; null where that has none. */
  level: RiskLevel | null;
  treatment: RiskFields['treatment'];
}

export interface Difference {
  added: string[];
  gone: string[];
}

export interface AnalysisComparison {
  risks: {
    added: ({ number: string } & RiskState)[];
    gone: ({ number: string } & RiskState)[];
    changed: { number: string; before: RiskState; after: RiskState }[];
    unchanged: number;
  };
  scope: Record<'systems' | 'namespaces' | 'volumes' | 'vendors' | 'assets' | 'leftOut', Difference> & {
    /** Systems in both whose cluster ran another version. */
    versions: { systemId: string; before: string | null; after: string | null }[];
  };
  /** Whether levels were found by another matrix. */
  matrixChanged: boolean;
}

/** What changed from one analysis to another. */
export function compareAnalyses(before: ComparedAnalysis, after: ComparedAnalysis): AnalysisComparison {
  const was = statesOf(before);
  const is = statesOf(after);
  const changed: AnalysisComparison['risks']['changed'] = [];
  let unchanged = 0;
  for (const [number, state] of is) {
    const earlier = was.get(number);
    if (earlier === undefined) continue;
    if (isSame(earlier, state)) unchanged += 1;
    else changed.push({ number, before: earlier, after: state });
  }
  const only = (states: ReadonlyMap<string, RiskState>, others: ReadonlyMap<string, RiskState>) =>
    [...states].flatMap(([number, state]) => (others.has(number) ? [] : [{ number, ...state }]));
  const scope = (of: (fields: AnalysisFields) => readonly string[]): Difference =>
    difference(of(before.fields), of(after.fields));
  return {
    risks: { added: only(is, was), gone: only(was, is), changed, unchanged },
    scope: {
      systems: scope(({ systems }) => systems.map(({ systemId }) => systemId)),
      namespaces: scope(({ namespaces }) => namespaces),
      volumes: scope(({ volumes }) => volumes),
      vendors: scope(({ vendors }) => vendors),
      assets: scope(({ assets }) => assets.map(({ name }) => name)),
      leftOut: scope(({ leftOut }) => leftOut.map(({ what }) => what)),
      versions: versionsChanged(before.fields, after.fields),
    },
    matrixChanged: before.fields.matrix?.level.join() !== after.fields.matrix?.level.join(),
  };
}

/** By number, in the order of numbers. */
function statesOf({ fields: { matrix }, risks }: ComparedAnalysis): Map<string, RiskState> {
  const states = risks.map(({ id, title, fields }): [string, RiskState] => {
    const { likelihood, impact, treatment } = fields;
    const level = levelOf(matrix, likelihood, impact);
    return [fields.number, { recordId: id, title, likelihood, impact, level, treatment }];
  });
  return new Map(states.sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })));
}

const isSame = (a: RiskState, b: RiskState): boolean =>
  a.level === b.level && a.likelihood === b.likelihood && a.impact === b.impact && a.treatment === b.treatment;

function difference(before: readonly string[], after: readonly string[]): Difference {
  const was = new Set(before);
  const is = new Set(after);
  return {
    added: [...is].filter((one) => !was.has(one)).sort(),
    gone: [...was].filter((one) => !is.has(one)).sort(),
  };
}

function versionsChanged(before: AnalysisFields, after: AnalysisFields): AnalysisComparison['scope']['versions'] {
  const was = new Map(before.systems.map(({ systemId, version }) => [systemId, version ?? null]));
  return after.systems.flatMap(({ systemId, version = null }) => {
    const earlier = was.get(systemId);
    return earlier === undefined || earlier === version ? [] : [{ systemId, before: earlier, after: version }];
  });
}
