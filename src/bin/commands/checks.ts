import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { exitCode, Failure } from '../client/failure.js';
import { print, say, setExit } from '../client/terminal.js';
import { printable } from '../client/text.js';

/** Compiles the checks of files, or those that are shipped, and runs their examples. */
export async function testChecks(files: readonly string[]): Promise<void> {
  const { compileFile } = await import('../../checks/definition.js');
  const { faultsOfExamples } = await import('../../checks/examples.js');
  const { shippedFiles } = await import('../../checks/files.js');
  let wrong = 0;
  let checks = 0;
  let examples = 0;
  const tell = (line: string): void => {
    wrong++;
    say(printable(line));
  };
  for (const file of files.length === 0 ? shippedFiles() : files) {
    const compiled = compileFile(await read(file));
    for (const { message } of compiled.faults) for (const line of message.split('\n')) tell(`${file}: ${line}`);
    for (const check of compiled.checks) {
      checks++;
      examples += Object.values(check.definition.examples).flat().length;
      for (const { pointer, name, reason } of faultsOfExamples(check)) {
        tell(`${file}: ${check.id}: ${pointer} (${name}): ${reason}`);
      }
    }
  }
  print(`${checks} checks, ${examples} examples, ${wrong} wrong`);
  if (wrong > 0) setExit(exitCode.refused);
}

async function read(file: string): Promise<unknown> {
  try {
    return parse(await readFile(file, 'utf8'), { maxAliasCount: 0, uniqueKeys: true }) as unknown;
  } catch (error) {
    throw new Failure(exitCode.refused, `${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
