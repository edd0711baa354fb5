import { describe, expect, it } from 'vitest';
import { loadCatalog, loadRelease, releasedVersions } from '../../src/catalog/load.js';

const catalog = loadCatalog();
const ofSubpartC = catalog.controls.filter(({ id }) => id.startsWith('164.3'));
const count = <T>(list: readonly T[], holds: (item: T) => boolean) => list.filter(holds).length;

/** The counts are of the convention "numbered specifications of 164.314 counted singly" (NIST CPRT); catalog/hipaa/controls.yaml tells the others. */
describe('does the catalogue hold the whole Security Rule?', () => {
  it('118 items; in Subpart C 22 standards and 46 specifications, 24 required and 22 addressable', () => {
    expect(catalog.controls).toHaveLength(118);
    expect(count(ofSubpartC, ({ type }) => type === 'standard')).toBe(22);
    expect(count(ofSubpartC, ({ type }) => type === 'specification')).toBe(46);
    expect(count(ofSubpartC, ({ type, required }) => type === 'specification' && required === 'required')).toBe(24);
    expect(count(catalog.controls, ({ required }) => required === 'addressable')).toBe(22);
  });

  it('by the other convention, sections 308 to 312 only: 18 standards, 36 specifications, 14 required', () => {
    const safeguards = ofSubpartC.filter(({ id }) => /^164\.3(08|10|12)/.test(id));
    expect(count(safeguards, ({ type }) => type === 'standard')).toBe(18);
    expect(count(safeguards, ({ type }) => type === 'specification')).toBe(36);
    expect(count(safeguards, ({ type, required }) => type === 'specification' && required === 'required')).toBe(14);
  });

  it('are audit controls and authentication mandatory, and encryption and logoff addressable, whatever vendors say?', () => {
    for (const id of ['164.312(b)', '164.312(d)', '164.308(a)(8)', '164.310(b)', '164.310(c)', '164.308(a)(2)'])
      expect(catalog.control(id), id).toMatchObject({ type: 'standard', required: 'required' });
    for (const id of ['164.312(a)(2)(iv)', '164.312(e)(2)(ii)', '164.312(a)(2)(iii)'])
      expect(catalog.control(id)?.required, id).toBe('addressable');
  });

  it('does every standard and specification ask for a document, but for one permission?', () => {
    const without = catalog.controls.filter(({ needs }) => needs === 'nothing');
    expect(without.filter(({ type }) => type !== 'general_rule').map(({ id }) => id)).toEqual(['164.504(e)(4)']);
    expect(catalog.control('164.306(d)(3)')?.needs).toBe('document');
  });

  it('has every standard and specification of Subpart C a primary practice?', () => {
    const missing = catalog.gaps().controlsWithoutPractice.filter((id) => id.startsWith('164.3'));
    expect(missing).toEqual([]);
  });
});

describe('does the catalogue hold what its sources hold?', () => {
  it('124 practices: 104 of the article and 20 that it leaves out', () => {
    expect(catalog.practices).toHaveLength(124);
    expect(count(catalog.practices, ({ section }) => section === 'gap')).toBe(20);
  });

  it('59 groups of the article (57 bullets, 2 statements), and every practice of the article stands in one', () => {
    expect(catalog.groups).toHaveLength(59);
    expect(new Set(catalog.groups.flatMap(({ practices }) => practices)).size).toBe(104);
  });

  // One check per id of the tool at the commit read; checks of older benchmarks only, pod security rows and report kinds are not counted.
  it('1,787 checks of scanners with 1,719 links to practices', () => {
    // The catalogue's own checks are no source's.
    const ofScanners = catalog.checks.filter(({ tool }) => tool !== 'safeguard-checks');
    const byTool = Map.groupBy(ofScanners, ({ tool }) => tool);
    expect(Object.fromEntries([...byTool].map(([tool, checks]) => [tool, checks.length]))).toEqual({
      checkov: 119,
      'compliance-operator': 257,
      gatekeeper: 49,
      'kube-bench': 289,
      'kube-linter': 63,
      kubeaudit: 43,
      kubernetes: 6,
      kubescape: 281,
      kyverno: 328,
      polaris: 44,
      prowler: 139,
      trivy: 169,
    });
    expect(ofScanners).toHaveLength(1787);
    expect(ofScanners.reduce((sum, { practices }) => sum + practices.length, 0)).toBe(1719);
  });

  it('is what the first release said of its five tools said still, but where it was wrong?', () => {
    const first = loadRelease('2026.11.1');
    expect(first.checks).toHaveLength(1206);
    // Both pass for aescbc, whose key lies beside the data (2026.11.5).
    const noKms = new Set(['kubescape C-0142', 'kube-bench cis-1.12/1.2.28']);
    for (const { tool, id, practices, unmapped } of first.checks) {
      const still = noKms.has(`${tool} ${id}`)
        ? practices.filter((practice) => practice !== 'kms-provider-external-keys')
        : practices;
      expect(catalog.resolveCheck(tool, id), `${tool} ${id}`).toMatchObject({ practices: still, unmapped });
    }
  });

  it('is every mapping still only proposed, and is nothing said to be reviewed that is not?', () => {
    expect(catalog.checks.filter(({ review }) => review !== 'proposed')).toEqual([]);
    expect(catalog.review.status).toBe('proposed');
  });

  it('does no practice with scanner evidence stand as primary proof of a physical safeguard?', () => {
    const physical = catalog.controls.filter(({ family }) => family === 'physical');
    expect(physical).toHaveLength(12);
    for (const { id, scanners } of physical) {
      expect(scanners, id).toBe('never');
      const primary = catalog.practicesOf(id).filter(({ link }) => link === 'primary');
      // What the cluster shows of media (a volume that is used again) supports a record, and posture counts no check for a physical safeguard.
      for (const { practice } of primary) {
        const checks = catalog.checksOf(practice.id).filter(({ tool }) => tool !== 'safeguard-checks');
        expect(checks, `${id} ${practice.id}`).toEqual([]);
      }
    }
  });
});

describe('is every released catalogue still read?', () => {
  it('each under its own version', () => {
    expect(releasedVersions().length).toBeGreaterThan(0);
    for (const version of releasedVersions()) expect(loadRelease(version).version).toBe(version);
  });

  it('is the catalogue in use one of them, with the content that it was released with?', () => {
    expect(loadRelease(catalog.version).digest).toBe(catalog.digest);
  });
});
