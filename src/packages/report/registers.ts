import { VENDOR_STATES, type VendorState } from '../../agreements/register.js';
import { analysisOf, type AnalysisMatrix } from '../../risks/fields.js';
import { levelOf, type RiskLevel } from '../../risks/matrix.js';
import type { RiskStanding } from '../../risks/standing.js';
import type { PackageFacts, PackageRows } from '../contents.js';
import { MOST, type Shown } from './readings.js';
import { Worst } from './worst.js';

/** Of the registers of a package what its report shows. Lines as `PackageRecords` gives them. */
export interface Registers {
  risks: Shown<RiskLine>;
  /** Of the risks that are not done with, how many have which likelihood and impact: row by row, the least likelihood with every impact first. */
  heat: readonly number[];
  /** Of the latest analysis that has one: it names the steps, and says which levels they give. */
  matrix: AnalysisMatrix | null;
  agreements: Shown<VendorLine>;
  exceptions: Shown<ExceptionLine>;
  decisions: Shown<DecisionLine>;
}

export interface RiskLine {
  title: string;
  isReadable: boolean;
  number?: string;
  asset?: string;
  threat?: string;
  vulnerability?: string;
  likelihood?: number;
  impact?: number;
  treatment?: string;
  dueOn?: string;
  level: RiskLevel | null;
  status: RiskStanding | null;
}

export interface VendorLine {
  name: string;
  role: string | null;
  states: readonly VendorState[];
  agreements: readonly { title: string; inForce: boolean; endsAt: string | null; termsMissing: readonly string[] }[];
}

export interface ExceptionLine {
  title: string;
  inForce: boolean;
  expiresAt: Date | null;
  reason: unknown;
  checks: readonly { source: string; check: string }[];
  results: readonly unknown[];
  practices: readonly string[];
}

export interface DecisionLine {
  title: string;
  inForce: boolean;
  until: Date | null;
  control?: string;
  outcome?: string;
  alternative?: string;
  standardMet?: string;
}

export async function readRegisters({ records }: PackageFacts, rows: PackageRows): Promise<Registers> {
  const heat = Array.from({ length: 25 }, () => 0);
  const risks = new Worst(MOST, byStanding);
  for await (const risk of linesOf<RiskLine>(rows, 'risks')) {
    risks.add(risk);
    const { likelihood, impact, status } = risk;
    if (status === 'Done' || likelihood === undefined || impact === undefined) continue;
    const cell = (likelihood - 1) * 5 + (impact - 1);
    heat[cell] = (heat[cell] ?? 0) + 1;
  }
  const worst = async <Line>(
    name: 'agreements' | 'exceptions' | 'decisions',
    compare: (one: Line, other: Line) => number,
  ) => {
    const found = new Worst(MOST, compare);
    for await (const line of linesOf<Line>(rows, name)) found.add(line);
    return found.shown();
  };
  return {
    risks: risks.shown(),
    heat,
    matrix: records.types.some(({ type }) => type === 'risk_analysis') ? await matrixOf(rows) : null,
    agreements: await worst<VendorLine>('agreements', (one, other) => gravity(one) - gravity(other)),
    exceptions: await worst<ExceptionLine>('exceptions', byEnd),
    decisions: await worst<DecisionLine>('decisions', (one, other) => Number(one.inForce) - Number(other.inForce)),
  };
}

async function* linesOf<Line>(
  rows: PackageRows,
  name: Parameters<PackageRows['register']>[0],
): AsyncGenerator<Line, void> {
  for await (const page of rows.register(name)) yield* page as Line[];
}

async function matrixOf(rows: PackageRows): Promise<AnalysisMatrix | null> {
  let latest: { goodFrom: Date; matrix: AnalysisMatrix } | null = null;
  for await (const page of rows.records('risk_analysis')) {
    for (const record of page) {
      const matrix = analysisOf(record)?.matrix;
      if (matrix !== undefined && (latest === null || record.goodFrom > latest.goodFrom)) {
        latest = { goodFrom: record.goodFrom, matrix };
      }
    }
  }
  return latest?.matrix ?? null;
}

const STANDINGS: readonly (RiskStanding | null)[] = [null, 'Overdue', 'Open', 'Accepted', 'Done'];
const LEVELS: readonly (RiskLevel | null)[] = ['critical', 'high', 'moderate', 'low', null];

/** What nobody can read first; then by how far its treatment is, and by level. */
const byStanding = (one: RiskLine, other: RiskLine): number =>
  STANDINGS.indexOf(one.status) - STANDINGS.indexOf(other.status) ||
  LEVELS.indexOf(one.level) - LEVELS.indexOf(other.level);

const gravity = ({ states: [worst] }: VendorLine): number =>
  worst === undefined ? VENDOR_STATES.length : VENDOR_STATES.indexOf(worst);

const byEnd = (one: ExceptionLine, other: ExceptionLine): number =>
  Number(other.inForce) - Number(one.inForce) ||
  (one.expiresAt?.getTime() ?? Infinity) - (other.expiresAt?.getTime() ?? Infinity);

/** The level of a cell of the heat map. */
export const cellLevel = (matrix: AnalysisMatrix | null, likelihood: number, impact: number): RiskLevel | null =>
  levelOf(matrix ?? undefined, likelihood, impact);
