import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CheckDefinition } from '../../src/catalog/checks.schema.js';
import { loadCatalog } from '../../src/catalog/load.js';
import { compileDefinition, compileFile, DefinitionFaults } from '../../src/checks/definition.js';
import { FUNCTIONS, VARIABLES } from '../../src/checks/environment.js';
import { evaluate } from '../../src/checks/evaluate.js';
import { clusterOf, faultsOfExamples } from '../../src/checks/examples.js';
import { exportCheck } from '../../src/checks/export.js';
import { nameOf } from '../../src/checks/functions/function.js';
import { kindNamed, KINDS } from '../../src/checks/kinds.js';
import { DEFAULT_PHI_LABELS } from '../../src/checks/phi.js';

/** Three folders above the compiled file. */
const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8');
const PAGE = read('docs/writing-checks.md');
const REFERENCE = read('docs/check-language.md');
const [, EXAMPLE = ''] = /<!-- example -->\s+```yaml\n(.*?)^```$/ms.exec(PAGE) ?? [];

const { checks, faults } = compileFile(parse(EXAMPLE));

/** What a check makes of an object, or why it is none. */
function outcome(pass: string, object: Record<string, unknown>, each = 'Pod'): string {
  const definition = { id: 'a', title: 'a', practice: 'a', severity: 'low', each, pass, message: 'a' };
  const examples = { pass: [{ name: 'a', objects: [] }], fail: [{ name: 'a', objects: [] }] };
  const said: string[] = [];
  try {
    const check = compileDefinition({ ...definition, examples });
    evaluate([check], clusterOf({ name: 'a', objects: [object] }), ({ status }) => said.push(status));
  } catch (error) {
    if (error instanceof DefinitionFaults) return 'refused';
    throw error;
  }
  return said.join();
}

/** The names of the product that an exported policy carries. */
function exportedLabels(): string[][] {
  return checks.slice(0, 1).flatMap((check) => {
    const made = exportCheck(check, { phi: { labels: DEFAULT_PHI_LABELS, namespaces: [] }, action: 'Warn' });
    if (!('documents' in made)) return [];
    return made.documents.map((document) => [
      ...new Set(JSON.stringify(document).match(/safeguard\.dev\/(?!phi)[a-z-]+/g) ?? []),
    ]);
  });
}

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', namespace: 'b' },
  spec: { replicas: 2, containers: [], port: 'http' },
};

describe('docs/writing-checks.md', () => {
  it('does its example compile, and come out as it says?', () => {
    expect(faults).toEqual([]);
    expect(checks.flatMap((check) => faultsOfExamples(check))).toEqual([]);
    expect(checks).toHaveLength(1);
  });

  it('does its table have the keys of a check, and no others?', () => {
    const [, table = ''] = /\n\| key .*?\n\| -.*?\n(.*?)\n\n/s.exec(PAGE) ?? [];
    const keys = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, key]) => key);
    expect([...keys, 'practices'].sort()).toEqual(Object.keys(CheckDefinition.shape).sort());
  });

  it.each([
    ['object.spec.hostNetwork == false', 'error'],
    ['object.spec.?hostNetwork.orValue(false) == false', 'pass'],
    ["object.metadata.?labels[?'app.kubernetes.io/name'].orValue('') == ''", 'pass'],
    ['has(object.status.phase.x)', 'error'],
    ['object.spec.containers.all(c, false)', 'pass'],
    ['object.spec.nothing || true', 'pass'],
    ['!(object.spec.nothing && false)', 'pass'],
    ['object.spec.replicas + 1 == 3', 'pass'],
    ['1.5 * object.spec.replicas == 3.0', 'error'],
    ['1.5 * double(object.spec.replicas) == 3.0', 'pass'],
    ["duration('1d') > duration('1h')", 'error'],
    ["object.spec.port.matches('ttp')", 'pass'],
    ['object.spec.port.matches(object.spec.port)', 'refused'],
    ['[1].all(namespace, true)', 'refused'],
    ['holdsPhi(object) && !labelledPhi(object)', 'pass'],
  ])('are its traps as it says: %s?', (pass, expected) => expect(outcome(pass, pod)).toBe(expected));

  it('does it name every label of the product that the shipped checks and the exporter heed or write?', () => {
    const [, table = ''] = /\n\| label or annotation .*?\n\| -.*?\n(.*?)\n\n/s.exec(PAGE) ?? [];
    const rows = [...table.matchAll(/^\| `([^`]+)` .*\| ([^|]+) \|$/gm)].map(([, name = '', by = '']) => ({
      name,
      by: [...by.matchAll(/`([a-z][a-z-]+)`/g)].map(([, id = '']) => id).sort(),
    }));
    const heeded = new Map<string, Set<string>>();
    for (const { key } of DEFAULT_PHI_LABELS) heeded.set(key, new Set());
    for (const { id, where, undecided, pass, params } of loadCatalog().definitions) {
      for (const [name] of JSON.stringify([where, undecided, pass, params]).matchAll(/safeguard\.dev\/[a-z-]+/g))
        heeded.set(name, (heeded.get(name) ?? new Set()).add(id));
    }
    const [policy] = exportedLabels();
    for (const name of policy ?? []) heeded.set(name, new Set());
    expect(rows).toHaveLength(heeded.size);
    expect(new Map(rows.map(({ name, by }) => [name, by]))).toEqual(
      new Map([...heeded].map(([name, ids]) => [name, [...ids].sort()])),
    );
  });

  it('are the functions that it calls those that there are?', () => {
    const known = new Set(FUNCTIONS.map((given) => nameOf(given).replace(/^.*\./, '')));
    const called = [...PAGE.matchAll(/`[^`\n]*`/g)].flatMap(([quoted]) =>
      [...quoted.matchAll(/\b([a-z]\w*)\(/gi)].map(([, name = '']) => name),
    );
    expect(called.length).toBeGreaterThan(15);
    expect([...new Set(called)].filter((name) => !known.has(name))).toEqual([]);
  });
});

describe('docs/check-language.md', () => {
  it('does it name every variable, function and kind?', () => {
    for (const { name } of VARIABLES) expect(REFERENCE).toContain(`| \`${name}\` `);
    for (const given of FUNCTIONS) expect(REFERENCE).toContain(`${nameOf(given).replace(/^\./, '')}(`);
    for (const { name } of KINDS) expect(REFERENCE).toContain(`| \`${name}\` `);
    expect(kindNamed('Schedule.velero.io')).toBe(kindNamed('Schedule'));
  });
});
