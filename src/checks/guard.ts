import { createContext, Script } from 'node:vm';

/*
 * The library bounds what an expression looks like and not how long it runs: three loops over 300 objects in each other are 27 million steps. V8 can be stopped in the
 * middle of whatever it does only while it runs a script of node:vm with a time limit. The script is one call back into this program, so nothing else of vm is used
 * here, and nothing is kept apart by it. One call costs 55 µs: work is given to it in batches.
 */

const sandbox = createContext({ run: (): void => undefined });
const call = new Script('run()');

/** Whether it came to its end in so many milliseconds. What it throws comes through. */
export function withinTime(milliseconds: number, run: () => void): boolean {
  sandbox['run'] = run;
  try {
    call.runInContext(sandbox, { timeout: Math.max(1, Math.ceil(milliseconds)) });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return false;
    throw error;
  } finally {
    sandbox['run'] = undefined;
  }
}
