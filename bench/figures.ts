/** One line of the output. */
export interface Figure {
  bench: string;
  figure: string;
  /** The median when there were several rounds. */
  value: number;
  unit: string;
  /** Of each round. */
  rounds?: readonly number[];
  /** What it is compared with is named beside it. */
  ratio?: number;
  /** Of the ratio, where there is one. */
  goal?: Goal;
  [detail: string]: unknown;
}

export interface Goal {
  text: string;
  isReached(value: number): boolean;
}

export const atLeast = (bound: number): Goal => ({ text: `≥ ${bound}`, isReached: (value) => value >= bound });
export const atMost = (bound: number): Goal => ({ text: `≤ ${bound}`, isReached: (value) => value <= bound });

/** To stdout, for programs. */
export function report({ goal, ...figure }: Figure): void {
  const judged = goal && { goal: goal.text, reached: goal.isReached(figure.ratio ?? figure.value) };
  process.stdout.write(
    `${JSON.stringify({ ...figure, ...judged }, (_, value: unknown) => (typeof value === 'number' ? rounded(value) : value))}\n`,
  );
}

/** What could not be measured is said where its figure would stand. */
export function reportMissing(bench: string, figure: string, why: string): void {
  process.stdout.write(`${JSON.stringify({ bench, figure, value: null, missing: why })}\n`);
}

/** To stderr, for people who wait. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Linear between the neighbours (type 7 of Hyndman and Fan, as in R and NumPy). */
export function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * at;
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) throw new Error('no values');
  return below + (above - below) * (position % 1);
}

/** Three significant digits; whole numbers as they are. */
const rounded = (value: number): number =>
  Number.isInteger(value) ? value : Number(value.toPrecision(value < 1000 ? 3 : 4));
