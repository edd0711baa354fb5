import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { REPORT_KINDS } from '../../src/agent/report-kinds.js';
import { buildProgram } from '../../src/bin/program.js';
import { loadConfig, VARIABLES } from '../../src/config.js';
import { compileFile } from '../../src/checks/definition.js';
import { evaluate, type Outcome } from '../../src/checks/evaluate.js';
import { clusterOf, pathOf } from '../../src/checks/examples.js';
import { shippedFiles } from '../../src/checks/files.js';
import { podSecurityViolations } from '../../src/checks/kubernetes/pod-security.js';
import { KINDS, WORKLOADS } from '../../src/checks/kinds.js';
import { ROOT, textOf } from './files.js';
import {
  FILES,
  hasKubectl,
  KUBERNETES,
  kustomizationOf,
  kustomized,
  KUSTOMIZATIONS,
  listed,
  type KubernetesObject,
} from './kubernetes.js';
import { schemaFaults } from './kubernetes-types.js';

const SERVICE = listed('service/base');
const CRONJOB = listed('agent/cronjob');
const DEPLOYMENT = listed('agent/deployment');
const SECRETS = listed('agent/components/with-secrets');
const GATEKEEPER = listed('agent/components/with-gatekeeper');
/** What fails a check by its nature: nobody has it who has not asked for it. */
const ASKED_FOR = [...SECRETS, ...GATEKEEPER, ...listed('service/components/issuers-in-the-internet')];
/** Each object once: both ways to run the agent stand on one base. */
const ALL = [
  ...SERVICE,
  ...CRONJOB,
  ...DEPLOYMENT.filter((object) => !CRONJOB.some((one) => nameOf(one) === nameOf(object))),
];

function nameOf({ kind, metadata }: KubernetesObject): string {
  return [metadata.namespace, kind, metadata.name].filter((part) => part !== undefined).join('/');
}

const mount = z.object({ name: z.string(), mountPath: z.string() });
const template = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()) }),
  spec: z.looseObject({
    serviceAccountName: z.string(),
    automountServiceAccountToken: z.literal(false),
    terminationGracePeriodSeconds: z.number().optional(),
    securityContext: z.looseObject({ runAsUser: z.number(), fsGroup: z.number() }),
    containers: z.array(
      z.looseObject({
        image: z.string(),
        args: z.array(z.string()),
        env: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
        ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
        volumeMounts: z.array(mount),
        resources: z.object({
          requests: z.object({ cpu: z.string(), memory: z.string() }),
          limits: z.object({ cpu: z.string(), memory: z.string() }),
        }),
        securityContext: z.looseObject({ readOnlyRootFilesystem: z.literal(true) }),
      }),
    ),
    volumes: z.array(z.looseObject({ name: z.string() })),
  }),
});

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
const workloads = ALL.filter(({ kind }) => (WORKLOADS[kind]?.length ?? 0) > 0).map((object) => ({
  name: nameOf(object),
  object,
  pod: template.parse(at(object, WORKLOADS[object.kind]!)),
}));
const named = (name: string) => {
  const found = workloads.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no workload ${name}`);
  return found;
};
const server = named('safeguard/Deployment/safeguard');
const agents = workloads.filter(({ name }) => name.startsWith('safeguard-agent/'));

describe('deploy/kubernetes', () => {
  it('does it hold what it should, and each file in a kustomization?', () => {
    expect(workloads.map(({ name }) => name).sort()).toEqual([
      'safeguard-agent/CronJob/safeguard-agent',
      'safeguard-agent/Deployment/safeguard-agent',
      'safeguard/Deployment/safeguard',
      'safeguard/Job/safeguard-migration',
    ]);
    const used = KUSTOMIZATIONS.flatMap((folder) => {
      const { resources, components } = kustomizationOf(folder);
      return [...resources, ...components].map((path) =>
        join(folder, path.endsWith('.yaml') ? path : `${path}/kustomization.yaml`),
      );
    });
    expect(used.filter((path) => !existsSync(join(KUBERNETES, path)))).toEqual([]);
    const roots = ['service/example', 'agent/example', 'agent/cronjob'].map((folder) => `${folder}/kustomization.yaml`);
    const others = [
      'agent/components/ephemeral-spool',
      'agent/components/with-gatekeeper',
      'agent/components/with-secrets',
      'service/components/ingress',
      'service/components/issuers-in-the-internet',
    ].map((folder) => `${folder}/kustomization.yaml`);
    const unused = FILES.filter((file) => !used.includes(file) && !file.startsWith('audit-webhook/'));
    expect(unused.sort()).toEqual([...roots, ...others].sort());
  });

  it.each([...ALL, ...listed('service/components/ingress'), ...ASKED_FOR].map((object) => [nameOf(object), object]))(
    'is %s of the shape that the API has?',
    (_name, object) => {
      expect(schemaFaults(object)).toEqual([]);
    },
  );

  it('does a field that no API server knows fall?', () => {
    const spec = { ...(server.object['spec'] as object), replica: 2, replicas: '2' };
    expect(schemaFaults({ ...server.object, spec })).toEqual([
      '/spec/replicas is no number',
      '/spec/replica is unknown',
    ]);
  });

  it.each(workloads.map(({ name, pod }) => [name, pod] as const))(
    'is %s what the standard «restricted» asks for?',
    (_name, pod) => {
      expect(podSecurityViolations(pod.spec, pod.metadata)).toEqual([]);
    },
  );

  it.each(workloads.map(({ name, pod }) => [name, pod] as const))(
    'has %s an account of its own, no token that it did not ask for, bounds, and an image by its digest?',
    (_name, { spec }) => {
      const sharing = workloads.filter((one) => one.pod.spec.serviceAccountName === spec.serviceAccountName);
      expect(new Set(sharing.map(({ object }) => object.metadata.name)).size).toBe(1);
      const account = ALL.find((one) => one.kind === 'ServiceAccount' && one.metadata.name === spec.serviceAccountName);
      expect(account?.['automountServiceAccountToken']).toBe(false);
      expect(spec.securityContext).toMatchObject({ runAsUser: 10001, fsGroup: 10001 });
      for (const { image, volumeMounts } of spec.containers) {
        expect(image).toMatch(/^registry\.example\.org\/safeguard@sha256:0{64}$/);
        expect(volumeMounts.map(({ name }) => name).sort()).toEqual(spec.volumes.map(({ name }) => name).sort());
      }
    },
  );

  it('are secrets files, that nobody but the program’s group can read?', () => {
    for (const { pod } of workloads) {
      for (const volume of pod.spec.volumes) {
        for (const kind of ['secret', 'projected']) {
          const source = volume[kind] as { defaultMode?: number } | undefined;
          if (source !== undefined) expect(source.defaultMode).toBe(0o440);
        }
      }
      expect(JSON.stringify(pod)).not.toContain('secretKeyRef');
    }
  });
});

describe('the checks of this product', () => {
  const checks = shippedFiles().flatMap((file) => compileFile(parse(readFileSync(file, 'utf8'))).checks);
  const judged = (objects: readonly KubernetesObject[]) => {
    const outcomes: Outcome[] = [];
    const cluster = clusterOf({ name: 'what is deployed', objects: structuredClone(objects) as KubernetesObject[] });
    evaluate(checks, cluster, (outcome) => outcomes.push(outcome));
    // What is said of the cluster as a whole is no word about these objects.
    return { cluster, outcomes: outcomes.filter(({ object }) => object !== null) };
  };

  it('do the manifests pass them?', () => {
    const { cluster, outcomes } = judged(ALL);
    expect(cluster.partial).toEqual([]);
    expect(cluster.phi.isMarked).toBe(true);
    const failing = outcomes.filter(({ status }) => status === 'fail' || status === 'error');
    expect(failing.map((outcome) => `${outcome.check.id}: ${pathOf(outcome)}`).sort()).toEqual([
      // The cluster's to have: policies at admission. And no manifest has run.
      'image-signature-enforced: safeguard/Deployment/safeguard',
      'image-signature-enforced: safeguard/Job/safeguard-migration',
      'phi-namespace-guarded: Namespace/safeguard',
      'registries-restricted-at-admission: Namespace/safeguard',
      'scanner-cronjob-runs: safeguard-agent/CronJob/safeguard-agent',
    ]);
    const passed = new Set(outcomes.flatMap((outcome) => (outcome.status === 'pass' ? [pathOf(outcome)] : [])));
    for (const { name } of workloads) expect(passed).toContain(name);
  });

  it('do those that are asked for fail them, as they say themselves?', () => {
    const failing = judged([...ALL, ...ASKED_FOR]).outcomes.filter(({ status }) => status === 'fail');
    const before = judged(ALL).outcomes.filter(({ status }) => status === 'fail');
    const named = (outcome: Outcome) => `${outcome.check.id}: ${pathOf(outcome)}`;
    const more = failing.map(named).filter((one) => !before.map(named).includes(one));
    expect(more.sort()).toEqual([
      'phi-egress-limited: safeguard/Deployment/safeguard',
      'role-reads-secrets: ClusterRole/safeguard-agent-secrets',
      'role-wildcards: ClusterRole/safeguard-agent-gatekeeper',
    ]);
  });
});

describe('networks', () => {
  interface Policy extends KubernetesObject {
    spec: {
      podSelector: { matchLabels?: Record<string, string> };
      policyTypes: string[];
      ingress?: unknown[];
      egress?: unknown[];
    };
  }
  const policies = ALL.filter(({ kind }) => kind === 'NetworkPolicy') as Policy[];

  it.each(['safeguard', 'safeguard-agent'])(
    'is nothing let into %s and nothing out of it but what is named?',
    (namespace) => {
      const own = policies.filter(({ metadata }) => metadata.namespace === namespace);
      const denying = own.filter(
        ({ spec }) =>
          Object.keys(spec.podSelector).length === 0 && spec.ingress === undefined && spec.egress === undefined,
      );
      expect(denying.map(({ spec }) => spec.policyTypes)).toEqual([['Ingress', 'Egress']]);
      for (const { spec } of own) {
        for (const peer of [...(spec.ingress ?? []), ...(spec.egress ?? [])] as {
          from?: unknown[];
          to?: unknown[];
          ports?: unknown[];
        }[]) {
          // A rule without peers is one for everybody.
          expect((peer.from ?? peer.to ?? []).length).toBeGreaterThan(0);
          expect(peer.ports?.length ?? 0).toBeGreaterThan(0);
        }
      }
      const namespaceObject = ALL.find(({ kind, metadata }) => kind === 'Namespace' && metadata.name === namespace);
      expect(namespaceObject?.metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    },
  );

  it('does every selector select pods that there are?', () => {
    const pods = workloads.map(({ object, pod }) => ({
      namespace: object.metadata.namespace,
      labels: pod.metadata.labels,
    }));
    const selectors = ALL.flatMap((object) => {
      const spec = object['spec'] as Record<string, unknown> | undefined;
      const own = [spec?.['selector'], spec?.['podSelector']].flatMap((one) =>
        one === undefined ? [] : [one as Record<string, unknown>],
      );
      return own.map((one) => ({
        of: nameOf(object),
        namespace: object.metadata.namespace,
        labels: (one['matchLabels'] ?? (object.kind === 'Service' ? one : {})) as Record<string, string>,
      }));
    });
    expect(selectors.length).toBeGreaterThan(8);
    const empty = selectors.filter(
      ({ namespace, labels }) =>
        !pods.some(
          (pod) =>
            pod.namespace === namespace && Object.entries(labels).every(([key, value]) => pod.labels[key] === value),
        ),
    );
    expect(empty).toEqual([]);
  });
});

describe('the service', () => {
  const [container] = server.pod.spec.containers;
  const base = kustomizationOf('service/base').configMapGenerator;
  const example = kustomizationOf('service/example').configMapGenerator;
  const literals = Object.fromEntries(
    [...base, ...example].flatMap(({ literals }) =>
      literals.map((one) => one.split(/=(.*)/s).slice(0, 2) as [string, string]),
    ),
  );

  it('is its configuration one that the program takes, with no variable that it does not know?', () => {
    const known = Object.keys(VARIABLES.shape);
    expect(
      Object.keys(literals).filter((name) => !known.includes(name) && !known.includes(name.replace(/_FILE$/, ''))),
    ).toEqual([]);
    const directory = mkdtempSync(join(tmpdir(), 'safeguard-kubernetes-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const values: Record<string, string> = {
      DATABASE_URL_FILE: 'postgres://safeguard_server:x@db.example.org/safeguard?sslmode=verify-full',
      SESSION_SECRET_FILE: 'x'.repeat(64),
      OIDC_CLIENT_SECRET_FILE: 'secret',
    };
    const environment = Object.fromEntries(
      Object.entries(literals).map(([name, value]) => {
        const content = values[name];
        if (content === undefined) return [name, value];
        const file = join(directory, name);
        writeFileSync(file, `${content}\n`);
        return [name, file];
      }),
    );
    const config = loadConfig({ NODE_ENV: 'production', ...environment });
    expect(config.port).toBe(container!.ports[0]!.containerPort);
    expect(config.auth.firstAdmins).toHaveLength(1);
    expect(config.agentImage).toMatch(/@sha256:/);
  });

  it('is every file that it is to read in a volume that it has?', () => {
    const mounted = container!.volumeMounts.map(({ mountPath }) => mountPath);
    const files = Object.entries(literals).filter(([name]) => name.endsWith('_FILE') || name.endsWith('_DIRECTORY'));
    expect(files.length).toBe(6);
    for (const [name, path] of files) {
      // A mounted directory itself, or what lies in one.
      expect(mounted.includes(path) || mounted.includes(dirname(path)), name).toBe(true);
    }
  });

  it('does the program’s user own what the image gives it, and the probes ask what there is?', () => {
    expect(textOf('deploy/Dockerfile')).toContain('USER 10001:10001');
    const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'].map(
      (name) => (container![name] as { httpGet: { path: string } }).httpGet.path,
    );
    expect(probes).toEqual(['/health/live', '/health/live', '/health/ready']);
    for (const path of probes) expect(textOf('src/health/health.controller.ts')).toContain(`path: '${path}'`);
    // The program gives requests under way 20 s (src/main.ts), after the pause before it is told to stop.
    const grace = Number(/GRACE = (\d+)_000/.exec(textOf('src/main.ts'))?.[1]);
    const { preStop } = container!['lifecycle'] as { preStop: { sleep: { seconds: number } } };
    expect(server.pod.spec.terminationGracePeriodSeconds).toBeGreaterThan(grace + preStop.sleep.seconds);
  });

  it('has the migration alone the owner’s password?', () => {
    const { pod } = named('safeguard/Job/safeguard-migration');
    const secretsOf = ({ spec }: typeof pod) =>
      spec.volumes.flatMap(({ secret }) =>
        secret === undefined ? [] : [(secret as { secretName: string }).secretName],
      );
    expect(secretsOf(pod)).toEqual(['safeguard-migration']);
    expect(secretsOf(server.pod)).toEqual(['safeguard', 'safeguard-key', 'safeguard-signing']);
    expect(pod.spec.containers[0]!.env).toEqual([
      { name: 'DATABASE_MIGRATION_URL_FILE', value: '/run/secrets/safeguard-migration/database-url' },
    ]);
  });
});

describe('the agent', () => {
  const roles = [...CRONJOB, ...SECRETS, ...GATEKEEPER].filter(
    ({ kind }) => kind === 'ClusterRole',
  ) as (KubernetesObject & {
    rules: {
      apiGroups?: string[];
      resources?: string[];
      resourceNames?: string[];
      nonResourceURLs?: string[];
      verbs: string[];
    }[];
  })[];
  const rules = roles.flatMap(({ rules }) => rules);

  it('may it list what checks read, and do nothing else?', () => {
    const listing = rules.filter(({ verbs }) => verbs.includes('list'));
    const granted = listing.flatMap(({ apiGroups = [], resources = [] }) =>
      apiGroups.flatMap((group) => resources.map((resource) => `${group}/${resource}`)),
    );
    const wanted = new Set([...KINDS, ...REPORT_KINDS].map(({ group, resource }) => `${group}/${resource}`));
    expect(granted.sort()).toEqual([...wanted].sort());
    expect(new Set(granted).size).toBe(granted.length);
    expect(new Set(rules.flatMap(({ verbs }) => verbs))).toEqual(new Set(['list', 'get']));
    // Objects are got of one name alone.
    const getting = rules.filter(
      ({ verbs, nonResourceURLs }) => verbs.includes('get') && nonResourceURLs === undefined,
    );
    expect(getting).toEqual([
      { apiGroups: [''], resources: ['namespaces'], resourceNames: ['kube-system'], verbs: ['get'] },
    ]);
  });

  it('does what grants more than its name says stand in roles that are asked for?', () => {
    const apart = roles.filter((role) => !CRONJOB.includes(role));
    expect(apart.map(({ metadata, rules }) => [metadata.name, rules])).toEqual([
      ['safeguard-agent-secrets', [{ apiGroups: [''], resources: ['secrets'], verbs: ['list'] }]],
      ['safeguard-agent-gatekeeper', [{ apiGroups: ['constraints.gatekeeper.sh'], resources: ['*'], verbs: ['list'] }]],
    ]);
    expect(CRONJOB.find(({ kind }) => kind === 'ConfigMap')).toMatchObject({ data: { SAFEGUARD_EXCLUDE: 'secrets' } });
  });

  it.each(agents.map(({ name, pod }) => [name, pod.spec] as const))(
    'has %s a token for each of its two addresses, and neither for the other’s?',
    (_name, { volumes, containers }) => {
      const source = z.object({
        sources: z.array(
          z.object({
            serviceAccountToken: z.object({ audience: z.string().optional(), path: z.literal('token') }).optional(),
          }),
        ),
      });
      const tokens = volumes.flatMap(({ name, projected }) =>
        projected === undefined
          ? []
          : source
              .parse(projected)
              .sources.flatMap(({ serviceAccountToken }) =>
                serviceAccountToken === undefined ? [] : [[name, serviceAccountToken.audience]],
              ),
      );
      expect(tokens).toEqual([
        ['api-server', undefined],
        ['service', 'https://safeguard.example.org'],
      ]);
      const [{ env, volumeMounts }] = containers as [(typeof containers)[number]];
      const value = (name: string) => env.find((one) => one.name === name)!.value;
      const mounted = (name: string) => volumeMounts.find((one) => one.name === name)?.mountPath;
      expect(dirname(value('SAFEGUARD_TOKEN_FILE'))).toBe(mounted('service'));
      expect(value('SAFEGUARD_SPOOL')).toBe(mounted('spool'));
      // Where client-go and its kin look for it.
      expect(mounted('api-server')).toBe('/var/run/secrets/kubernetes.io/serviceaccount');
    },
  );

  it('is every variable one that the agent reads?', () => {
    const options = buildProgram().commands.find((command) => command.name() === 'agent')?.options ?? [];
    const known = options.map(({ envVar }) => envVar);
    const [map] = CRONJOB.filter(({ kind }) => kind === 'ConfigMap');
    const used = [
      ...Object.keys(map?.['data'] as object),
      ...agents.flatMap(({ pod }) => pod.spec.containers[0]!.env.map(({ name }) => name)),
    ];
    expect(used.filter((name) => !known.includes(name))).toEqual([]);
    const metrics = options.find(({ envVar }) => envVar === 'SAFEGUARD_METRICS_PORT');
    const [port] = agents.flatMap(({ pod }) => pod.spec.containers[0]!.ports);
    expect(port).toEqual({
      name: 'metrics',
      containerPort: Number(metrics?.defaultValueDescription ?? metrics?.defaultValue),
    });
  });

  it('is there never a second one at the same spool?', () => {
    expect(agents.map(({ object }) => object['spec'])).toEqual([
      expect.objectContaining({
        concurrencyPolicy: 'Forbid',
        // Else a pod that is being deleted and the one in its place are there at once.
        jobTemplate: { spec: expect.objectContaining({ podReplacementPolicy: 'Failed' }) },
      }),
      expect.objectContaining({ replicas: 1, strategy: { type: 'Recreate' } }),
    ]);
  });
});

describe.skipIf(!hasKubectl)('what Kustomize makes of it (needs kubectl)', () => {
  const folders = KUSTOMIZATIONS.filter((folder) => !folder.includes('components'));

  it.each(folders)('does %s resolve, to objects of the right shape?', (folder) => {
    const objects = kustomized(folder);
    expect(objects.length).toBeGreaterThan(5);
    expect(objects.flatMap((object) => schemaFaults(object).map((fault) => `${nameOf(object)}${fault}`))).toEqual([]);
  });

  it('does an overlay that is there to be copied grant nothing that has not been asked for?', () => {
    const asked = ASKED_FOR.map(nameOf);
    const granted = folders.flatMap((folder) => kustomized(folder).map(nameOf));
    expect(granted.filter((name) => asked.includes(name))).toEqual([]);
  });

  it('does a change of the configuration restart the replicas?', () => {
    const objects = kustomized('service/example');
    const [map] = objects.filter(({ kind }) => kind === 'ConfigMap');
    expect(map?.metadata.name).toMatch(/^safeguard-[a-z0-9]{10}$/);
    const deployment = objects.find(({ kind }) => kind === 'Deployment');
    expect(JSON.stringify(deployment)).toContain(`"configMapRef":{"name":"${map?.metadata.name}"}`);
  });

  const copy = () => {
    const directory = mkdtempSync(join(tmpdir(), 'safeguard-kustomize-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    cpSync(KUBERNETES, directory, { recursive: true });
    return directory;
  };
  const setImage = (directory: string, ...args: string[]) =>
    spawnSync('sh', [join(directory, 'set-image.sh'), ...args], { cwd: directory, encoding: 'utf8' });

  it('is the image everywhere what set-image.sh was told, also the second time?', () => {
    const directory = copy();
    for (const image of [
      `ghcr.io/clinic/safeguard@sha256:${'ab'.repeat(32)}`,
      `localhost:5000/sg@sha256:${'01'.repeat(32)}`,
    ]) {
      expect(setImage(directory, image, 'service/example', 'agent/example').stderr).toBe('');
      for (const folder of ['service/example', 'agent/example']) {
        const images = [...JSON.stringify(kustomized(folder, directory)).matchAll(/"image":"([^"]+)"/g)].map(
          ([, one]) => one,
        );
        expect(new Set(images)).toEqual(new Set([image]));
      }
    }
  });

  it.each([
    'ghcr.io/clinic/safeguard:1.0',
    'ghcr.io/clinic/safeguard',
    `x@sha256:${'0'.repeat(63)}`,
    `x|y@sha256:${'0'.repeat(64)}`,
    '',
  ])('does set-image.sh refuse %j and leave everything?', (image) => {
    const directory = copy();
    expect(setImage(directory, image, 'agent/example').status).toBe(2);
    expect(readFileSync(join(directory, 'agent/example/kustomization.yaml'), 'utf8')).toBe(
      textOf('deploy/kubernetes/agent/example/kustomization.yaml'),
    );
  });

  it.each(['cronjob', 'deployment'])('do the components change of a %s what they say, and nothing else?', (mode) => {
    const directory = copy();
    const components = ['with-secrets', 'with-gatekeeper', 'ephemeral-spool'].map((name) => `../components/${name}`);
    const overlay = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: [`../${mode}`],
      components,
    };
    writeFileSync(join(directory, 'agent/example/kustomization.yaml'), JSON.stringify(overlay));
    const made = kustomized('agent/example', directory);
    const [before, after] = [listed(`agent/${mode}`).map(nameOf), made.map(nameOf)];
    expect(before.filter((name) => !after.includes(name))).toEqual([
      'safeguard-agent/PersistentVolumeClaim/safeguard-agent-spool',
    ]);
    expect(after.filter((name) => !before.includes(name)).sort()).toEqual(
      [...SECRETS, ...GATEKEEPER].map(nameOf).sort(),
    );
    expect(JSON.stringify(made.find(({ kind }) => kind === 'ConfigMap'))).not.toContain('SAFEGUARD_EXCLUDE');
    const workload = made.find(({ kind }) => kind in WORKLOADS)!;
    const { spec } = template.parse(at(workload, WORKLOADS[workload.kind]!));
    expect(spec.volumes.find(({ name }) => name === 'spool')).toEqual({
      name: 'spool',
      emptyDir: { sizeLimit: '2Gi' },
    });
    expect(spec.volumes).toHaveLength(3);
  });
});

describe('enrolment', () => {
  it('are the agent’s files in the image, where the program reads them?', () => {
    expect(textOf('deploy/Dockerfile')).toContain('COPY deploy/kubernetes/agent/ deploy/kubernetes/agent/');
    expect(existsSync(join(ROOT, 'deploy/kubernetes/agent/cronjob/kustomization.yaml'))).toBe(true);
  });

  it('are all files YAML without a fault?', () => {
    const faults = FILES.flatMap((file) =>
      parseAllDocuments(textOf('deploy/kubernetes', file)).flatMap(({ errors }) => errors),
    );
    expect(faults).toEqual([]);
    expect(parse('a: 0440')).not.toEqual({ a: 0o440 });
  });
});
