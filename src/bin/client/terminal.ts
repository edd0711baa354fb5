import { setting } from './environment.js';
import type { ExitCode } from './failure.js';

const terminal = process.stdout.isTTY;
const colours = terminal && setting('NO_COLOR') === undefined;

/** Columns of the terminal; undefined when the output goes to a file or a pipe. */
export function terminalWidth(): number | undefined {
  return terminal ? process.stdout.columns : undefined;
}

/** Bold, when a person looks on and did not ask for none (https://no-color.org). */
export function bold(text: string): string {
  return colours ? `\u001b[1m${text}\u001b[0m` : text;
}

/** The answer: standard output, and nothing but the answer. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** What happens meanwhile, and what went wrong: standard error. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A progress line that rewrites itself; a file or a pipe gets none of it. */
export function progress(line: string | null): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`\r\u001b[2K${line ?? ''}`);
}

export function setExit(code: ExitCode): void {
  process.exitCode = code;
}
