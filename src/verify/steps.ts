import { Fault } from './fault.js';

/** What is checked, in this order. The names are a contract: scripts read them from `--json`. */
export const CHECKS = [
  'files',
  'bag',
  'payload',
  'tag-files',
  'key',
  'signature',
  'trust',
  'statement',
  'index',
  'described',
  'evidence',
  'postures',
  'checkpoint',
  'log',
  'events',
  'received',
  'approved',
  'complete',
  'agents',
  'reports',
  'proofs',
  'extends',
  'receipts',
  'anchor',
  'witnesses',
  'custody',
  'time-stamps',
  'oscal',
] as const;
export type Check = (typeof CHECKS)[number];

export interface Line {
  check: Check;
  /** `not-checked`: there is nothing of that kind, or what it rests on is wrong. */
  result: 'ok' | 'failed' | 'not-checked';
  text: string;
}

/** What a check has found out for those after it; undefined where it failed. */
type Found<Value> = Value | undefined;

/** Goes from check to check and tells the outcome of each. One that rests on what was found wrong is not made: what it said would prove nothing. */
export class Steps {
  readonly lines: Line[] = [];

  constructor(private readonly tell: (line: Line) => void) {}

  /** What was wrong first; undefined where nothing was. */
  get fault(): Line | undefined {
    return this.lines.find(({ result }) => result === 'failed');
  }

  /**
   * @param needs what the check rests on
   * @param act throws a Fault; any other error ends the whole
   * @param say the line of a check that found nothing wrong
   */
  async check<Needs extends object, Value>(
    check: Check,
    needs: { readonly [Name in keyof Needs]: Found<Needs[Name]> },
    act: (needs: Needs) => Promise<Value> | Value,
    say: (value: Value) => string,
  ): Promise<Found<Value>> {
    if (!areThere<Needs>(needs)) {
      this.skip(check, 'it rests on what is wrong above');
      return undefined;
    }
    try {
      const value = await act(needs);
      this.add({ check, result: 'ok', text: say(value) });
      return value;
    } catch (error) {
      if (!(error instanceof Fault) && !isTooDeep(error)) throw error;
      this.add({ check, result: 'failed', text: error instanceof Fault ? error.message : TOO_DEEP });
      return undefined;
    }
  }

  skip(check: Check, why: string): void {
    this.add({ check, result: 'not-checked', text: why });
  }

  private add(line: Line): void {
    this.lines.push(line);
    this.tell(line);
  }
}

/** How deep what it says nests is its author's choice, and where the stack ends no failure of this machine. */
const isTooDeep = (error: unknown): boolean =>
  error instanceof RangeError && error.message === 'Maximum call stack size exceeded';
const TOO_DEEP = 'something in it nests deeper than can be read';

const areThere = <Needs extends object>(needs: {
  readonly [Name in keyof Needs]: Found<Needs[Name]>;
}): needs is Needs => Object.values(needs).every((value) => value !== undefined);
