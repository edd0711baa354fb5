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
const commands = new Map(
  buildProgram().commands.map((command) => [command.name(), command.options.map(({ long }) => long)]),
);

describe.each(PAGES)('%s', (page) => {
  const text = read(page);

  it('do its relative links lead somewhere?', () => {
    const links = [...text.matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)[^)]*\)/g)].map(([, path = '']) => path);
    expect(links.filter((path) => !existsSync(join(ROOT, dirname(page), path)))).toEqual([]);
  });

  it('does the command line know its commands and their options?', () => {
    const unknown: string[] = [];
    for (const [line, name = '', rest = ''] of text.matchAll(/\b(?:npx|`)\s*safeguard ([a-z]+)([^`\n]*)/g)) {
      const options = commands.get(name);
      if (options === undefined) unknown.push(line);
      for (const [option] of rest.matchAll(/--[a-z-]+/g)) {
        if (options?.includes(option) !== true) unknown.push(`${line}: ${option}`);
      }
    }
    expect(unknown).toEqual([]);
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
