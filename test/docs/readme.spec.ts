import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildProgram } from '../../src/bin/program.js';

/** Three folders above the compiled file. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const under = (folder: string, ending: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => join(folder, path));

const PAGES = ['README.md', ...under('docs', '.md')];
const contract = parse(read('openapi.yaml')) as { paths: Record<string, Record<string, { operationId?: string }>> };
const operations = new Set(
  Object.values(contract.paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId)),
);
const scripts = (JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts;
const program = buildProgram();

/** What of a line the command line does not know: the command, or one of its options. */
function unknownOf(line: string): string[] {
  // What is behind a pipe, a separator or a comment is another's.
  const [call = ''] = line.split(/ (?:[|;&#]|<<)|\)/);
  const words = call.replaceAll(/'[^']*'|"[^"]*"/g, 'x').split(/\s+/);
  let command = program;
  while (command.commands.length > 0 && words.length > 0) {
    const name = words.shift();
    const next = command.commands.find((one) => one.name() === name);
    if (next === undefined) return [line];
    command = next;
  }
  const options = command.options.map(({ long }) => long);
  return words.filter((word) => word.startsWith('--') && !options.includes(word)).map((word) => `${line}: ${word}`);
}

describe.each(PAGES)('%s', (page) => {
  const text = read(page);

  it('do its relative links lead somewhere?', () => {
    const links = [...text.matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)[^)]*\)/g)].map(([, path = '']) => path);
    expect(links.filter((path) => !existsSync(join(ROOT, dirname(page), path)))).toEqual([]);
  });

  it('does the command line know its commands and their options?', () => {
    // A line goes on after a backslash; a group of commands may be named alone.
    const lines = text.replaceAll(/ *\\\n\s*/g, ' ').matchAll(/(?:\bnpx |`|^)safeguard ([a-z][^`\n]*)/gm);
    const named = [...lines].map(([, line = '']) => line);
    const groups = program.commands.filter(({ commands }) => commands.length > 0).map((group) => group.name());
    expect(named.filter((line) => !groups.includes(line)).flatMap(unknownOf)).toEqual([]);
  });

  it('does package.json know its npm scripts?', () => {
    const named = [...text.matchAll(/\bnpm (?:run )?(start|test|[a-z]+:[a-z]+|(?<=run )[a-z:]+)\b/g)];
    expect(named.map(([, name = '']) => name).filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  it('does the API know the operations that it names?', () => {
    const named = [
      ...text.matchAll(
        /`((?:get|list|post|create|add|trust|trace|request(?!Id)|revoke|remove|change|retire)[A-Z]\w+)`/g,
      ),
    ];
    expect(named.map(([, name = '']) => name).filter((name) => !operations.has(name))).toEqual([]);
  });

  it('does it leave unsaid that anybody is compliant?', () => {
    expect(text).not.toMatch(/\bcompliant\b/i);
  });
});

it('do the contract, the command line and the program say of nobody that he is compliant?', () => {
  const sources = under('src', '.ts').filter((path) => !path.endsWith('.spec.ts'));
  expect(['openapi.yaml', ...sources].filter((path) => /\bcompliant\b/i.test(read(path)))).toEqual([]);
});
