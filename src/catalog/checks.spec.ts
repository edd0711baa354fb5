import { describe, expect, it } from 'vitest';
import { FILES } from '../../test/support/catalog-faults.js';
import { checkTrace, checkViews } from './catalog.api.js';
import { buildCatalog } from './catalog.js';
import { CatalogFaults } from './catalog.files.js';

type Json = Record<string, unknown>;

const check = (more: Json = {}): Json => ({
  id: 'default-deny-ingress',
  title: 'PHI namespaces deny all ingress by default',
  practice: 'default-deny-network-policy',
  severity: 'high',
  each: 'Namespace',
  pass: "denies(object, 'Ingress')",
  message: 'It does not.',
  examples: { pass: [{ name: 'a', objects: [] }], fail: [{ name: 'a', objects: [] }] },
  ...more,
});

/** The files of the catalogue, with these checks in place of its own, and its counts as `version.yaml` would have them. */
function filesWith(checks: Record<string, unknown>, counted: { checks: number; links: number }): Json {
  const all = structuredClone(FILES) as Record<string, Json>;
  const files = Object.fromEntries(Object.entries(all).filter(([path]) => !/^(checks|record-types)\//.test(path)));
  const counts = files['version.yaml']!['counts'] as { links: number; checks: Record<string, number>; record_types?: number };
  delete counts.checks['safeguard-checks'];
  // Without these checks some practices could never become evidenced: this is a catalogue of before there were record types.
  delete counts.record_types;
  for (const control of files['hipaa/controls.yaml']!['controls'] as { records?: unknown }[]) delete control.records;
  const mappings = Object.entries(files).filter(([path]) => path.startsWith('mappings/')).map(([, file]) => file as { checks: { practices?: string[] }[] });
  counts.links = mappings.flatMap((file) => file.checks.flatMap(({ practices }) => practices ?? [])).length + counted.links;
  if (counted.checks > 0) counts.checks['safeguard-checks'] = counted.checks;
  return { ...files, ...checks };
}

function faults(checks: Record<string, unknown>, counted = { checks: 1, links: 1 }): readonly string[] {
  try {
    buildCatalog(filesWith(checks, counted));
  } catch (error) {
    if (error instanceof CatalogFaults) return error.faults;
    throw error;
  }
  return [];
}

describe('are the product’s own checks of the catalogue?', () => {
  const catalog = buildCatalog(filesWith({ 'checks/network.yaml': { section: 'network', checks: [check()] } }, { checks: 1, links: 1 }));

  it('a result finds its practices', () => {
    expect(catalog.resolveResult('safeguard-checks', 'default-deny-ingress')).toMatchObject({ check: { practices: ['default-deny-network-policy'], severity: 'high' }, part: '' });
    expect(catalog.resolveResult('safeguard-checks', 'org/own')).toBeNull();
    expect(catalog.toolOf('safeguard-checks')).toBe('safeguard-checks');
  });

  it('they are listed, and traced to the controls that they help to evidence', () => {
    expect(checkViews(catalog, 'safeguard-checks').map(({ id }) => id)).toEqual(['default-deny-ingress']);
    expect(checkTrace(catalog, 'safeguard-checks', 'default-deny-ingress')?.controls.length).toBeGreaterThan(0);
    expect(catalog.checksOf('default-deny-network-policy').map(({ tool }) => tool)).toContain('safeguard-checks');
  });

  it('their definitions are there for who compiles them', () => {
    expect(catalog.definitions.map(({ id }) => id)).toEqual(['default-deny-ingress']);
  });

  it('a report of theirs lists what passed', () => {
    expect(catalog.reportsOf('safeguard-checks')).toMatchObject([{ source: 'safeguard-checks', lists: 'all' }]);
  });

  it('they are part of the digest', () => {
    const other = buildCatalog(filesWith({ 'checks/network.yaml': { section: 'network', checks: [check({ severity: 'low' })] } }, { checks: 1, links: 1 }));
    expect(other.digest).not.toBe(catalog.digest);
  });

  it('what an organisation puts in place of one keeps the practices that the catalogue says', () => {
    const [given] = catalog.definitions;
    const override = { ...given!, practice: 'run-as-non-root' };
    const changed = catalog.withChecks([{ definition: override, inForce: true }]);
    expect(changed.checksOf('default-deny-network-policy').filter(({ tool }) => tool === 'safeguard-checks')).toMatchObject([
      { id: given!.id, by: 'organization', practices: ['default-deny-network-policy'] },
    ]);
    expect(changed.checksOf('run-as-non-root').map(({ tool }) => tool)).not.toContain('safeguard-checks');
  });

  it('a catalogue of before there were any is one', () => {
    expect(buildCatalog(filesWith({}, { checks: 0, links: 0 })).definitions).toEqual([]);
  });
});

describe('is what is wrong with them told with file and place?', () => {
  const file = (...checks: Json[]) => ({ section: 'network', checks });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['a key that nobody reads', { 'checks/network.yaml': file(check({ colour: 'red' })) }, /^checks\/network\.yaml: checks\[0\]: .*colour/],
    ['another name than the section', { 'checks/net.yaml': file(check()) }, /^checks\/net\.yaml: section: "network" belongs in checks\/network\.yaml/],
    ['a practice that is not there', { 'checks/network.yaml': file(check({ practice: 'nothing' })) }, /checks\[0\]\.practice: no practice nothing/],
    ['no practice', { 'checks/network.yaml': file(check({ practice: undefined })) }, /checks\[0\]\.practice: a check without a practice/],
    ['a practice of another section', { 'checks/network.yaml': file(check({ practice: 'run-as-non-root' })) }, /supports no practice of network/],
    ['an id twice', { 'checks/network.yaml': file(check(), check()) }, /checks\[1\]\.id: "default-deny-ingress" is already the name of/],
    ['a count that is not theirs', { 'checks/network.yaml': file(check(), check({ id: 'other' })) }, /counts\.checks\.safeguard-checks: says 1, and there are 2/],
    ['no file where there must be some', {}, /counts\.checks\.safeguard-checks: says 1, and there are 0/],
  ])('%s', (_, checks, expected) => {
    expect(faults(checks)).toContainEqual(expect.stringMatching(expected));
  });
});
