import type { RISK_LEVELS, RiskMatrix } from '../organizations/organization.schema.js';
import type { AnalysisMatrix } from './fields.js';

export type RiskLevel = (typeof RISK_LEVELS)[number];

/** The steps of a matrix, of likelihood as of impact. */
const STEPS = 5;

/** The organisation's matrix as an analysis keeps it when it is begun: what is set later does not change what was found. */
export const keptMatrix = ({ likelihood, impact, level }: RiskMatrix): AnalysisMatrix => ({
  likelihood: [...likelihood],
  impact: [...impact],
  level: level.flat(),
});

/** The level that a likelihood and an impact give; null where the matrix has no such steps, or is not there. */
export function levelOf(matrix: AnalysisMatrix | undefined, likelihood: number, impact: number): RiskLevel | null {
  if (matrix === undefined || !isStep(likelihood) || !isStep(impact)) return null;
  return matrix.level[(likelihood - 1) * STEPS + (impact - 1)] ?? null;
}

const isStep = (step: number): boolean => Number.isInteger(step) && step >= 1 && step <= STEPS;
