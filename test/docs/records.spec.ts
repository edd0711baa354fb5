import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { MOVES, type MoveRule } from '../../src/records/moves.js';

const ROOT = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, ROOT)), 'utf8');
const page = read('docs/records.md');

describe('does docs/records.md say what the program does?', () => {
  it('the table of moves is the one that is followed', () => {
    const rows = page
      .split('\n')
      .filter((line) => line.startsWith('| ') && !line.startsWith('| move') && !line.startsWith('| --'))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    const expected = Object.entries(MOVES).map(([move, rule]: [string, MoveRule]) => [
      move,
      rule.afterApproved ? 'approved' : rule.from.includes('none') ? '–' : rule.from.join(', '),
      rule.to,
      rule.permission,
      rule.notOwnHands ? 'not who wrote or submitted it' : 'anybody',
      rule.reason ? 'yes' : '',
    ]);
    expect(rows).toEqual(expected);
  });

  it('every operation on records is told of', () => {
    const { paths } = parse(read('openapi.yaml')) as {
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    const operations = Object.entries(paths)
      .filter(([path]) => /\/(records|retention)(\/|$)/.test(path))
      .flatMap(([, methods]) => Object.values(methods).map(({ operationId }) => operationId));
    expect(operations.length).toBeGreaterThan(15);
    expect(operations.filter((id) => !page.includes(`\`${id}\``))).toEqual([]);
  });
});
