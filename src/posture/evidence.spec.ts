import { describe, expect, it } from 'vitest';
import { bytesOf, declared, fixture } from '../../test/fixtures/reports/load.js';
import { currentCatalog } from '../catalog/load.js';
import type { TypeDefinition } from '../catalog/record-type.js';
import { parseReport } from '../scans/formats/index.js';
import { asksOf } from './asks.js';
import { countsOf, evaluateSystem, type SystemEvaluation } from './evaluate.js';
import { emptyPart } from './needs.js';
import type { Status } from './status.js';

/*
 * From the bytes of a report to what it makes of practices: sources and ids are those that the formats give.
 */

const catalog = currentCatalog();
const AS_OF = new Date('2026-11-23T09:00:00Z');
const SEEN = new Date('2026-11-22T09:00:00Z');
const ID = '00000000-0000-4000-8000-000000000001';
const types = new Map(catalog.recordTypes.map((definition): [string, TypeDefinition] => [definition.type, definition]));
const asks = asksOf(catalog, {}, types);

/** The posture of a system that was never reported on but by these, a day ago. */
function after(...reports: readonly (readonly [document: unknown, ...targets: string[]])[]): SystemEvaluation {
  const read = reports.map(([document, ...targets]) =>
    parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared(...targets) }),
  );
  const of = ({ target, source }: { target: { kind: string; name: string }; source: string }) => ({
    ...{ targetId: `${target.kind}/${target.name}`, target, source, scanId: ID, evidenceId: ID },
  });
  const evidence = {
    checks: read.flatMap(({ results }) =>
      results.map((result) => ({
        ...of(result),
        ...{ check: result.check, status: result.status, count: 1, phi: 0, accepted: 0 },
        ...{ oldestSeen: SEEN, newestSeen: SEEN, series: [ID] },
      })),
    ),
    coverage: read.flatMap(({ coverage }) =>
      coverage
        .filter(({ extent }) => extent === 'complete')
        .map((covered) => ({
          ...of(covered),
          ...{ checks: covered.checks === null ? null : [...covered.checks], silentPass: [...covered.silentPass] },
          observedAt: SEEN,
        })),
    ),
    corrupt: new Set<string>(),
  };
  const input = { id: ID, name: 'emr', evidence, part: emptyPart(asks, ID) };
  return evaluateSystem({ catalog, asOf: AS_OF, freshness: {}, asks }, input, emptyPart(asks, null));
}

const practiceOf = (evaluation: SystemEvaluation, practice: string) =>
  evaluation.practices.find(({ id }) => id === practice)!;
const statusOf = (evaluation: SystemEvaluation, practice: string): Status => practiceOf(evaluation, practice).status;
const unmapped = ({ unmapped: rows }: SystemEvaluation): string[] =>
  rows.map(({ source, check }) => `${source} ${check}`);

const IMAGE = 'image/registry.example/clinic/portal:3.2';
const REPOSITORY = 'repository/git.example/clinic/portal';
const CLUSTER = 'cluster/cluster';
const SCANNING = 'image-vulnerability-scanning';

const sarif = (tool: string, ...results: { ruleId: string; kind?: string; message?: { text: string } }[]) => ({
  version: '2.1.0',
  runs: [
    {
      tool: { driver: { name: tool } },
      invocations: [{ executionSuccessful: true }],
      results: results.map((result) => ({
        ...{ message: { text: '' }, locations: [{ physicalLocation: { artifactLocation: { uri: 'a.yaml' } } }] },
        ...result,
      })),
    },
  ],
});

describe('do the vulnerabilities of every image scanner count alike?', () => {
  const match = (id: string) => ({
    vulnerability: { id, severity: 'Critical', fix: {} },
    artifact: { name: 'busybox', version: '1.36', type: 'apk', purl: 'pkg:apk/alpine/busybox@1.36' },
  });
  const grype = (...ids: string[]) => ({
    matches: ids.map(match),
    source: { type: 'image', target: { userInput: 'registry.example/clinic/portal:3.2' } },
    distro: { name: 'alpine' },
    descriptor: { name: 'grype', version: '0.116.0', configuration: {}, db: {} },
  });

  it.each<[string, unknown, string[]]>([
    ['Grype', grype('CVE-2026-0001', 'ELSA-2026-1'), []],
    [
      'Grype as SARIF',
      sarif('grype', { ruleId: 'CVE-2026-0001-busybox' }, { ruleId: 'GHSA-aaaa-bbbb-cccc-lodash' }),
      [IMAGE],
    ],
    ['Trivy as SARIF', sarif('Trivy', { ruleId: 'CVE-2026-0001' }, { ruleId: 'GHSA-aaaa-bbbb-cccc' }), [IMAGE]],
  ])('%s: they are for people to judge', (_tool, document, targets) => {
    const evaluation = after([document, ...targets]);
    for (const practice of [SCANNING, 'critical-vulnerability-gate']) {
      expect(practiceOf(evaluation, practice)).toMatchObject({ status: 'missing' });
      expect(practiceOf(evaluation, practice).reason).toContain('2 manual');
    }
    expect(countsOf(evaluation).practices.failing).toBe(0);
    expect(evaluation.unmapped).toEqual([]);
  });

  it('does a clean image show by Grype that it was scanned, and evidence nothing?', () => {
    const clean = after([grype()]);
    expect(statusOf(clean, SCANNING)).toBe('partial');
    expect(countsOf(clean).practices.evidenced).toBe(0);
    // The distribution is not known: nobody looked for all of its packages.
    expect(statusOf(after([{ ...grype(), distro: {} }]), SCANNING)).toBe('missing');
  });

  it('does SARIF that lists no vulnerability say nothing, and is one that «passed» no pass?', () => {
    for (const tool of ['Trivy', 'grype']) {
      expect(statusOf(after([sarif(tool), IMAGE]), SCANNING)).toBe('missing');
      const passed = after([sarif(tool, { ruleId: 'CVE-2026-0001', kind: 'pass' }), CLUSTER]);
      expect(practiceOf(passed, SCANNING).reason).toContain('1 manual');
    }
  });

  it('are vulnerabilities that come with a bill of materials of its scanner for people to judge, and others unmapped?', () => {
    const bom = (name: string) => ({
      ...{ bomFormat: 'CycloneDX', specVersion: '1.5', metadata: { tools: { components: [{ name }] } } },
      components: [{ type: 'library', 'bom-ref': 'b', name: 'busybox', version: '1.36' }],
      vulnerabilities: [{ id: 'CVE-2026-0001', affects: [{ ref: 'b' }] }],
    });
    for (const tool of ['trivy', 'grype']) {
      expect(practiceOf(after([bom(tool), IMAGE]), SCANNING).reason).toContain('1 manual');
    }
    expect(unmapped(after([bom('other'), IMAGE]))).toEqual(['cyclonedx/other/vulnerability CVE-2026-0001']);
  });

  it('does what nobody can tell apart for certain stay unmapped?', () => {
    // A secret by its id alone, and a vulnerability of which it is not said that it is one of an image.
    const evaluation = after(
      [fixture('ocsf/vulnerabilities.json')],
      [sarif('Trivy', { ruleId: 'aws-access-key-id' }), IMAGE],
    );
    expect(countsOf(evaluation).practices.missing).toBe(evaluation.practices.length);
    expect(unmapped(evaluation)).toContain('sarif/trivy aws-access-key-id');
  });
});

describe('does SARIF count by the ids of the tool that wrote it?', () => {
  it.each([
    ['Trivy', 'KSV-0014', 'read-only-root-filesystem'],
    ['Trivy', 'KSV014', 'read-only-root-filesystem'],
    ['Checkov', 'CKV_K8S_16', 'no-privileged-containers'],
    ['kube-linter', 'no-read-only-root-fs', 'read-only-root-filesystem'],
    ['kubescape', 'C-0017', 'read-only-root-filesystem'],
  ])('%s %s fails %s, and what it says has passed is none of its words', (tool, ruleId, practice) => {
    const failed = after([sarif(tool, { ruleId }), REPOSITORY]);
    expect(statusOf(failed, practice)).toBe('failing');
    expect(failed.unmapped).toEqual([]);

    for (const target of [REPOSITORY, CLUSTER]) {
      expect(countsOf(after([sarif(tool), target])).practices.missing).toBe(124);
      const passed = after([sarif(tool, { ruleId, kind: 'pass' }), target]);
      expect(countsOf(passed).practices.missing).toBe(124);
      expect(passed.unmapped).toMatchObject([
        { check: ruleId, failing: 0, why: expect.stringContaining('only what fails') },
      ]);
    }
  });

  it('is a check that Trivy writes for having passed no failure?', () => {
    const of = (said: string) =>
      after([
        sarif('Trivy', {
          ruleId: 'KSV-0014',
          message: { text: `Artifact: a.yaml\nType: kubernetes\nMessage: ${said}\nLink: x` },
        }),
        REPOSITORY,
      ]);
    expect(statusOf(of('Container should set readOnlyRootFilesystem'), 'read-only-root-filesystem')).toBe('failing');
    expect(statusOf(of('No issues found'), 'read-only-root-filesystem')).toBe('missing');
  });

  it.each(['kubeaudit', 'Trivy for all', 'Lint'])('is %s, whose ids nobody vouches for, unmapped?', (tool) => {
    const evaluation = after([
      sarif(tool, { ruleId: 'KSV-0014' }, { ruleId: 'AppArmorAnnotationMissing' }),
      REPOSITORY,
    ]);
    expect(countsOf(evaluation).practices.missing).toBe(124);
    expect(evaluation.unmapped).toHaveLength(2);
  });
});

describe('do rules of OpenShift count by their ids, whatever carries these?', () => {
  const RULE = (name: string) => `xccdf_org.ssgproject.content_rule_${name}`;

  it('as compliance-trestle writes them in OSCAL: what passed and what failed', () => {
    const evaluation = after([fixture('oscal-assessment-results/results-only.yaml'), CLUSTER]);
    expect(statusOf(evaluation, 'anonymous-access-disabled')).toBe('failing');
    expect(statusOf(evaluation, 'etcd-tls')).toBe('partial');
    expect(unmapped(evaluation)).toEqual([`oscal/ocp-4 ${RULE('policy')}`]);
  });

  it('and never as a finding of an assessor', () => {
    const evaluation = after([fixture('oscal-assessment-results/assessment-results.json'), CLUSTER]);
    expect(countsOf(evaluation).practices.missing).toBe(124);
    expect(evaluation.unmapped.map(({ source }) => source)).toContain('oscal/findings');
  });

  it("as Heimdall's converter writes them in HDF: what failed alone", () => {
    const hdf = (name: string) => ({
      ...{ platform: { name: 'Heimdall Tools', release: '2.10.0' }, version: '2.10.0', statistics: {} },
      profiles: [
        {
          name,
          status: 'loaded',
          controls: [
            [RULE('etcd_unique_ca'), 'passed'],
            [RULE('kubelet_anonymous_auth'), 'failed'],
          ].map(([id, status]) => ({
            ...{ id, title: '', impact: 0.5 },
            results: [{ status, code_desc: '', start_time: '2026-11-22T09:00:00Z' }],
          })),
        },
      ],
    });
    const evaluation = after([hdf('xccdf_org.ssgproject.content_benchmark_OCP-4'), CLUSTER]);
    expect(statusOf(evaluation, 'anonymous-access-disabled')).toBe('failing');
    expect(statusOf(evaluation, 'etcd-tls')).toBe('missing');
    expect(evaluation.unmapped).toMatchObject([{ check: RULE('etcd_unique_ca'), failing: 0 }]);

    const other = after([hdf('my-baseline'), CLUSTER]);
    expect(countsOf(other).practices.missing).toBe(124);
    expect(other.unmapped).toHaveLength(2);
  });
});

describe('what does a bill of materials say of practices?', () => {
  it('nothing that a scanner would: its components are facts', () => {
    const bill = {
      ...{ apiVersion: 'aquasecurity.github.io/v1alpha1', kind: 'SbomReport' },
      metadata: {
        ...{ name: 'a', namespace: 'clinic' },
        labels: { 'trivy-operator.resource.kind': 'ReplicaSet', 'trivy-operator.resource.name': 'portal' },
      },
      report: {
        ...{
          artifact: { repository: 'clinic/portal', digest: `sha256:${'1'.repeat(64)}` },
          registry: { server: 'r.example' },
        },
        ...{ summary: { componentsCount: 1 }, updateTimestamp: '2026-11-22T09:00:00Z' },
        components: {
          ...{ bomFormat: 'CycloneDX', specVersion: '1.5' },
          components: [{ type: 'library', name: 'busybox', version: '1.36', purl: 'pkg:apk/alpine/busybox@1.36' }],
        },
      },
    };
    const { facts } = parseReport(bytesOf(bill), { declared: declared(CLUSTER) });
    expect(facts).toMatchObject([{ kind: 'image-component' }]);
    expect(countsOf(after([bill, CLUSTER])).practices.missing).toBe(124);
  });

  it('is no practice said to be seen by a scanner for that?', () => {
    expect(catalog.reportOf('trivy/sbomreport')).toBeNull();
    for (const practice of ['sbom-generation', 'minimal-base-images', 'runtime-image-slimming']) {
      // By checks alone.
      expect(catalog.gaps().practicesWithoutScanner.includes(practice)).toBe(
        !catalog.checksOf(practice).some(({ evidence }) => evidence),
      );
    }
  });
});

describe('do reports of policies count by the name of who wrote them?', () => {
  const policyReport = (source: string, policy: string, result: string, rule?: string) => ({
    ...{ apiVersion: 'wgpolicyk8s.io/v1alpha2', kind: 'PolicyReport', metadata: { name: 'r', namespace: 'clinic' } },
    summary: { [result]: 1 },
    results: [{ source, policy, rule, result, resources: [{ kind: 'Pod', name: 'portal', namespace: 'clinic' }] }],
  });
  const read = (...of: Parameters<typeof policyReport>) => after([policyReport(...of), CLUSTER]);

  it.each([
    ['kubescape', 'C-0017', 'Immutable container filesystem'],
    ['KyvernoValidatingPolicy', 'require-ro-rootfs', undefined],
  ])('%s %s', (source, policy, rule) => {
    expect(statusOf(read(source, policy, 'fail', rule), 'read-only-root-filesystem')).toBe('failing');
  });

  it('is what Kubescape writes there as passed no pass, for it may have been excused?', () => {
    const evaluation = read('kubescape', 'C-0017', 'pass', 'Immutable container filesystem');
    expect(countsOf(evaluation).practices.missing).toBe(124);
    expect(evaluation.unmapped).toHaveLength(1);
  });

  it('are vulnerabilities that the adapter of Trivy Operator copies for people to judge?', () => {
    const evaluation = read('Trivy Vulnerability', 'CVE-2026-0001', 'fail');
    expect(practiceOf(evaluation, SCANNING).reason).toContain('1 manual');
    expect(countsOf(evaluation).practices.failing).toBe(0);
  });
});

describe('what does a file say that an API server is started with?', () => {
  const posted = (document: object) => after([document, CLUSTER]);
  const statuses = (evaluation: SystemEvaluation, ...practices: string[]) =>
    practices.map((practice) => statusOf(evaluation, practice));
  const encrypted = (...providers: object[]) =>
    statuses(
      posted({
        apiVersion: 'apiserver.config.k8s.io/v1',
        kind: 'EncryptionConfiguration',
        resources: [{ resources: ['secrets'], providers }],
      }),
      'secrets-encryption-at-rest',
      'kms-provider-external-keys',
    );
  const audited = (...rules: object[]) =>
    statuses(
      posted({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages: ['RequestReceived'], rules }),
      'audit-policy-coverage',
      'access-denial-escalation-logging',
    );

  it('that Secrets are stored as they are contradicts, and that they are encrypted supports and never proves', () => {
    const kms = (apiVersion: string) => ({ kms: { apiVersion, name: 'vault', endpoint: 'unix:///kms.sock' } });
    expect(encrypted({ identity: {} }, kms('v2'))).toEqual(['failing', 'failing']);
    expect(encrypted(kms('v2'), { identity: {} })).toEqual(['partial', 'partial']);
    expect(encrypted(kms('v1'))).toEqual(['partial', 'failing']);
    expect(encrypted({ aesgcm: { keys: [{ name: 'a' }] } })).toEqual(['partial', 'failing']);
  });

  it('what a policy logs supports, what it leaves out contradicts, and what it leaves open does neither', () => {
    const rbac = {
      level: 'Request',
      verbs: ['create', 'update', 'patch', 'delete'],
      resources: [{ group: 'rbac.authorization.k8s.io' }],
    };
    expect(audited(rbac, { level: 'Metadata' })).toEqual(['partial', 'partial']);
    expect(audited({ level: 'Metadata' })).toEqual(['failing', 'failing']);
    expect(audited({ level: 'None', users: ['system:admin'] }, rbac, { level: 'Metadata' })).toEqual([
      'partial',
      'partial',
    ]);
    expect(audited({ level: 'None' })).toEqual(['failing', 'failing']);
  });
});
