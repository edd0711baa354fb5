import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Item } from '../../src/agent/list.js';
import { hasSecretForm, tellsSecret } from '../../src/checks/secret-text.js';
import { DROPPED, stripWord } from '../../src/agent/command-line.js';
import { strip, stripReport } from '../../src/agent/strip.js';
import { growth } from '../support/growth.js';

function stripped(object: Item, without: readonly string[] = []): Item {
  strip(object, without);
  return object;
}

const pod = (spec: object, metadata: object = {}): Item => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', namespace: 'emr', ...metadata },
  spec,
});

describe('what leaves the cluster?', () => {
  it('are names of variables and their references left, and values not?', () => {
    const env = [
      { name: 'DB_PASSWORD', value: 'hunter2' },
      { name: 'EMPTY', value: '' },
      { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'db', key: 'token' } } },
    ];
    const envFrom = [{ secretRef: { name: 'db' } }];
    for (const template of [
      pod({ containers: [{ name: 'c', env, envFrom }] }),
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        spec: { template: { spec: { initContainers: [{ name: 'c', env, envFrom }] } } },
      },
      {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        spec: { jobTemplate: { spec: { template: { spec: { containers: [{ name: 'c', env, envFrom }] } } } } },
      },
    ]) {
      const text = JSON.stringify(stripped(structuredClone(template)));
      expect(text).not.toContain('hunter2');
      for (const kept of [
        `{"name":"DB_PASSWORD","value":"${DROPPED}"}`,
        '{"name":"EMPTY","value":""}',
        '"secretKeyRef":{"name":"db","key":"token"}',
        '"secretRef":{"name":"db"}',
      ]) {
        expect(text).toContain(kept);
      }
    }
  });

  it('are keys of a ConfigMap left, and values not?', () => {
    const object = stripped({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a' },
      data: { 'app.ini': 'pw=1' },
      binaryData: { logo: 'aGk=' },
    });
    expect(object).toMatchObject({ data: { 'app.ini': DROPPED }, binaryData: { logo: DROPPED } });
  });

  it('is of a Secret nothing left but what it is called and its type, even if it came whole?', () => {
    const object = stripped({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: { name: 'a' },
      data: { a: 'b' },
      stringData: { c: 'd' },
      immutable: true,
    });
    expect(object).toEqual({ apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { name: 'a' } });
  });

  it('do copies of the object go?', () => {
    const object = stripped(
      pod(
        {},
        {
          annotations: {
            'kubectl.kubernetes.io/last-applied-configuration': '{"kind":"Secret"}',
            'kapp.k14s.io/original': '{}',
            'sidecar.istio.io/inject': 'true',
          },
        },
      ),
    );
    expect(object['metadata']).toEqual({
      name: 'a',
      namespace: 'emr',
      annotations: { 'sidecar.istio.io/inject': 'true' },
    });
  });

  it('is it kept who changed an object when, and nothing below its outermost fields?', () => {
    const change = { manager: 'vault', operation: 'Update', apiVersion: 'v1', time: '2026-11-10T02:00:00Z' };
    const fieldsV1 = { 'f:data': { '.': {}, 'f:jane-doe-ssn': {} }, 'f:type': {} };
    const managedFields = [
      { ...change, fieldsType: 'FieldsV1', fieldsV1, more: 'x', subresource: 'status' },
      { manager: 7, fieldsV1: 'f:data' },
      'x',
    ];
    const { metadata } = stripped(pod({}, { managedFields }));
    expect(metadata).toMatchObject({
      managedFields: [
        { ...change, fieldsType: 'FieldsV1', fieldsV1: { 'f:data': {}, 'f:type': {} }, subresource: 'status' },
        {},
      ],
    });
    expect(JSON.stringify(metadata)).not.toMatch(/jane|more/);
    expect(stripped(pod({}, { managedFields: 'x' }))['metadata']).toMatchObject({ managedFields: [] });
  });

  it.each([
    ['example.com/db-password', 'plain'],
    ['example.com/note', 'the password: hunter2'],
    [
      'nginx.ingress.kubernetes.io/configuration-snippet',
      'proxy_set_header Authorization "Basic dXNlcjpodW50ZXIyaHVudGVy";',
    ],
    ['example.com/blob', 'x'.repeat(5_000)],
    ['example.com/url', 'https://user:hunter2@db.internal/emr'],
  ])('is the annotation %s emptied?', (name, value) => {
    const object = stripped(pod({}, { annotations: { [name]: value } }));
    expect(object['metadata']).toMatchObject({ annotations: { [name]: DROPPED } });
  });

  it.each([
    ['eks.amazonaws.com/role-arn', 'arn:aws:iam::111122223333:role/emr'],
    ['vault.hashicorp.com/agent-inject', 'true'],
    ['cert-manager.io/cluster-issuer', 'letsencrypt'],
    ['container.apparmor.security.beta.kubernetes.io/app', 'runtime/default'],
    ['service.beta.kubernetes.io/aws-load-balancer-internal', 'true'],
    ['safeguard.dev/rpo', '24h'],
    ['backup.velero.io/backup-volumes', 'data,wal'],
    ['kubernetes.io/service-account.name', 'default'],
  ])('is the annotation %s left?', (name, value) => {
    const object = stripped(pod({}, { annotations: { [name]: value } }));
    expect(object['metadata']).toMatchObject({ annotations: { [name]: value } });
  });

  it('are flags of the control plane left with their values, but for secrets?', () => {
    const command = [
      'kube-apiserver',
      '--anonymous-auth=false',
      '--token-auth-file=/etc/tokens.csv',
      '--etcd-servers=https://root:hunter2@10.0.0.1:2379',
      '--audit-log-maxage=30',
    ];
    const object = stripped(
      pod(
        { containers: [{ name: 'a', command }] },
        { namespace: 'kube-system', labels: { component: 'kube-apiserver', tier: 'control-plane' } },
      ),
    );
    expect(object['spec']).toMatchObject({
      containers: [
        {
          command: [
            'kube-apiserver',
            '--anonymous-auth=false',
            '--token-auth-file=/etc/tokens.csv',
            `--etcd-servers=${DROPPED}`,
            '--audit-log-maxage=30',
          ],
        },
      ],
    });
  });

  it('are of other command lines the program, names of flags and switches left?', () => {
    const container = {
      name: 'a',
      command: ['/bin/sh', '-c', 'psql --password hunter2'],
      args: [
        '--v=2',
        '--tls-min-version=VersionTLS12',
        '--kubelet-insecure-tls',
        '--profiling=false',
        'hunter2',
        '--password=hunter2',
        '-p',
        'hunter2',
      ],
      livenessProbe: {
        exec: { command: ['curl', '-H', 'X-Token: hunter2'] },
        httpGet: { path: '/live?token=hunter2', httpHeaders: [{ name: 'Authorization', value: 'hunter2' }] },
      },
      lifecycle: { preStop: { exec: { command: ['hunter2 rm'] } } },
    };
    // As labels are anybody's, they make nothing a control plane elsewhere.
    const object = stripped(
      pod({ containers: [container] }, { labels: { component: 'kube-apiserver', tier: 'control-plane' } }),
    );
    expect(JSON.stringify(object)).not.toContain('hunter2');
    expect(object['spec']).toMatchObject({
      containers: [
        {
          command: ['/bin/sh', '-c', DROPPED],
          args: [
            '--v=2',
            '--tls-min-version=VersionTLS12',
            '--kubelet-insecure-tls',
            '--profiling=false',
            DROPPED,
            `--password=${DROPPED}`,
            '-p',
            DROPPED,
          ],
          livenessProbe: {
            exec: { command: ['curl', '-H', DROPPED] },
            httpGet: { path: DROPPED, httpHeaders: [{ name: 'Authorization', value: DROPPED }] },
          },
        },
      ],
    });
  });

  it('is of a line of a shell left what a check looks for, and nothing else?', () => {
    const args = [
      'set -e; /usr/sbin/sshd -o hunter2; exec /app --log-level=debug',
      'etcdctl --user root:hunter2 snapshot save /b',
      '--pin',
      'hunter2 sudo',
      '--pin=12',
      '--v=6',
      '-Dlogging.level.org.hibernate=DEBUG',
      '--log-level',
      'DEBUG',
    ];
    const object = stripped(pod({ containers: [{ name: 'a', command: ['sh', '-c', 'sudo chown hunter2'], args }] }));
    expect(object['spec']).toMatchObject({
      containers: [
        {
          command: ['sh', '-c', `${DROPPED} sudo`],
          args: [
            `${DROPPED} sshd --log-level=debug`,
            `${DROPPED} etcdctl snapshot save`,
            '--pin',
            `${DROPPED} sudo`,
            `--pin=${DROPPED}`,
            '--v=6',
            '-Dlogging.level.org.hibernate=DEBUG',
            '--log-level',
            'DEBUG',
          ],
        },
      ],
    });
  });

  it('is a value that stands on its flag known for one, and a flag of words for a flag?', () => {
    const args = ['-phunter2', '-aHunter2=', '-p', '-it', '-db-password=hunter2', '-token', '--all', '-v=hunter2'];
    const object = stripped(pod({ containers: [{ name: 'a', command: ['mysql', '-phunter2'], args }] }));
    expect(JSON.stringify(object)).not.toMatch(/hunter2/i);
    expect(object['spec']).toMatchObject({
      containers: [
        { args: [DROPPED, DROPPED, '-p', DROPPED, `-db-password=${DROPPED}`, '-token', '--all', `-v=${DROPPED}`] },
      ],
    });
  });

  it.each<[string, Item]>([
    [
      'a member of two words',
      { kind: 'Other', spec: { adminPassword: 'hunter2', client_secret: 'hunter2', 'x-api-key': 'hunter2' } },
    ],
    ['a number', { kind: 'Other', spec: { password: 4711 } }],
    ['a value below a name', { kind: 'Other', spec: { password: { value: 'hunter2' } } }],
    [
      'an option of a mount',
      { kind: 'PersistentVolume', spec: { mountOptions: ['vers=3.0', 'username=emr,password=hunter2'] } },
    ],
    [
      'a header that a route sets',
      {
        kind: 'HTTPRoute',
        spec: { rules: [{ filters: [{ requestHeaderModifier: { set: [{ name: 'X-Api-Key', value: 'hunter2' }] } }] }] },
      },
    ],
    [
      'a statement of a database that is made',
      { kind: 'Cluster', spec: { bootstrap: { initdb: { postInitSQL: ["CREATE ROLE emr PASSWORD 'hunter2'"] } } } },
    ],
    [
      'a Secret that a policy makes',
      {
        kind: 'ClusterPolicy',
        spec: { rules: [{ generate: { kind: 'Secret', data: { data: { '.dockerconfigjson': 'hunter2' } } } }] },
      },
    ],
    [
      'a Secret that stands in another object',
      { kind: 'Other', spec: { manifests: [{ apiVersion: 'v1', kind: 'Secret', stringData: { pin: 'hunter2' } }] } },
    ],
    [
      'a copy of the object that an operator keeps',
      pod({}, { annotations: { 'kopf.zalando.org/last-handled-configuration': '{"data":{"pin":"4711hunter2"}}\n' } }),
    ],
    [
      'a copy of a pod',
      pod({}, { annotations: { 'cnpg.io/podSpec': ' {"containers":[{"env":[{"name":"A","value":"hunter2"}]}]}' } }),
    ],
    ['an annotation of two words', pod({}, { annotations: { 'example.com/dbPassword': 'hunter2' } })],
    ['a label with the form of a secret', pod({}, { labels: { key: ['AKIA', 'IOSFODNN7HUNTER2'].join('') } })],
  ])('does %s go?', (_what, object) => {
    expect(JSON.stringify(stripped(object))).not.toMatch(/hunter2|4711/i);
  });

  it('does what only sounds like a secret stay?', () => {
    const object: Item = {
      kind: 'Other',
      metadata: {
        name: 'a',
        labels: { app: 'token-service' },
        annotations: {
          'alb.ingress.kubernetes.io/listen-ports': '[{"HTTPS": 443}]',
          'k8s.v1.cni.cncf.io/networks': '{"name":"a"}',
        },
      },
      spec: {
        clientSecret: { name: 'oidc' },
        existingSecret: 'db',
        tokenTtl: '1h',
        passwordAuthentication: false,
        mountOptions: ['nfsvers=4.1', 'ro'],
        responseHeaderModifier: { set: [{ name: 'Strict-Transport-Security', value: 'max-age=31536000' }] },
        resources: ['secrets', 'serviceaccounts/token'],
      },
    };
    expect(stripped(structuredClone(object))).toEqual(object);
  });

  it('do last words of containers go, which may be lines of an application’s log?', () => {
    const object = stripped({
      ...pod({}),
      status: {
        containerStatuses: [
          {
            name: 'a',
            image: 'r/a:1',
            lastState: { terminated: { exitCode: 1, message: 'patient 4711 not found' } },
            state: { waiting: { reason: 'X', message: 'patient 4711' } },
          },
        ],
      },
    });
    expect(JSON.stringify(object)).not.toContain('4711');
    expect(object['status']).toMatchObject({
      containerStatuses: [{ image: 'r/a:1', lastState: { terminated: { exitCode: 1 } } }],
    });
  });

  it.each<[Item, string]>([
    [
      {
        apiVersion: 'helm.toolkit.fluxcd.io/v2',
        kind: 'HelmRelease',
        spec: { interval: '1h', values: { db: { pw: 'hunter2' } } },
      },
      '"interval":"1h"',
    ],
    [
      {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Application',
        spec: { source: { repoURL: 'https://git', helm: { parameters: [{ name: 'pw', value: 'hunter2' }] } } },
      },
      '"repoURL":"https://git"',
    ],
    [
      {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'StorageClass',
        parameters: { restuserkey: 'hunter2', encrypted: 'true' },
      },
      '"encrypted":"true"',
    ],
    [
      {
        apiVersion: 'external-secrets.io/v1',
        kind: 'SecretStore',
        spec: { provider: { fake: { data: [{ key: 'a', value: 'hunter2' }] } } },
      },
      '"provider"',
    ],
    [
      {
        apiVersion: 'example.com/v1',
        kind: 'Other',
        spec: { password: 'hunter2', passwordSecretRef: { name: 'db' }, secretName: 'tls' },
      },
      '"passwordSecretRef":{"name":"db"},"secretName":"tls"',
    ],
  ])('do secrets of %j go?', (object, kept) => {
    const text = JSON.stringify(stripped(object));
    expect(text).not.toContain('hunter2');
    expect(text).toContain(kept);
  });

  it('do fields go that the table leaves out, in lists too, and nothing else?', () => {
    const object = stripped(
      {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: 'n' },
        status: { images: [1], addresses: [2] },
        webhooks: [{ name: 'a', clientConfig: { caBundle: 'x', url: 'https://a' } }],
      },
      ['status.images', 'webhooks[].clientConfig.caBundle', 'spec.nothing.there'],
    );
    expect(object).toEqual({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'n' },
      status: { addresses: [2] },
      webhooks: [{ name: 'a', clientConfig: { url: 'https://a' } }],
    });
  });

  it('do a rule of RBAC, a network policy and a pod’s security stay as they are?', () => {
    const objects: Item[] = [
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'a' },
        rules: [{ apiGroups: [''], resources: ['secrets', 'serviceaccounts/token'], verbs: ['get'] }],
      },
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'a' },
        spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }] },
      },
      pod({
        automountServiceAccountToken: false,
        securityContext: { runAsUser: 1000 },
        volumes: [
          { name: 'v', secret: { secretName: 's' } },
          { name: 't', projected: { sources: [{ serviceAccountToken: { path: 'token', audience: 'vault' } }] } },
        ],
        containers: [{ name: 'a', image: 'r/a@sha256:0', securityContext: { capabilities: { drop: ['ALL'] } } }],
      }),
    ];
    for (const object of objects) expect(stripped(structuredClone(object))).toEqual(object);
  });

  it('is a text that a scanner found a secret in left out of its report?', () => {
    const object: Item = {
      kind: 'ExposedSecretReport',
      metadata: { name: 'a', managedFields: [] },
      report: { secrets: [{ ruleID: 'aws', match: 'AKIA…' }] },
    };
    stripReport(object);
    expect(object).toEqual({
      kind: 'ExposedSecretReport',
      metadata: { name: 'a' },
      report: { secrets: [{ ruleID: 'aws', match: DROPPED }] },
    });
  });

  it('is a kind named as what every object has no other?', () => {
    for (const kind of ['valueOf', 'constructor', '__proto__', 'toString']) {
      expect(stripped({ kind, spec: { values: 'kept' } })).toEqual({ kind, spec: { values: 'kept' } });
    }
  });

  it('does any JSON come through, however odd, without a fault?', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom(
            'metadata',
            'env',
            'annotations',
            'command',
            'data',
            'kind',
            'spec',
            'args',
            'message',
            'terminated',
          ),
          fc.jsonValue(),
        ),
        (object) => {
          const kept = stripped(object, ['spec.a', 'env[].value']);
          expect(() => JSON.stringify(kept)).not.toThrow();
        },
      ),
    );
    let deep: Item = {};
    for (let depth = 0; depth < 5_000; depth++) deep = { a: deep };
    expect(JSON.stringify(stripped(deep))).toContain(DROPPED);
  });
});

describe('is a secret known by its form?', () => {
  it.each([
    '-----BEGIN RSA PRIVATE KEY-----',
    'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2ln',
    ['AKIA', 'IOSFODNN7EXAMPLE'].join(''),
    `ghp_${'a'.repeat(36)}`,
    'postgres://emr:hunter2@db:5432/emr',
    'Authorization: Bearer abcdefghijklmnopqrst',
    '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}',
    String.raw`{\"kty\": \"oct\", \"k\": \"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ\"}`,
  ])('%s', (text) => {
    expect(hasSecretForm(text)).toBe(true);
  });

  it.each([
    'registry.example/emr/app@sha256:0123456789abcdef',
    '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","kid":"1"}',
    'https://kubernetes.default.svc:443',
    'system:serviceaccount:emr:app',
    '--token-auth-file=/etc/t',
  ])('%s is none', (text) => {
    expect(tellsSecret(text)).toBe(false);
  });

  it.each([
    'eyJ',
    '://a:',
    'password ',
    '"kty": "k": ',
    'basic ',
    'SG.',
    'etcdctl ',
    'snapshot ',
    ' --log-level ',
    ' sudo',
    '-Dlogging.level.',
  ])('does the time of a long text of %j grow with it, and not with its square?', async (unit) => {
    const look = (times: number): void => {
      tellsSecret(unit.repeat(times));
      stripWord(unit.repeat(times));
    };
    expect(await growth(look, 4_000, 8)).toBeLessThan(40);
  });
});
