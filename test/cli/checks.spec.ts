import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { safeguard } from './support.js';

const FIXTURES = fileURLToPath(new URL('../../../test/fixtures/checks/', import.meta.url));
const ENGINE = join(FIXTURES, 'engine.yaml');
const EXPORTED = join(FIXTURES, 'exported.yaml');

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safeguard-checks-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

describe('safeguard checks test', () => {
  it('does it run the examples of several files?', async () => {
    const run = await safeguard(['checks', 'test', ENGINE, EXPORTED]);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toMatch(/^\d+ checks, \d+ examples, 0 wrong\n$/);
  });

  it('does it take an organisation’s own, by the names that they have in the API?', async () => {
    const own = await file('own.yaml', (await readFile(ENGINE, 'utf8')).replaceAll('id: example-', 'id: org/example-'));
    expect(await safeguard(['checks', 'test', own])).toMatchObject({ code: 0, stderr: '' });
    const exported = await safeguard(['checks', 'export', own]);
    expect(exported.stderr).toContain('org/example-no-token-secrets: calls age()');
    expect(exported.stdout).toContain('name: safeguard-org-example-non-root');
  });

  it('does it take those that are shipped where no file is named?', async () => {
    expect(await safeguard(['checks', 'test'])).toMatchObject({ code: 0 });
  });

  it('does it say what came out where an example does not hold, and fail?', async () => {
    const text = (await readFile(ENGINE, 'utf8')).replace("duration('24h')", "duration('1h')");
    const run = await safeguard(['checks', 'test', await file('wrong.yaml', text)]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(
      /wrong\.yaml: example-no-token-secrets: \/examples\/pass\/1 \(it is new\): a\/Secret\/t: fail: Secret t is a token that has been valid for 1 hours\./,
    );
  });

  it('does it say where an expression is none, and go on with the others?', async () => {
    const text = (await readFile(ENGINE, 'utf8')).replace('where: holdsPhi(object)', 'where: holdsPhi(objekt)');
    const run = await safeguard(['checks', 'test', await file('broken.yaml', text)]);
    expect(run).toMatchObject({ code: 1, stdout: '1 checks, 5 examples, 1 wrong\n' });
    expect(run.stderr).toContain('broken.yaml: example-non-root: /where: line 1, column 10: Unknown variable: objekt');
  });

  it.each([
    ['a file that is not there', null],
    ['what is no YAML', 'checks: ['],
    ['a key twice', 'section: a\nsection: b\n'],
    ['an alias, which can make a bomb', 'a: &a [x]\nb: [*a, *a]\n'],
    ['nothing', ''],
  ])('is %s refused in words?', async (name, text) => {
    const path = text === null ? join(directory, 'none.yaml') : await file(`${name.length}.yaml`, text);
    const run = await safeguard(['checks', 'test', path]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/^(safeguard: )?.+\.yaml: /);
    expect(run.stderr).not.toMatch(/ at .*\.js:/);
  });
});

describe('safeguard checks export', () => {
  it('does it write a file for each policy, and say why there are no others?', async () => {
    const folder = join(directory, 'policies');
    const run = await safeguard([
      'checks',
      'export',
      '--dir',
      folder,
      '--action',
      'warn',
      '--phi-namespace',
      'clinic',
      ENGINE,
      EXPORTED,
    ]);
    expect(run).toMatchObject({ code: 0, stdout: '' });
    expect(run.stderr).toContain('  example-no-token-secrets: calls age(), which Kubernetes does not have');
    const names = await readdir(folder);
    expect(names).toContain('example-digest.yaml');
    for (const name of names) {
      const [policy, binding, ...more] = parseAllDocuments(await readFile(join(folder, name), 'utf8')).map(
        (document) => document.toJS() as Record<string, unknown>,
      );
      expect(more).toEqual([]);
      expect([policy?.['kind'], binding?.['kind']]).toEqual([
        'ValidatingAdmissionPolicy',
        'ValidatingAdmissionPolicyBinding',
      ]);
      expect(binding?.['spec']).toMatchObject({ validationActions: ['Warn', 'Audit'] });
    }
    expect(await readFile(join(folder, 'example-non-root.yaml'), 'utf8')).toContain(
      "object.metadata.namespace in ['clinic']",
    );
  });

  it('does it print them where no folder is named?', async () => {
    const run = await safeguard(['checks', 'export', '--phi-label', 'data=phi,ephi', EXPORTED]);
    expect(run.code).toBe(0);
    expect(parseAllDocuments(run.stdout).filter(({ errors }) => errors.length > 0)).toEqual([]);
    expect(run.stdout).toContain("object.metadata.labels['data'].lowerAscii() in ['phi', 'ephi']");
  });

  it.each([
    [['--phi-label', 'nonsense'], 2],
    [['--action', 'shout'], 2],
  ])('is %j refused?', async (args, code) =>
    expect(await safeguard(['checks', 'export', ...args, EXPORTED])).toMatchObject({ code }),
  );
});
