// Writes demo/: what the scanners of a small clinic would have reported last week and today. Deterministic: the same source gives the same bytes.
// Run after a change: `node scripts/make-demo.mjs`. Ids, titles and severities of checks are the catalogue's, which has them from the tools' own
// repositories; clusters, workloads, images and digests are made up. The times in the files are placeholders: whoever posts them sets them.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = join(ROOT, 'demo');
const WEEKS = /** @type {const} */ (['last-week', 'today']);
/** @typedef {(typeof WEEKS)[number]} Week */
const CLUSTER = 'lakeside-emr-production';
const REGISTRY = 'registry.lakeside-clinic.example';
const TIMES = { 'last-week': '2026-11-16T02:00:00Z', today: '2026-11-23T02:00:00Z' };

const digest = (/** @type {string} */ of) => `sha256:${createHash('sha256').update(of).digest('hex')}`;
/** An id that looks like the random ones of the tools, and is the same at each run. */
const uid = (/** @type {string} */ of) =>
  digest(of)
    .slice(7)
    .replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5');
const sum = (/** @type {any[]} */ of, /** @type {(one: any) => boolean} */ which) => of.filter(which).length;

/** @returns {Map<string, any>} the catalogue's checks of a tool, by id */
function checksOf(/** @type {string} */ tool) {
  const { checks } = parse(readFileSync(join(ROOT, `catalog/mappings/${tool}.yaml`), 'utf8'));
  return new Map(checks.map((/** @type {any} */ check) => [check.id, check]));
}

function write(/** @type {Week} */ week, /** @type {string} */ name, /** @type {unknown} */ report, indent = 0) {
  mkdirSync(join(OUT, week), { recursive: true });
  writeFileSync(join(OUT, week, name), `${JSON.stringify(report, null, indent)}\n`);
}

/** `fails`: check ids of tools that fail on it, by week. `fax-gateway` was deployed between the two. */
const WORKLOADS = [
  { namespace: 'emr', kind: 'Deployment', name: 'emr-api', image: 'emr-api', fails: {} },
  {
    namespace: 'emr',
    kind: 'StatefulSet',
    name: 'emr-db',
    image: 'postgres',
    fails: {
      'last-week': ['KSV-0014', 'C-0017', 'require-ro-rootfs'],
      today: ['KSV-0014', 'C-0017', 'require-ro-rootfs'],
    },
  },
  { namespace: 'emr', kind: 'CronJob', name: 'hl7-export', image: 'hl7-export', fails: {} },
  {
    namespace: 'portal',
    kind: 'Deployment',
    name: 'patient-portal',
    image: 'patient-portal',
    fails: { 'last-week': ['KSV-0012', 'C-0013', 'C-0198', 'C-0218', 'require-run-as-nonroot'] },
  },
  {
    namespace: 'billing',
    kind: 'Deployment',
    name: 'claims-api',
    image: 'claims-api',
    fails: { 'last-week': ['C-0260', 'C-0030'], today: ['C-0260', 'C-0030'] },
  },
  { namespace: 'billing', kind: 'CronJob', name: 'clearinghouse-upload', image: 'clearinghouse-upload', fails: {} },
  {
    namespace: 'fax',
    kind: 'Deployment',
    name: 'fax-gateway',
    image: 'fax-gateway',
    fails: {
      today: [
        'KSV-0017',
        'C-0057',
        'C-0193',
        'C-0213',
        'disallow-privileged-containers',
        'KSV-0014',
        'C-0017',
        'require-ro-rootfs',
      ],
    },
    since: 'today',
  },
];
const workloadsOf = (/** @type {Week} */ week) =>
  WORKLOADS.filter(({ since }) => since !== 'today' || week === 'today');
const fails = (/** @type {any} */ workload, /** @type {Week} */ week, /** @type {string} */ check) =>
  (workload.fails[week] ?? []).includes(check);
const groupOf = (/** @type {string} */ kind) => (kind === 'CronJob' ? 'batch' : 'apps');

// ── kube-bench ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const CONTROLS = [
  { id: '1', file: 'master', text: 'Control Plane Security Configuration' },
  { id: '2', file: 'etcd', text: 'Etcd Node Configuration' },
  { id: '3', file: 'controlplane', text: 'Control Plane Configuration' },
  { id: '4', file: 'node', text: 'Worker Node Security Configuration' },
  { id: '5', file: 'policies', text: 'Kubernetes Policies' },
];
/** @type {Record<string, string>} */
const SECTIONS = {
  1.1: 'Control Plane Node Configuration Files',
  1.2: 'API Server',
  1.3: 'Controller Manager',
  1.4: 'Scheduler',
  2: 'Etcd Node Configuration',
  3.1: 'Authentication and Authorization',
  3.2: 'Logging',
  4.1: 'Worker Node Configuration Files',
  4.2: 'Kubelet',
  4.3: 'kube-proxy',
  5.1: 'RBAC and Service Accounts',
  5.2: 'Pod Security Standards',
  5.3: 'Network Policies and CNI',
  5.4: 'Secrets Management',
  5.5: 'Extensible Admission Control',
  5.6: 'General Policies',
};
/** Manual ones that kube-bench can run all the same: they pass where the setting is there. The other manual ones are a person's to judge. */
const RUNS = /^(1\.|2\.|3\.2\.1$|4\.)/;
/** @type {Record<string, Record<Week, string[]>>} */
const NODE_FAILS = {
  // The audit log of the API server was set up between the two.
  'cp-1': { 'last-week': ['1.2.15', '1.2.16', '1.2.17', '1.2.18', '1.2.19', '3.2.1'], today: ['1.2.15'] },
  // Somebody opened the kubelet to debug it, and left it open.
  'worker-1': { 'last-week': ['4.1.5'], today: ['4.1.5', '4.2.1'] },
};

function kubeBench(/** @type {string} */ node, /** @type {string[]} */ files, /** @type {Week} */ week) {
  const all = [...checksOf('kube-bench').values()].filter(({ id }) => id.startsWith('cis-1.12/'));
  const failing = NODE_FAILS[node]?.[week] ?? [];
  const controls = CONTROLS.filter(({ file }) => files.includes(file)).map(({ id, file, text }) => {
    const checks = all.filter(({ path }) => path.endsWith(`/${file}.yaml`));
    const sections = Object.keys(SECTIONS).filter((section) => section.split('.')[0] === id);
    const tests = sections.sort().map((section) => {
      const results = checks
        .map((check) => ({ number: check.id.slice('cis-1.12/'.length), check }))
        .filter(({ number }) => number.startsWith(`${section}.`))
        .map(({ number, check }) => kubeBenchResult(number, check, failing.includes(number)));
      return { section, type: '', ...totals(results, ''), desc: SECTIONS[section], results };
    });
    const results = tests.flatMap((test) => test.results);
    return {
      id,
      version: 'cis-1.12',
      detected_version: '1.34',
      text,
      node_type: file,
      tests,
      ...totals(results, 'total_'),
    };
  });
  const results = controls.flatMap(({ tests }) => tests.flatMap((test) => test.results));
  return { Controls: controls, Totals: totals(results, 'total_') };
}

function kubeBenchResult(/** @type {string} */ number, /** @type {any} */ check, /** @type {boolean} */ isFailing) {
  const isManual = check.mode === 'manual';
  const isJudged = isManual && !RUNS.test(number);
  const remediation = `See the benchmark's section ${number}.`;
  return {
    test_number: number,
    test_desc: `${check.title} (${isManual ? 'Manual' : 'Automated'})`,
    audit: '',
    AuditEnv: '',
    AuditConfig: '',
    type: isJudged ? 'manual' : '',
    remediation,
    test_info: [remediation],
    status: isJudged ? 'WARN' : !isFailing ? 'PASS' : isManual ? 'WARN' : 'FAIL',
    actual_value: '',
    scored: !isManual,
    IsMultiple: false,
    expected_result: '',
    ...(isJudged ? { reason: 'Test marked as a manual test' } : {}),
  };
}

const totals = (/** @type {any[]} */ results, /** @type {string} */ prefix) =>
  Object.fromEntries(
    ['pass', 'fail', 'warn', 'info'].map((word) => [
      prefix + word,
      sum(results, ({ status }) => status === word.toUpperCase()),
    ]),
  );

// ── Kubescape ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const API_SERVER = '/v1/kube-system/Pod/kube-apiserver-cp-1';
const ETCD = '/v1/kube-system/Pod/etcd-cp-1';
const kubelet = (/** @type {string} */ node) => `hostdata.kubescape.cloud/v1beta0//KubeletInfo/${node}`;
const ids = (/** @type {string} */ text) => text.split(' ').map((id) => `C-${id}`);

/** Which controls are evaluated on what, and where they fail. */
const ON_WORKLOADS = ids(
  '0013 0016 0017 0030 0034 0038 0041 0044 0045 0046 0048 0055 0057 0074 0075 0193 0196 0198 0202 0204 0207 0209 0213 0216 0218 0260',
);
/** @type {{ resource: string; controls: string[]; fails: Partial<Record<Week, string[]>> }[]} */
const ON_OTHERS = [
  {
    resource: API_SERVER,
    controls: ids('0067 0113 0114 0118 0119 0120 0130 0131 0132 0133 0137 0140 0141 0142 0160 0254 0262'),
    fails: { 'last-week': ids('0067 0130 0131 0132 0133 0160 0254') },
  },
  { resource: ETCD, controls: ids('0153 0154 0155 0156 0157 0158 0159'), fails: {} },
  { resource: kubelet('cp-1'), controls: ids('0069 0172 0175'), fails: {} },
  { resource: kubelet('worker-1'), controls: ids('0069 0172 0175'), fails: { today: ids('0069 0172') } },
  { resource: 'networking.k8s.io/v1/portal/Ingress/patient-portal', controls: ids('0263'), fails: {} },
];

function kubescape(/** @type {Week} */ week) {
  const checks = checksOf('kubescape');
  const seen = [
    ...workloadsOf(week).map((workload) => ({
      resource: `${groupOf(workload.kind)}/v1/${workload.namespace}/${workload.kind}/${workload.name}`,
      controls: ON_WORKLOADS,
      failing: /** @type {string[]} */ (/** @type {any} */ (workload.fails)[week] ?? []),
    })),
    ...ON_OTHERS.map(({ resource, controls, fails: failing }) => ({
      resource,
      controls,
      failing: failing[week] ?? [],
    })),
  ];
  const results = seen.map(({ resource, controls, failing }) => ({
    resourceID: resource,
    controls: controls.map((id) => {
      const status = failing.includes(id) ? 'failed' : 'passed';
      return {
        controlID: id,
        name: checks.get(id).title,
        status: { status },
        rules: [{ name: `rule-${id.toLowerCase()}`, status }],
      };
    }),
  }));
  const evaluated = [...new Set(seen.flatMap(({ controls }) => controls))].sort();
  const controls = Object.fromEntries(
    evaluated.map((id) => {
      const passed = seen.filter(({ controls: own, failing }) => own.includes(id) && !failing.includes(id)).length;
      const failed = seen.filter(({ controls: own, failing }) => own.includes(id) && failing.includes(id)).length;
      const status = failed > 0 ? 'failed' : 'passed';
      const { title, base_score: scoreFactor } = checks.get(id);
      return [
        id,
        {
          statusInfo: { status },
          controlID: id,
          name: title,
          status,
          ResourceCounters: {
            passedResources: passed,
            failedResources: failed,
            skippedResources: 0,
            excludedResources: 0,
          },
          complianceScore: Math.round((100 * passed) / (passed + failed)),
          scoreFactor,
        },
      ];
    }),
  );
  return {
    generationTime: TIMES[week],
    clusterAPIServerInfo: { major: '1', minor: '34', gitVersion: 'v1.34.2', platform: 'linux/amd64' },
    clusterCloudProvider: '',
    customerGUID: '',
    clusterName: CLUSTER,
    reportGUID: uid(`kubescape ${week}`),
    summaryDetails: {
      controls,
      status: 'failed',
      frameworks: [{ name: 'AllControls', status: 'failed', version: '', controls: null }],
    },
    resources: seen.map(({ resource }) => ({ resourceID: resource })),
    results,
    metadata: {
      targetMetadata: {},
      clusterMetadata: { numberOfWorkerNodes: 2, contextMetadata: {} },
      scanMetadata: {
        targetType: 'Framework',
        kubescapeVersion: 'v3.0.41',
        scanningTarget: 0,
        targetNames: ['AllControls'],
        verboseMode: true,
      },
    },
  };
}

// ── Trivy ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

function misconfiguration(/** @type {string} */ id, /** @type {any} */ workload) {
  const { title, severity } = checksOf('trivy').get(id);
  const container = `${workload.kind} '${workload.name}' of namespace '${workload.namespace}'`;
  return {
    Type: 'Kubernetes Security Check',
    ID: id.replace('-0', ''),
    AVDID: `AVD-${id}`,
    Title: title,
    Message: `${container}: ${title}`,
    Namespace: `builtin.kubernetes.${id.replace('-0', '')}`,
    Query: `data.builtin.kubernetes.${id.replace('-0', '')}.deny`,
    Severity: severity.toUpperCase(),
    PrimaryURL: `https://avd.aquasec.com/misconfig/${id.toLowerCase()}`,
    Status: 'FAIL',
    CauseMetadata: { Provider: 'Kubernetes', Service: 'general', Code: { Lines: null } },
  };
}

function trivyK8s(/** @type {string} */ cluster, /** @type {any[]} */ workloads, /** @type {Week} */ week) {
  return {
    SchemaVersion: 2,
    CreatedAt: TIMES[week],
    ClusterName: cluster,
    Resources: workloads.map((workload) => {
      const failing = (workload.fails[week] ?? []).filter((/** @type {string} */ id) => id.startsWith('KSV-'));
      return {
        Namespace: workload.namespace,
        Kind: workload.kind,
        Name: workload.name,
        Metadata: [{ RepoDigests: [`${REGISTRY}/${workload.image}@${digest(`${workload.image} ${week}`)}`] }],
        Results: [
          {
            Target: `${workload.kind}/${workload.name}`,
            Class: 'config',
            Type: 'kubernetes',
            MisconfSummary: { Successes: 94 - failing.length, Failures: failing.length },
            ...(failing.length > 0
              ? { Misconfigurations: failing.map((/** @type {string} */ id) => misconfiguration(id, workload)) }
              : {}),
          },
        ],
      };
    }),
  };
}

/** Packages with what was found in them: [CVE, severity, package, installed, fixed ("" where there is none), title]. */
const IMAGES = [
  {
    name: 'emr-api',
    tag: { 'last-week': '4.8.1', today: '4.8.2' },
    os: { Family: 'debian', Name: '12.11' },
    purl: { os: 'deb/debian', lang: 'maven' },
    lang: { Target: 'Java', Type: 'jar' },
    both: {
      os: [
        [
          'CVE-2023-45853',
          'CRITICAL',
          'zlib1g',
          '1:1.2.13.dfsg-1',
          '',
          'zlib: integer overflow and resultant heap-based buffer overflow in zipOpenNewFileInZip4_6',
        ],
        [
          'CVE-2011-3374',
          'LOW',
          'apt',
          '2.6.1',
          '',
          'It was found that apt-key in apt, all versions, do not correctly validate gpg keys',
        ],
      ],
      lang: [],
    },
    before: {
      os: [
        [
          'CVE-2024-6119',
          'HIGH',
          'libssl3',
          '3.0.13-1~deb12u1',
          '3.0.14-1~deb12u2',
          'openssl: Possible denial of service in X.509 name checks',
        ],
        [
          'CVE-2024-45491',
          'CRITICAL',
          'libexpat1',
          '2.5.0-1',
          '2.5.0-1+deb12u1',
          'libexpat: integer overflow or wraparound in dtdCopy',
        ],
      ],
      lang: [
        [
          'CVE-2022-1471',
          'HIGH',
          'org.yaml:snakeyaml',
          '1.33',
          '2.0',
          'SnakeYaml: Constructor Deserialization Remote Code Execution',
        ],
      ],
    },
  },
  {
    name: 'patient-portal',
    tag: { 'last-week': '2.3.0', today: '2.3.1' },
    os: { Family: 'alpine', Name: '3.22.1' },
    purl: { os: 'apk/alpine', lang: 'npm' },
    lang: { Target: 'Node.js', Type: 'node-pkg' },
    both: {
      os: [],
      lang: [
        [
          'CVE-2024-4068',
          'HIGH',
          'braces',
          '3.0.2',
          '3.0.3',
          'braces: fails to limit the number of characters it can handle',
        ],
      ],
    },
    before: {
      os: [],
      lang: [
        [
          'CVE-2024-29041',
          'MEDIUM',
          'express',
          '4.18.2',
          '4.19.2, 5.0.0-beta.3',
          'express: cause malformed URLs to be evaluated',
        ],
        [
          'CVE-2024-45590',
          'HIGH',
          'body-parser',
          '1.20.1',
          '1.20.3',
          'body-parser: Denial of Service Vulnerability in body-parser',
        ],
      ],
    },
  },
];

function vulnerability(/** @type {string[]} */ row, /** @type {string} */ type, /** @type {string} */ layer) {
  const [id = '', severity, name = '', installed = '', fixed, title] = row;
  return {
    VulnerabilityID: id,
    PkgID: `${name}@${installed}`,
    PkgName: name,
    PkgIdentifier: {
      PURL: `pkg:${type}/${name.replace(':', '/')}@${encodeURIComponent(installed)}`,
      UID: digest(name).slice(7, 23),
    },
    InstalledVersion: installed,
    ...(fixed === '' ? {} : { FixedVersion: fixed }),
    Status: fixed === '' ? 'affected' : 'fixed',
    Layer: { DiffID: layer },
    PrimaryURL: `https://avd.aquasec.com/nvd/${id.toLowerCase()}`,
    Title: title,
    Severity: severity,
  };
}

function trivyImage(/** @type {(typeof IMAGES)[number]} */ image, /** @type {Week} */ week) {
  const reference = `${REGISTRY}/${image.name}:${image.tag[week]}`;
  const layer = digest(`${reference} layer`);
  const of = (/** @type {'os' | 'lang'} */ kind) =>
    [...image.both[kind], ...(week === 'last-week' ? image.before[kind] : [])].map((row) =>
      vulnerability(row, image.purl[kind], layer),
    );
  const found = { os: of('os'), lang: of('lang') };
  return {
    SchemaVersion: 2,
    Trivy: { Version: '0.68.1' },
    CreatedAt: TIMES[week],
    ArtifactName: reference,
    ArtifactType: 'container_image',
    Metadata: {
      OS: image.os,
      ImageID: digest(`${reference} config`),
      DiffIDs: [layer],
      RepoTags: [reference],
      RepoDigests: [`${REGISTRY}/${image.name}@${digest(`${image.name} ${week}`)}`],
      Reference: reference,
    },
    Results: [
      {
        Target: `${reference} (${image.os.Family} ${image.os.Name})`,
        Class: 'os-pkgs',
        Type: image.os.Family,
        ...(found.os.length > 0 ? { Vulnerabilities: found.os } : {}),
      },
      {
        Target: image.lang.Target,
        Class: 'lang-pkgs',
        Type: image.lang.Type,
        ...(found.lang.length > 0 ? { Vulnerabilities: found.lang } : {}),
      },
    ],
  };
}

// ── Kyverno ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const POLICIES = [
  {
    policy: 'disallow-privileged-containers',
    rule: 'privileged-containers',
    category: 'Pod Security Standards (Baseline)',
  },
  { policy: 'disallow-host-namespaces', rule: 'host-namespaces', category: 'Pod Security Standards (Baseline)' },
  { policy: 'require-run-as-nonroot', rule: 'run-as-non-root', category: 'Pod Security Standards (Restricted)' },
  { policy: 'require-ro-rootfs', rule: 'validate-readOnlyRootFilesystem', category: 'Best Practices' },
  { policy: 'disallow-latest-tag', rule: 'validate-image-tag', category: 'Best Practices' },
];

function kyverno(/** @type {any[]} */ workloads, /** @type {Week} */ week) {
  const seconds = Date.parse(TIMES[week]) / 1000;
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: workloads.map((workload) => {
      const id = uid(`${workload.namespace}/${workload.name}`);
      const results = POLICIES.map(({ policy, rule, category }) => {
        const result = fails(workload, week, policy) ? 'fail' : 'pass';
        return {
          category,
          message:
            result === 'pass'
              ? `validation rule 'autogen-${rule}' passed.`
              : `validation error: rule autogen-${rule} failed`,
          policy,
          properties: { process: 'background scan' },
          result,
          rule: `autogen-${rule}`,
          scored: true,
          severity: 'medium',
          source: 'kyverno',
          timestamp: { nanos: 0, seconds },
        };
      });
      return {
        apiVersion: 'wgpolicyk8s.io/v1alpha2',
        kind: 'PolicyReport',
        metadata: { labels: { 'app.kubernetes.io/managed-by': 'kyverno' }, name: id, namespace: workload.namespace },
        scope: {
          apiVersion: `${groupOf(workload.kind)}/v1`,
          kind: workload.kind,
          name: workload.name,
          namespace: workload.namespace,
          uid: id,
        },
        results,
        summary: {
          error: 0,
          fail: sum(results, ({ result }) => result === 'fail'),
          pass: sum(results, ({ result }) => result === 'pass'),
          skip: 0,
          warn: 0,
        },
      };
    }),
  };
}

// ── All of them ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

rmSync(OUT, { recursive: true, force: true });
for (const week of WEEKS) {
  write(week, 'kube-bench-cp-1.json', kubeBench('cp-1', ['master', 'etcd', 'controlplane', 'node', 'policies'], week));
  write(week, 'kube-bench-worker-1.json', kubeBench('worker-1', ['node'], week));
  write(week, 'kubescape.json', kubescape(week));
  write(week, 'trivy-k8s.json', trivyK8s(CLUSTER, workloadsOf(week), week), 2);
  for (const image of IMAGES) write(week, `trivy-image-${image.name}.json`, trivyImage(image, week), 2);
  write(week, 'kyverno.json', kyverno(workloadsOf(week), week), 1);
}
// The staging cluster is scanned by Trivy alone.
const STAGING = WORKLOADS.filter(({ namespace }) => namespace === 'portal').map((workload) => ({
  ...workload,
  fails: { today: ['KSV-0012', 'KSV-0014'] },
}));
write('today', 'staging-trivy-k8s.json', trivyK8s('lakeside-emr-staging', STAGING, 'today'), 2);
