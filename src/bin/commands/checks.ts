import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
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
    const compiled = compileFile(await read(file), whose(files));
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

/** A file that is named may be an organisation's, whose own checks are called `org/…`. */
const whose = (files: readonly string[]): 'catalog' | 'organization' =>
  files.length === 0 ? 'catalog' : 'organization';

export interface ExportOptions {
  dir?: string;
  action: 'deny' | 'warn';
  phiLabel?: string[];
  phiNamespace?: string[];
}

/** Writes the checks that judge one object alone as admission policies, and says of the others why not. */
export async function exportChecks(files: readonly string[], options: ExportOptions): Promise<void> {
  const { compileFile } = await import('../../checks/definition.js');
  const { exportCheck } = await import('../../checks/export.js');
  const { shippedFiles } = await import('../../checks/files.js');
  const { DEFAULT_PHI_LABELS } = await import('../../checks/phi.js');
  const labels = options.phiLabel === undefined ? DEFAULT_PHI_LABELS : options.phiLabel.map(labelOf);
  const phi = { labels, namespaces: options.phiNamespace ?? [] };
  const action = options.action === 'deny' ? 'Deny' : 'Warn';
  const kept: string[] = [];
  let written = 0;
  if (options.dir !== undefined) await mkdir(options.dir, { recursive: true });
  for (const file of files.length === 0 ? shippedFiles() : files) {
    const { checks, faults } = compileFile(await read(file), whose(files));
    if (faults.length > 0)
      throw new Failure(exitCode.refused, `${file}: ${faults.map(({ message }) => message).join('\n')}`);
    for (const check of checks) {
      const exported = exportCheck(check, { phi, action });
      if ('reason' in exported) {
        kept.push(`${check.id}: ${exported.reason}`);
        continue;
      }
      const text = exported.documents
        .map((document) => `---\n${stringify(document, { lineWidth: 160, aliasDuplicateObjects: false })}`)
        .join('');
      if (options.dir === undefined) print(text.trimEnd());
      else await writeFile(join(options.dir, `${check.id.replaceAll('/', '-')}.yaml`), text);
      written++;
    }
  }
  say(`${written} policies; ${kept.length} checks cannot be one:`);
  for (const line of kept) say(`  ${line}`);
}

/** `key=value,value` */
function labelOf(text: string): { key: string; values: string[] } {
  const [key = '', values = ''] = text.split('=', 2);
  if (key === '' || values === '') throw new Failure(exitCode.usage, `--phi-label is key=value,value: ${text}`);
  return { key, values: values.split(',') };
}

async function read(file: string): Promise<unknown> {
  try {
    return parse(await readFile(file, 'utf8'), { maxAliasCount: 0, uniqueKeys: true }) as unknown;
  } catch (error) {
    throw new Failure(exitCode.refused, `${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
