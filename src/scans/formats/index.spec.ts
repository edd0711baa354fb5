import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, fixtureNames } from '../../../test/fixtures/reports/load.js';
import { readDocument } from '../text/read-document.js';
import type { Declared, Report } from '../report.js';
import { BOUNDS, ReportFault } from '../report.js';
import { FORMATS, parseReport } from './index.js';

/** What has to be declared for a fixture to be taken, and as complete as it can be. */
function fitting(name: string): Declared {
  if (name.startsWith('kube-bench/')) return declared('node/a');
  if (name === 'trivy/legacy.json') return declared('image/app:1');
  if (name === 'grype/directory.json') return declared('repository/git.example/clinic/portal');
  if (name === 'sarif/two-tools.json') return declared('repository/git.example/clinic/portal');
  if (/^(trivy-k8s|trivy-operator|policy-report|openreports)/.test(name)) return declared('cluster/cluster');
  if (/^(cert-manager|external-secrets|istio|k8s-|kubernetes-storage|secrets-store-csi|velero)/.test(name)) {
    return declared('cluster/cluster');
  }
  if (name.startsWith('aws-kms/')) {
    return declared('account/arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-4333-8444-555555555555');
  }
  if (name.startsWith('azure-keyvault/policy')) return declared('account/https://clinic.vault.azure.net/keys/etcd');
  if (name.startsWith('azure-keyvault/')) return declared('account/clinic.vault.azure.net');
  if (name.startsWith('gcp-kms/')) return declared('account/projects/clinic/locations/europe-west3/keyRings/phi');
  if (name.startsWith('vault-transit/')) return declared('account/vault.example/transit');
  if (name === 'prowler-ocsf/kubernetes.json') return declared('cluster/clinic-prod');
  if (name.startsWith('oscal-assessment-results/')) return declared('cluster/cluster');
  if (name.startsWith('hdf/')) return declared('node/worker-1');
  if (/^(ocsf|prowler-ocsf)\//.test(name)) return declared('account/111122223333');
  return declared();
}

const ALL = FORMATS.flatMap(({ slug }) => fixtureNames(slug));

function tryParse(bytes: Uint8Array, by: Declared): Report | null {
  try {
    return parseReport(bytes, { declared: by });
  } catch (error) {
    if (error instanceof ReportFault) return null;
    throw error;
  }
}

const passes = (report: Report | null): number => report?.results.filter(({ status }) => status === 'pass').length ?? 0;

/** Every place in a document: the container and the key in it. */
function places(value: unknown, found: [Record<string, unknown>, string][] = []): [Record<string, unknown>, string][] {
  if (typeof value !== 'object' || value === null) return found;
  const container = value as Record<string, unknown>;
  for (const key of Object.keys(container)) {
    found.push([container, key]);
    places(container[key], found);
  }
  return found;
}

describe('any report', () => {
  it.each(ALL)('is %s of one format only, and of the folder that it lies in?', (name) => {
    const document = readDocument(fixture(name));
    const slugs = FORMATS.filter((format) => format.detect(document)).map(({ slug }) => slug);
    expect(slugs).toEqual([name.slice(0, name.indexOf('/'))]);
  });

  it.each(ALL)('does a value of %s that turns into another type never make a pass or close anything more?', (name) => {
    const document = readDocument(fixture(name));
    const by = fitting(name);
    const intact = parseReport(fixture(name), { declared: by });
    const closed = JSON.stringify(intact.coverage);
    for (const wrong of [null, 7, true, {}, [], [null], { x: null }, '']) {
      for (const [container, key] of places(document)) {
        const right = container[key];
        // Kubescape writes a plain pass with `subStatus: ""`: there the empty text is no wrong value.
        if (wrong === '' && key === 'subStatus') continue;
        // The other truth value is of the right type, and says the opposite.
        if (typeof wrong === 'boolean' && typeof right === 'boolean') continue;
        container[key] = wrong;
        const report = tryParse(bytesOf(document), by);
        container[key] = right;
        expect(passes(report), key).toBeLessThanOrEqual(passes(intact));
        for (const { extent, checks, silentPass } of report?.coverage ?? []) {
          if (extent === 'partial') expect([checks, silentPass]).toEqual([null, []]);
          else for (const check of checks ?? []) expect(closed, `${key} = ${JSON.stringify(wrong)}`).toContain(check);
        }
      }
    }
  });

  it.each(ALL)('does %s never pass more when a list in it is cut?', (name) => {
    const document = readDocument(fixture(name));
    const intact = parseReport(fixture(name), { declared: fitting(name) });
    for (const [container, key] of places(document)) {
      const right = container[key];
      // The rules of one Kubescape control (version 2) are its status: what is not there cannot be missed.
      if (!Array.isArray(right) || key === 'rules') continue;
      container[key] = right.slice(0, -1);
      expect(passes(tryParse(bytesOf(document), fitting(name))), key).toBeLessThanOrEqual(passes(intact));
      container[key] = right;
    }
  });

  it.each(ALL)('does %s, with bytes changed anywhere, throw nothing but ReportFault?', (name) => {
    const bytes = fixture(name);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 }),
        (changes) => {
          const changed = Buffer.from(bytes);
          for (const [at, byte] of changes) changed[at] = byte;
          tryParse(changed, fitting(name));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('does arbitrary JSON belong to no format and break none?', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(FORMATS.filter((format) => format.detect(value))).toEqual([]);
      }),
    );
  });

  it('does a partial declaration make everything partial?', () => {
    for (const name of ALL) {
      const { coverage } = parseReport(fixture(name), { declared: { ...fitting(name), partial: true } });
      for (const { extent, checks, silentPass } of coverage)
        expect([extent, checks, silentPass]).toEqual(['partial', null, []]);
    }
  });

  it.each(['', 'null', '[]', '{}', '---\n'])('does the empty report %j prove nothing?', (text) => {
    expect(faultOf(Buffer.from(text))).toBe('empty-report');
  });

  it('does an unknown document name the keys that it has, bounded, and none of its values?', () => {
    const document = { secretKey: 'hunter2', ['k'.repeat(500)]: 1, 'a\nb': 2 };
    const run = () => parseReport(bytesOf(document), { declared: declared() });
    expect(run).toThrow(/^unknown-format: .*secretKey, k{40}, a\?b\. Formats: [a-z0-9-]+, .*kube-bench, /);
    expect(run).not.toThrow(/hunter2/);
  });

  it('is a named format held to?', () => {
    expect(faultOf(fixture('trivy/image.json'), declared(), 'kubescape')).toBe('wrong-format');
    expect(faultOf(fixture('trivy/image.json'), declared(), 'trivy')).toBe('');
    expect(faultOf(fixture('trivy/image.json'), declared(), 'nessus')).toBe('unknown-format');
  });
});

describe('bounds on rows', () => {
  const report = (finding: object) =>
    parseReport(
      bytesOf({
        SchemaVersion: 2,
        ArtifactName: 'app:1',
        ArtifactType: 'container_image',
        Results: [{ Target: 'app', Class: 'os-pkgs', Vulnerabilities: [finding] }],
      }),
      { declared: declared() },
    );
  const finding = { VulnerabilityID: 'CVE-1', PkgName: 'p', InstalledVersion: '1' };

  it('is prose mended and cut, without splitting a surrogate pair?', () => {
    expect(report({ ...finding, Title: 'a\0b\ud800c' }).results[0]?.title).toBe('a\ufffdb\ufffdc');
    for (const title of ['x'.repeat(301), `${'x'.repeat(298)}😀😀`, '😀'.repeat(400)]) {
      const cut = report({ ...finding, Title: title }).results[0]?.title ?? '';
      expect(cut.length).toBeLessThanOrEqual(BOUNDS.title);
      expect(cut.endsWith('…') && cut.isWellFormed()).toBe(true);
    }
    expect(report({ ...finding, Title: 'x'.repeat(300) }).results[0]?.title).toHaveLength(300);
  });

  it.each([
    { VulnerabilityID: 'CVE\0' },
    { VulnerabilityID: '\udc00' },
    { PkgName: 'x'.repeat(2_001) },
    { VulnerabilityID: 'x'.repeat(501) },
  ])('is a row whose identity does not fit rejected, and its source left open? (%#)', (odd) => {
    const parsed = report({ ...finding, ...odd });
    expect(parsed.results).toEqual([]);
    expect(parsed.rejects).toMatchObject([{ pointer: '/Results/0/Vulnerabilities/0' }]);
    expect(parsed.coverage).toMatchObject([{ extent: 'partial' }]);
  });

  it('does an image name that cannot be kept close nothing?', () => {
    const document = {
      SchemaVersion: 2,
      ArtifactName: 'a\0b',
      ArtifactType: 'container_image',
      Results: [{ Target: 'x', Class: 'os-pkgs' }],
    };
    expect(tryParse(bytesOf(document), declared())?.coverage ?? []).toEqual([]);
  });
});
