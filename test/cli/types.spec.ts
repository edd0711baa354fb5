import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { ownType } from '../support/record-types.js';
import { safeguard } from './support.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safeguard-types-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function file(name: string, content: unknown): Promise<string> {
  const path = join(directory, name);
  await writeFile(
    path,
    name.endsWith('.json') ? JSON.stringify(content) : stringify(content, { aliasDuplicateObjects: false }),
  );
  return path;
}

const check = async (name: string, content: unknown) => safeguard(['types', 'check', await file(name, content)]);

describe('safeguard types check', () => {
  it('does it take what the API takes: one, its body, or several that name each other in any order?', async () => {
    const [supplier, agreement] = [ownType('org/supplier'), ownType('org/contract')];
    const run = await safeguard([
      'types',
      'check',
      await file('one.yaml', ownType('org/target')),
      await file('body.json', { definition: ownType('org/restore'), reason: 'Monthly.' }),
      await file('several.yaml', { types: [agreement, supplier] }),
    ]);
    expect(run).toMatchObject({ code: 0, stdout: '4 types, 0 wrong\n', stderr: '' });
  });

  it('does it tell each fault with its place, by the rules of the server, and fail?', async () => {
    const supplier = ownType('org/supplier');
    const several = await check('faulty.yaml', {
      types: [
        { ...supplier, key: 'nome' },
        { ...supplier, type: 'org/other', good_for: { ...supplier.good_for, days: 0 }, rules: 'keys' },
        { ...supplier, type: 'org/ruled', rules: 'keys' },
        { ...supplier, type: 'vendor' },
      ],
    });
    expect(several).toMatchObject({ code: 1, stdout: '4 types, 4 wrong\n' });
    const lines = several.stderr
      .trim()
      .split('\n')
      .map((line) => line.slice(line.indexOf('faulty.yaml')));
    expect(lines).toEqual([
      'faulty.yaml: org/supplier: /key: nome is no field of text',
      expect.stringMatching(/^faulty\.yaml: org\/other: \/good_for\/days: /),
      'faulty.yaml: org/ruled: /rules: Rules in code are of the catalogue’s types.',
      'faulty.yaml: vendor: A type of the catalogue is tightened, not defined; one of your own begins with org/.',
    ]);
  });

  it('does it refuse a record type that nobody has defined, and one that is defined twice?', async () => {
    const unknown = await check('alone.yaml', ownType('org/contract'));
    expect(unknown).toMatchObject({ code: 1 });
    expect(unknown.stderr).toContain('no record type org/supplier');
    const twice = await check('twice.yaml', { types: [ownType('org/target'), ownType('org/target')] });
    expect(twice).toMatchObject({ code: 1 });
    expect(twice.stderr).toContain('org/target: is defined twice');
  });

  it.each([
    ['no YAML', 'types: [', /broken\.yaml/],
    ['no definition', 'types: [{ title: x }]', /number 1 is no definition with a type/],
    ['aliases without end', 'a: &a [1]\nb: [*a]', /[Aa]lias/],
  ])('does it say that a file is %s, and not how it failed?', async (_what, text, said) => {
    const path = join(directory, 'broken.yaml');
    await writeFile(path, text);
    const run = await safeguard(['types', 'check', path]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(said);
    expect(run.stderr).not.toContain('    at ');
  });
});
