import { describe, expect, it } from 'vitest';
import { catalog, faultsAfter, FILES, set, type Node } from '../../test/support/catalog-faults.js';
import { buildCatalog } from './catalog.js';

const append = (node: Node | undefined, value: unknown) => (node as unknown as unknown[]).push(value);
const indexOf = (nodes: Node, id: string) =>
  (nodes as unknown as { id: string }[]).findIndex((node) => node.id === id);

const controls = (files: Record<string, Node>) => files['hipaa/controls.yaml']!['controls']!;
const control = (files: Record<string, Node>, id: string) => controls(files)[indexOf(controls(files), id)]!;
const mapping = (files: Record<string, Node>, tool: string) => files[`mappings/${tool}.yaml`]!;

describe('is each kind of fault told with its file and place?', () => {
  const cases: [string, (files: Record<string, Node>) => void, RegExp][] = [
    ['a file is missing', (f) => delete f['defaults.yaml'], /^defaults\.yaml: the file is missing$/],
    ['a file nobody reads', (f) => set(f, 'notes/x.yaml', {}), /^notes\/x\.yaml: no such file belongs/],
    [
      'an unknown key',
      (f) => set(f['practices/network.yaml']!['practices']![0], 'colour', 'red'),
      /^practices\/network\.yaml: practices\[0\]: .*colour/,
    ],
    [
      'a control id that is a number',
      (f) => set(controls(f)[0], 'id', 164.3),
      /^hipaa\/controls\.yaml: controls\[0\]\.id: /,
    ],
    [
      'an alias that is another control',
      (f) => set(controls(f)[1], 'aliases', ['164.306(a)(1)']),
      /^hipaa\/controls\.yaml: controls\[1\]\.aliases: "164\.306\(a\)\(1\)" is already the name of/,
    ],
    ['a parent that is not there', (f) => set(controls(f)[11], 'parent', '164.999'), /controls\[11\]\.parent: no control/],
    [
      'an addressable standard',
      (f) => set(control(f, '164.312(b)'), 'required', 'addressable'),
      /controls\[\d+\]\.required: a standard is never addressable/,
    ],
    [
      'an addressable item outside 164.308 to 164.314',
      (f) => set(control(f, '164.316(b)(2)(i)'), 'required', 'addressable'),
      /controls\[\d+\]\.required: only a specification of 164\.308 to 164\.314/,
    ],
    [
      'an item that needs nothing and does not say why',
      (f) => set(control(f, '164.312(b)'), 'needs', 'nothing'),
      /controls\[\d+\]\.needs: /,
    ],
    [
      'a physical item that scanners could prove',
      (f) => delete control(f, '164.310(a)(1)')['scanners'],
      /controls\[\d+\]\.scanners: physical safeguards/,
    ],
    [
      'a practice without a control',
      (f) => set(f['practices/images.yaml']!['practices']![2]!['hipaa'], 'primary', []),
      /^practices\/images\.yaml: practices\[2\]\.hipaa\.primary: a practice without a control$/,
    ],
    [
      'a practice of a control that is not there',
      (f) => set(f['practices/images.yaml']!['practices']![2]!['hipaa']!['primary'], 0, '164.312(z)'),
      /^practices\/images\.yaml: practices\[2\]\.hipaa\.primary\[0\]: no control 164\.312\(z\)$/,
    ],
    [
      'a practice twice, in two files',
      (f) => append(f['practices/gap.yaml']!['practices'], structuredClone(f['practices/faq.yaml']!['practices']![0])),
      /^practices\/gap\.yaml: practices\[20\]\.id: "documented-policies" is already the name of a practice of practices\/faq/,
    ],
    [
      'a scanner-checked practice as proof of a physical item',
      (f) => append(f['practices/images.yaml']!['practices']![0]!['hipaa']!['primary'], '164.310(a)(1)'),
      /hipaa\.primary\[\d\]: 164\.310\(a\)\(1\) is never proven by scanners/,
    ],
    [
      'a number of days laid at the door of the regulation',
      (f) => set(f['practices/gap.yaml']!['practices']![0]!['evidence']!['records']![0], 'basis', 'regulation'),
      /^practices\/gap\.yaml: practices\[0\]\.evidence\.records\[0\]\.basis: the regulation sets no number of days$/,
    ],
    [
      'a check of a practice that is not there',
      (f) => set(mapping(f, 'trivy')['checks']![0], 'practices', ['no-such']),
      /^mappings\/trivy\.yaml: checks\[0\]\.practices: no practice no-such$/,
    ],
    [
      'a check with neither practice nor reason',
      (f) => delete mapping(f, 'trivy')['checks']![0]!['practices'],
      /^mappings\/trivy\.yaml: checks\[0\]\.practices: a check has practices, or the reason/,
    ],
    [
      'an alias of two checks',
      (f) => append(mapping(f, 'trivy')['checks']![1]!['aliases'], 'AVD-KCV-0001'),
      /^mappings\/trivy\.yaml: checks\[1\]\.aliases: "AVD-KCV-0001" is already the name of KCV-0001$/,
    ],
    [
      'an alias that is listed as ambiguous',
      (f) => append(mapping(f, 'trivy')['checks']![11]!['aliases'], 'KSV0012'),
      /^mappings\/trivy\.yaml: checks\[11\]\.aliases: "KSV0012" is already the name of an ambiguous id$/,
    ],
    [
      'a twin in another tool that is not there',
      (f) => set(mapping(f, 'kube-bench')['checks']![0]!['same_as'], 'kubescape', ['C-9999']),
      /^mappings\/kube-bench\.yaml: checks\[0\]\.same_as: no check C-9999 of kubescape$/,
    ],
    [
      'an old number that meets one that moved onto it',
      (f) => set(mapping(f, 'kube-bench')['older_benchmarks']!['cis-1.9'], 'absent', ['1.2.30', '4.2.14']),
      /^mappings\/kube-bench\.yaml: older_benchmarks\.cis-1\.9\.absent: 5\.6\.1 would mean itself and what 5\.7\.1 became/,
    ],
    [
      'a policy that only changes objects as evidence',
      (f) => {
        const checks = mapping(f, 'kyverno')['checks']!;
        delete checks[indexOf(checks, 'add-networkpolicy')]!['evidence'];
      },
      /^mappings\/kyverno\.yaml: checks\[\d+\]\.evidence: a policy that only changes objects yields no evidence/,
    ],
    [
      'a crosswalk of a control that is not there',
      (f) => set(f['crosswalks/nist-csf-1-1.yaml']!['links'], '164.399', ['PR.AC-1']),
      /^crosswalks\/nist-csf-1-1\.yaml: links\.164\.399: no control 164\.399$/,
    ],
    [
      'a pod security row with a check that is not there',
      (f) => append(f['crosswalks/pod-security-standards.yaml']!['rows']![0]!['checks']!['trivy'], 'KSV-9999'),
      /^crosswalks\/pod-security-standards\.yaml: rows\[0\]\.checks\.trivy: no check KSV-9999 of trivy$/,
    ],
    [
      'an overlay that loosens',
      (f) => set(f['hipaa/overlays/nprm-2025.yaml']!['limits']![0], 'max_age_days', 400),
      /^hipaa\/overlays\/nprm-2025\.yaml: limits\[0\]: would loosen phi-data-classification\/data_classification from 365/,
    ],
    [
      'an overlay that marks a standard',
      (f) => set(f['hipaa/overlays/nprm-2025.yaml']!['marks']!['controls'], 0, '164.312(b)'),
      /^hipaa\/overlays\/nprm-2025\.yaml: marks\.controls\[0\]: 164\.312\(b\) is not addressable$/,
    ],
    [
      'an overlay that is on by itself',
      (f) => set(f['hipaa/overlays/nprm-2025.yaml'], 'default', 'on'),
      /^hipaa\/overlays\/nprm-2025\.yaml: default: /,
    ],
    [
      'a count that is not so',
      (f) => set(f['version.yaml']!['counts']!['checks'], 'trivy', 170),
      /^version\.yaml: counts\.checks\.trivy: says 170, and there are 169$/,
    ],
    [
      'a tool that is not counted',
      (f) => delete f['version.yaml']!['counts']!['checks']!['trivy'],
      /^version\.yaml: counts\.checks\.trivy: says 0, and there are 169$/,
    ],
    [
      'a source of two tools',
      (f) => set(mapping(f, 'trivy'), 'results', { sources: ['kubescape'] }),
      /^mappings\/trivy\.yaml: results\.sources\[0\]: "kubescape" is already the name of a source of kubescape$/,
    ],
    [
      "a source within another tool's",
      (f) => set(mapping(f, 'trivy'), 'results', { sources: ['kubescape/images'] }),
      /^mappings\/trivy\.yaml: results\.sources\[0\]: "kubescape\/images" and "kubescape" lie one within the other$/,
    ],
    [
      "a source of failures within another tool's",
      (f) => set(mapping(f, 'trivy'), 'results', { failures: ['kubescape/images'] }),
      /^mappings\/trivy\.yaml: results\.failures\[0\]: "kubescape\/images" and "kubescape" lie one within the other$/,
    ],
    [
      'a whole report of a source of another tool',
      (f) => set(mapping(f, 'grype')['report_kinds']![0], 'sources', ['polaris/vulnerability']),
      /^mappings\/grype\.yaml: report_kinds\[0\]\.sources: "polaris\/vulnerability" is no source of grype$/,
    ],
    [
      'a source of two whole reports',
      (f) => set(mapping(f, 'trivy')['report_kinds']![1]!['sources'], 0, 'trivy/vulnerability'),
      /^mappings\/trivy\.yaml: report_kinds\[1\]\.sources: "trivy\/vulnerability" is already the name of a source of Vuln/,
    ],
    [
      'a mapping that maps nothing',
      (f) => delete mapping(f, 'grype')['report_kinds'],
      /^mappings\/grype\.yaml: checks: nothing is mapped$/,
    ],
    [
      'a legal count that is not so',
      (f) => set(f['hipaa/controls.yaml']!['counts']!['security_rule'], 'specifications', 42),
      /^hipaa\/controls\.yaml: counts\.security_rule\.specifications: says 42, and there are 46$/,
    ],
    [
      'a format of the future',
      (f) => set(f['version.yaml'], 'format', 2),
      /^version\.yaml: format: /,
    ],
  ];
  it.each(cases)('%s', (_name, breakIt, fault) => {
    const faults = faultsAfter(breakIt);
    expect(faults.filter((line) => fault.test(line)), faults.join('\n')).not.toEqual([]);
  });

  it('are all the faults told at once?', () => {
    const faults = faultsAfter((files) => {
      set(controls(files)[11], 'parent', '164.999');
      set(mapping(files, 'trivy')['checks']![0], 'practices', ['no-such']);
      set(files['version.yaml']!['counts'], 'controls', 1);
    });
    expect(faults).toEqual([
      expect.stringMatching(/^hipaa\/controls\.yaml: controls\[11\]\.parent: /),
      expect.stringMatching(/^mappings\/trivy\.yaml: checks\[0\]\.practices: /),
      expect.stringMatching(/^version\.yaml: counts\.controls: says 1, /),
    ]);
  });
});

describe('does the catalogue answer its questions?', () => {
  it('is a control found by its paragraph, by the ways others cite it, and by nothing else?', () => {
    expect(catalog.control('164.308(a)(1)(i)')?.title).toBe('Security management process');
    expect(catalog.control('164.308(a)(1)')?.id).toBe('164.308(a)(1)(i)');
    expect(catalog.control('164.308(b)(4)')?.id).toBe('164.308(b)(3)');
    expect(catalog.control('45 CFR § 164.312(b)')?.id).toBe('164.312(b)');
    expect(catalog.control('164.312')).toBeNull();
    expect(catalog.control('constructor')).toBeNull();
  });

  it('do controls and practices find each other, primary links first?', () => {
    const links = catalog.practicesOf('164.312(b)');
    expect(links.map(({ practice }) => practice.id)).toContain('api-audit-logging');
    const firstSupporting = links.findIndex(({ link }) => link === 'supporting');
    expect(links.slice(firstSupporting).every(({ link }) => link === 'supporting')).toBe(true);
    for (const { link, practice } of links)
      expect(catalog.controlsOf(practice.id)).toContainEqual({ link, control: catalog.control('164.312(b)') });
    expect(catalog.practicesOf('no-such')).toEqual([]);
    expect(catalog.childrenOf('164.312(a)').map(({ id }) => id)).toContain('164.312(a)(2)(iv)');
  });

  it.each(['KSV-0001', 'AVD-KSV-0001', 'KSV001', 'KSV0001'])('does trivy %s mean KSV-0001?', (raw) => {
    expect(catalog.resolveCheck('trivy', raw)?.id).toBe('KSV-0001');
  });

  it('is an id of two meanings left without one?', () => {
    expect(catalog.resolveCheck('trivy', 'KSV0012')).toBeNull();
    expect(catalog.resolveCheck('trivy', 'KSV012')?.id).toBe('KSV-0012');
    expect(catalog.resolveCheck('trivy', 'AVD-KCV-0012')?.practices).toEqual(['approved-registries']);
    expect(catalog.resolveCheck('kyverno', 'restrict-annotations')).toBeNull();
    expect(catalog.resolveCheck('kyverno', 'other/restrict-annotations')?.practices).toEqual(['policy-as-code']);
  });

  it('does a kube-bench number mean what its benchmark says?', () => {
    const meaning = (benchmark: string, id: string) => catalog.resolveCheck('kube-bench', id, { benchmark })?.id;
    expect(meaning('cis-1.12', '1.2.16')).toBe('cis-1.12/1.2.16');
    expect(meaning('cis-1.11', '1.2.16')).toBe('cis-1.12/1.2.16');
    expect(meaning('cis-1.8', '1.2.16')).toBe('cis-1.12/1.2.15');
    expect(meaning('cis-1.7', '1.2.16')).toBe('cis-1.7/1.2.16');
    expect(catalog.resolveCheck('kube-bench', '1.2.16', { benchmark: 'cis-1.7' })?.unmapped).toBe('obsolete recommendation');
    expect(meaning('cis-1.9', '5.7.1')).toBe('cis-1.12/5.6.1');
    expect(meaning('cis-1.9', '5.6.1')).toBeUndefined();
    expect(meaning('cis-1.10', '4.2.14')).toBeUndefined();
    expect(catalog.resolveCheck('kube-bench', '5.2.9', { benchmark: 'cis-1.10' })?.title).toMatch(/added capabilities/);
  });

  it('is an unknown benchmark, provider, tool or bare number never guessed?', () => {
    expect(catalog.resolveCheck('kube-bench', '1.2.16', { benchmark: 'cis-1.6' })).toBeNull();
    expect(catalog.resolveCheck('kube-bench', '1.2.16')).toBeNull();
    expect(catalog.resolveCheck('prowler', 'kms_key_not_publicly_accessible')).toBeNull();
    const ofGcp = catalog.resolveCheck('prowler', 'kms_key_not_publicly_accessible', { provider: 'gcp' });
    expect(ofGcp?.id).toBe('gcp/kms_key_not_publicly_accessible');
    expect(catalog.resolveCheck('grype', 'KSV-0001')).toBeNull();
    expect(catalog.resolveCheck('trivy', 'toString')).toBeNull();
  });

  it('is a tool that has a mapping file known, without code?', () => {
    const files = structuredClone(FILES) as Record<string, Node>;
    const { source } = mapping(files, 'trivy');
    const check = { id: 'A-1', title: 'One', practices: ['run-as-non-root'], same_as: { trivy: ['KSV-0012'] } };
    const reports = [{ source: 'acme JSON', lists: 'all', note: 'x' }];
    set(files, 'mappings/acme.yaml', {
      ...{ tool: 'acme', source, match: 'id', review: 'proposed', reports, checks: [check] },
    });
    set(files['version.yaml']!['counts']!['checks'], 'acme', 1);
    set(files['version.yaml']!['counts'], 'links', catalog.checks.flatMap(({ practices }) => practices).length + 1);
    const more = buildCatalog(files);
    expect(more.resolveResult('acme/files', 'A-1')).toMatchObject({ check: { tool: 'acme', id: 'A-1' }, part: '' });
    expect(more.checksOf('run-as-non-root').map(({ tool }) => tool)).toContain('acme');
  });

  it('is a Kyverno policy a hint by name, and one that only changes objects no evidence?', () => {
    expect(catalog.resolveCheck('kyverno', 'disallow-privileged-containers')).toMatchObject({
      match: 'name-hint',
      evidence: true,
    });
    expect(catalog.resolveCheck('kyverno', 'add-networkpolicy')).toMatchObject({ evidence: false });
  });

  it('is it known which reports leave passes out?', () => {
    expect(catalog.reportsOf('trivy').map(({ lists }) => lists)).toEqual(['failures', 'failures', 'failures']);
    expect(catalog.reportsOf('kube-bench').map(({ lists }) => lists)).toEqual(['all']);
  });

  it('do the numbers of an organisation stand over product defaults?', () => {
    expect(catalog.freshnessOf('rbac-least-privilege').scanner).toMatchObject({ maxAgeDays: 8, from: 'default' });
    const own = catalog.freshnessOf('restore-testing', {
      scanner: { 'restore-testing': 2 },
      records: { 'restore-testing/restore_test': 183 },
    });
    expect(own.scanner).toMatchObject({ maxAgeDays: 2, from: 'override' });
    expect(own.records['restore_test']).toMatchObject({ maxAgeDays: 183, from: 'override' });
    expect(() => catalog.freshnessOf('restore-testing', { scanner: { 'restore-testing': 0 } })).toThrow(RangeError);
    expect(() => catalog.freshnessOf('no-such')).toThrow(RangeError);
  });

  it('does the overlay stay apart from the law in force?', () => {
    const proposed = catalog.withOverlay('nprm-2025');
    expect(proposed.controls.filter(({ required }) => required === 'addressable')).toEqual([]);
    expect(proposed.control('164.312(a)(2)(iv)')?.overlay).toBe('nprm-2025');
    expect(proposed.control('nprm-2025/encryption')).toMatchObject({ needs: 'document', type: 'proposed_requirement' });
    expect(proposed.practicesOf('nprm-2025/encryption').map(({ practice }) => practice.id)).toContain('ingress-tls');
    expect(proposed.gaps().controlsWithoutPractice).toContain('nprm-2025/penetration-testing');
    const loosened = { records: { 'restore-testing/restore_test': 183 } };
    expect(proposed.freshnessOf('restore-testing', loosened).records['restore_test']).toMatchObject({
      maxAgeDays: 31,
      from: 'overlay',
    });
    expect(catalog.control('164.312(a)(2)(iv)')).toMatchObject({ required: 'addressable', overlay: null });
    expect(catalog.control('nprm-2025/encryption')).toBeNull();
    expect(() => catalog.withOverlay('nprm-2026')).toThrow(RangeError);
  });

  it('can nobody change it?', () => {
    const found = catalog.control('164.312(b)')!;
    expect(() => Object.assign(found, { needs: 'nothing' })).toThrow(TypeError);
    expect(() => (catalog.practice('risk-analysis')!.primary as string[]).push('164.310(b)')).toThrow(TypeError);
    expect(() => Object.assign(catalog, { version: '0' })).toThrow(TypeError);
  });

  it('does the digest follow the content and nothing else?', () => {
    const reordered = Object.fromEntries(Object.entries(structuredClone(FILES)).reverse());
    expect(buildCatalog(reordered).digest).toBe(catalog.digest);
    const changed = structuredClone(FILES) as Record<string, Node>;
    set(controls(changed)[0], 'title', 'Another title');
    expect(buildCatalog(changed).digest).not.toBe(catalog.digest);
  });
});
