import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { isSuspect, kept, type Json } from '../../../test/support/redaction.js';
import type { Dropped } from '../../evidence/redaction.js';
import { ReportFault } from '../report.js';
import { BytesInMemory } from '../text/byte-source.js';
import { redactionOf } from './redact.js';

const MARK = 'hunter2hunter2';
const GONE = '[dropped]';

async function keptJson(value: Json): Promise<{ value: Json; dropped: Dropped }> {
  const { text, dropped } = await kept(JSON.stringify(value));
  return { value: JSON.parse(text) as Json, dropped };
}

function fault(text: string | Buffer): string {
  const bytes = Buffer.from(text as string);
  expect(isSuspect(bytes)).toBe(true);
  try {
    redactionOf(new BytesInMemory(bytes));
  } catch (error) {
    if (error instanceof ReportFault) return error.code;
    throw error;
  }
  throw new Error('was read');
}

const secret = (value: Json, more: { [key: string]: Json } = {}): { [key: string]: Json } => ({
  apiVersion: 'v1',
  data: { password: value },
  kind: 'Secret',
  metadata: { name: 'db', namespace: 'emr' },
  ...more,
});

describe('is what must not be kept dropped, and nothing else?', () => {
  it('values of Secrets and ConfigMaps, in whatever order, and the annotation that repeats them', async () => {
    const annotated = (value: Json) =>
      secret(value, {
        metadata: { name: 'x', annotations: { a: 'b', 'kubectl.kubernetes.io/last-applied-configuration': value } },
        stringData: { b: value, empty: '', none: null },
      });
    expect(
      await keptJson([annotated(MARK), { ...annotated(MARK), kind: 'ConfigMap', binaryData: { x: MARK } }]),
    ).toEqual({
      value: [annotated(GONE), { ...annotated(GONE), kind: 'ConfigMap', binaryData: { x: GONE } }],
      dropped: { secret: 3, 'config-map': 4 },
    });
    const first = { kind: 'Secret', data: { a: MARK, b: 1, c: { d: [MARK] }, e: 'x' } };
    expect(await keptJson(first)).toEqual({
      value: { kind: 'Secret', data: { a: GONE, b: null, c: null, e: GONE } },
      dropped: { secret: 4 },
    });
  });

  it('of a snapshot of a cluster, line by line, and nothing of what holds none', async () => {
    const lines = (value: Json) => [
      { apiVersion: 'safeguard.dev/v1', kind: 'ClusterSnapshot', stripped: ['Secret.data'] },
      secret(value),
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'metadata-only' }, type: 'Opaque' },
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'settings' },
        data: { a: value },
        binaryData: { b: value },
      },
      { apiVersion: 'safeguard.dev/v1', kind: 'ClusterSnapshotEnd', lists: [{ kind: 'Secret', count: 2 }] },
    ];
    const text = (value: Json) =>
      lines(value)
        .map((line) => `${JSON.stringify(line)}\n`)
        .join('');
    expect(await kept(text(MARK))).toEqual({ text: text(GONE), dropped: { secret: 1, 'config-map': 2 } });
  });

  it('of members of lists that do not say their kind, for the list does, before them or behind', async () => {
    const item = (value: Json) => ({ metadata: { name: 'x' }, data: { a: value } });
    const items = (value: Json) => [item(value), item(value)];
    for (const kind of ['SecretList', 'ConfigMapList']) {
      const rule = kind === 'SecretList' ? 'secret' : 'config-map';
      expect(await keptJson({ kind, items: items(MARK) })).toEqual({
        value: { kind, items: items(GONE) },
        dropped: { [rule]: 2 },
      });
      expect(await keptJson({ items: items(MARK), kind })).toEqual({
        value: { items: items(GONE), kind },
        dropped: { [rule]: 2 },
      });
    }
    const other = { items: items(MARK), kind: 'ControllerRevisionList' };
    expect(await keptJson(other)).toEqual({ value: other, dropped: {} });
    expect((await keptJson({ items: items(MARK), kind: 'List' })).dropped).toEqual({ secret: 2 });
    expect((await keptJson({ items: items(MARK) })).dropped).toEqual({ secret: 2 });
  });

  it('of what looks like an object of Kubernetes and says no kind: cut out of its list, a template, an answer of Vault', async () => {
    expect((await keptJson([{ metadata: {}, data: { a: MARK } }])).value).toEqual([
      { metadata: {}, data: { a: GONE } },
    ]);
    expect((await keptJson({ request_id: 'x', data: { data: { a: MARK }, metadata: { version: 1 } } })).value).toEqual({
      request_id: 'x',
      data: { data: { a: GONE }, metadata: { version: 1 } },
    });
    const harmless = [{ data: { a: 'x' } }, { kind: 'Deployment', metadata: {}, data: { a: 'x' } }];
    expect(await keptJson(harmless)).toEqual({ value: harmless, dropped: {} });
  });

  it('not of kinds that only sound like these', async () => {
    for (const kind of ['SecretStore', 'ExternalSecret', 'SecretProviderClass', 'Pod', 'secret', 'MySecret']) {
      const object = { kind, metadata: {}, data: { a: 'kept' } };
      expect(await keptJson(object)).toEqual({ value: object, dropped: {} });
    }
  });

  it('the text in which a secret was found, and the lines around it', async () => {
    const finding = (text: Json, code: Json) => ({
      RuleID: 'aws',
      Title: 'AWS',
      Match: text,
      Code: code,
      StartLine: 3,
    });
    const report = (text: Json, code: Json) => ({
      Results: [
        { Class: 'secret', Secrets: [finding(text, code)] },
        { ExperimentalModifiedFindings: [{ Type: 'secret', Finding: finding(text, code) }] },
        { Misconfigurations: [{ ID: 'x', CauseMetadata: { Code: { Lines: [{ Content: 'kept' }] } } }] },
      ],
    });
    expect(await keptJson(report(MARK, { Lines: [{ Content: MARK }] }))).toEqual({
      value: report(GONE, null),
      dropped: { 'secret-finding': 4 },
    });
    const exposed = (text: Json) => ({
      kind: 'ExposedSecretReport',
      report: { secrets: [{ ruleID: 'x', match: text }] },
    });
    expect(await keptJson(exposed(MARK))).toEqual({ value: exposed(GONE), dropped: { 'secret-finding': 1 } });
    // gitleaks
    expect((await keptJson([{ RuleID: 'x', Match: MARK, Secret: MARK }])).dropped).toEqual({ 'secret-finding': 2 });
  });

  it('and what Trivy quotes of it in SARIF, in the rule and in each result, and nothing else of that', async () => {
    const sarif = (found: string, message: string) => ({
      runs: [
        {
          tool: {
            driver: {
              name: 'Trivy',
              rules: [
                {
                  id: 'CVE-2026-0001',
                  name: 'OsPackageVulnerability',
                  fullDescription: { text: 'A flaw.' },
                  help: { text: 'Severity: HIGH\nPackage: x', markdown: '**x**' },
                },
                {
                  id: 'aws-access-key-id',
                  shortDescription: { text: 'AWS Access Key ID' },
                  fullDescription: { text: found },
                  help: { text: found, markdown: found },
                  name: 'Secret',
                },
              ],
            },
          },
          results: [
            { ruleId: 'CVE-2026-0001', message: { text: 'Package: x\nSeverity: HIGH\nFixed Version: 1' } },
            { ruleId: 'aws-access-key-id', message: { text: message } },
          ],
        },
      ],
    });
    const message = `Artifact: app/.env\nType: \nSecret AWS Access Key ID\nSeverity: CRITICAL\nMatch: ${MARK}`;
    const dropped = { 'secret-finding': 3, 'embedded-text': 1 };
    expect(await keptJson(sarif(MARK, message))).toEqual({ value: sarif(GONE, GONE), dropped });
    const log = (value: Json) => ({ log: JSON.stringify(value) });
    expect(await keptJson(log(sarif(MARK, message)))).toEqual({ value: log(sarif(GONE, GONE)), dropped });
    const yaml = await kept(stringify(sarif(MARK, message)));
    expect(parse(yaml.text)).toEqual(sarif(GONE, GONE));
    const harmless = { rules: [{ name: 'Secret', x: { text: 'kept' } }], message: { text: 'No\nMatch: x' } };
    expect(await keptJson(harmless)).toEqual({ value: harmless, dropped: {} });
  });

  it('values of environments and headers, of workloads and of images, and not their names', async () => {
    const container = (value: Json) => ({
      env: [
        { name: 'DB_PASSWORD', value },
        { name: 'KEY', valueFrom: { secretKeyRef: { name: 'db', key: 'value' } } },
        { name: 'EMPTY', value: '' },
      ],
      livenessProbe: { httpGet: { path: '/', httpHeaders: [{ name: 'Authorization', value }] } },
      resources: { value: 'kept' },
    });
    const pod = (value: Json) => ({ kind: 'Pod', metadata: {}, spec: { containers: [container(value)] } });
    expect(await keptJson(pod(MARK))).toEqual({ value: pod(GONE), dropped: { environment: 2 } });
    const applied = (value: Json) => ({
      metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(pod(value)) } },
      kind: 'Pod',
    });
    expect(await keptJson(applied(MARK))).toEqual({ value: applied(GONE), dropped: { environment: 2 } });
    const image = (value: Json) => ({
      Metadata: {
        ImageConfig: { config: { Env: [value, value], User: 'app' }, history: [{ created_by: value, created: 'x' }] },
      },
    });
    expect(await keptJson(image(`DB_PASSWORD=${MARK}`))).toEqual({ value: image(GONE), dropped: { environment: 3 } });
    const harmless = { env: 'prod', history: [{ value: 'x' }], value: 'x', list: [{ value: 'x' }], Env: [] };
    expect(await keptJson(harmless)).toEqual({ value: harmless, dropped: {} });
  });

  it('keys that Kubescape copies from a node', async () => {
    const copied = (content: Json) => ({
      kind: 'ControlPlaneInfo',
      data: {
        APIServerInfo: {
          encryptionProviderConfigFile: { content, path: '/etc/e.yaml' },
          auditPolicyFile: { content: 'kept' },
        },
      },
    });
    expect(await keptJson(copied(MARK))).toEqual({ value: copied(GONE), dropped: { 'encryption-key': 1 } });
  });

  it('keys of an encryption configuration', async () => {
    const configuration = (key: Json) => ({
      kind: 'EncryptionConfiguration',
      resources: [
        {
          resources: ['secrets'],
          providers: [{ aescbc: { keys: [{ name: 'key1', secret: key }] } }, { identity: {} }],
        },
      ],
    });
    expect(await keptJson(configuration(MARK))).toEqual({
      value: configuration(GONE),
      dropped: { 'encryption-key': 1 },
    });
  });

  it('bodies of audited requests', async () => {
    const event = (resource: string, body: Json, subresource?: string): { [key: string]: Json } => ({
      kind: 'Event',
      requestObject: body,
      objectRef: { resource, name: 'x', ...(subresource === undefined ? {} : { subresource }) },
      responseObject: { kind: 'Status', data: { a: 'kept' } },
    });
    const patch = [{ op: 'replace', path: '/data/a', value: MARK }];
    const dropped = { 'audit-body': 1 };
    expect(await keptJson(event('secrets', { data: { a: MARK } }))).toEqual({ value: event('secrets', null), dropped });
    expect(await keptJson(event('configmaps', patch))).toEqual({ value: event('configmaps', null), dropped });
    expect((await keptJson(event('serviceaccounts', { status: { token: MARK } }, 'token'))).dropped).toEqual(dropped);
    // What says its kind is judged by it.
    expect(await keptJson(event('secrets', secret(MARK)))).toEqual({
      value: event('secrets', secret(GONE)),
      dropped: { secret: 1 },
    });
    expect(await keptJson(event('pods', patch))).toEqual({ value: event('pods', patch), dropped: {} });
    const google = (body: Json) => ({
      protoPayload: {
        '@type': 'x/google.cloud.audit.AuditLog',
        request: body,
        methodName: 'io.k8s.core.v1.secrets.patch',
      },
    });
    expect(await keptJson(google({ '@type': 'k8s.io/Patch', data: { a: MARK } }))).toEqual({
      value: google(null),
      dropped,
    });
  });

  it('within texts: JSON loses its values, anything else goes', async () => {
    const inner = JSON.stringify({ requestObject: secret(MARK), objectRef: { resource: 'secrets' } });
    const innerKept = JSON.stringify({ requestObject: secret(GONE), objectRef: { resource: 'secrets' } });
    expect(await keptJson({ properties: { log: inner } })).toEqual({
      value: { properties: { log: innerKept } },
      dropped: { secret: 1 },
    });
    expect((await keptJson([JSON.stringify({ a: inner })])).value).toEqual([JSON.stringify({ a: innerKept })]);
    for (const text of [
      `request body: ${JSON.stringify(secret(MARK))}`,
      `apiVersion: v1\nkind: Secret\ndata:\n  a: ${MARK}\n`,
      // Cut, as collectors of logs do.
      JSON.stringify(secret(MARK)).slice(0, -30),
      `aescbc:\n  keys:\n  - name: a\n    secret: ${MARK}\n`.replace(/^/, 'kind: EncryptionConfiguration\n'),
    ]) {
      expect(await keptJson({ message: text })).toEqual({ value: { message: GONE }, dropped: { 'embedded-text': 1 } });
    }
    const prose = { message: 'The kind Secret of data is best kept out of ConfigMaps.', x: '[kind: ConfigMap]' };
    expect(await keptJson(prose)).toEqual({ value: prose, dropped: {} });
  });

  it('and of texts of many megabytes, which are not taken apart, only those that may hold any', async () => {
    const long = (value: string) => JSON.stringify({ x: 'x'.repeat(9 * 2 ** 20), ...secret(value) });
    const harmless = JSON.stringify({ x: 'x'.repeat(9 * 2 ** 20) });
    const { value, dropped } = await keptJson([long(MARK), harmless]);
    expect([value, dropped]).toEqual([[GONE, harmless], { 'embedded-text': 1 }]);
  });

  it('but not the results that the Compliance Operator keeps in a ConfigMap', async () => {
    const results = (more: Json) => ({
      data: { 'exit-code': '2', results: '<TestResult/>', ...(more as object) },
      kind: 'ConfigMap',
      metadata: { annotations: { 'openscap-scan-result/node': 'n' }, labels: { 'compliance-scan': 'x' } },
    });
    expect(await keptJson(results({ other: MARK }))).toEqual({
      value: results({ other: GONE }),
      dropped: { 'config-map': 1 },
    });
    const asSecret = { ...results({}), kind: 'Secret' };
    expect((await keptJson(asSecret)).dropped).toEqual({ secret: 2 });
  });

  it('is what was dropped once nothing to drop?', async () => {
    const { text } = await kept(JSON.stringify([secret(MARK), { RuleID: 'x', Match: MARK, Code: { a: MARK } }]));
    expect(await kept(text)).toEqual({ text, dropped: {} });
  });
});

describe('is what cannot be read with certainty refused?', () => {
  it.each([
    ['JSON that is cut', JSON.stringify(secret(MARK)).slice(0, -5), 'truncated'],
    ['JSON that is cut before it says what it is', '{"apiVersion":"v1","data":{"password":"hunter', 'truncated'],
    ['a word that JSON does not have', `{'kind': 'Secret', 'data': {'a': '${MARK}'}}`, 'not-json'],
    ['the same key twice', `{"kind":"Pod","kind":"Secret","data":{"a":"${MARK}"}}`, 'duplicate-key'],
    ['more than 64 levels', `${'['.repeat(65)}${JSON.stringify(secret(MARK))}${']'.repeat(65)}`, 'too-deep'],
    ['YAML with aliases', `x: &x\n  a: ${MARK}\nkind: Secret\ndata: *x\n`, 'not-yaml'],
    ['YAML that begins like XML', `<<: *x\nkind: Secret\ndata: {a: ${MARK}}\n`, 'not-yaml'],
    ['YAML that is none', `kind: Secret\ndata: {a: ${MARK}\n`, 'not-yaml'],
    ['YAML that is larger than any is read', `kind: Secret\ndata:\n  a: ${'x'.repeat(9 * 2 ** 20)}\n`, 'too-large'],
    ['UTF-16', Buffer.from(`\ufeff${JSON.stringify(secret(MARK))}`, 'utf16le'), 'nul'],
    ['UTF-16 without a mark', Buffer.from(JSON.stringify(secret(MARK)), 'utf16le'), 'not-json'],
    ['bytes that are no text', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x88]), 'invalid-utf8'],
  ])('%s', (_what, text, code) => {
    expect(fault(text)).toBe(code);
  });
});

describe('is nearly all that comes let pass unread?', () => {
  it.each([
    [
      'findings of Trivy',
      JSON.stringify({ Results: [{ Class: 'os-pkgs', Vulnerabilities: [{ Description: 'a Secret in ConfigMaps' }] }] }),
    ],
    ['kinds that hold nothing', JSON.stringify([{ kind: 'Pod', metadata: {} }, { kind: 'SecretStore' }])],
    ['characters that are escaped', JSON.stringify({ a: '<é>' }).replace('<', '\\u003c').replace('é', '\\u00e9')],
    ['access to Secrets without bodies', JSON.stringify({ kind: 'Event', objectRef: { resource: 'secrets' } })],
    ['XML without a declaration', '<TestResult>kind: Secret data: x</TestResult>'],
    ['XML', `<?xml version="1.0"?><TestResult>kind: Secret data: x</TestResult>`],
    ['a table', 'Kind      Name\nSecret    x\n'],
    ['nothing', ''],
    ['blanks', ' '.repeat(10_000)],
  ])('%s', (_what, text) => {
    expect(isSuspect(Buffer.from(text))).toBe(false);
  });
});

describe('is little kept of a hundred megabytes?', () => {
  it('of values that are dropped, each', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const line = Buffer.from(`${JSON.stringify(secret('x'.repeat(300)))}\n`);
    const bytes = Buffer.concat(Array.from({ length: Math.ceil(1e8 / line.length) }, () => line));
    collect();
    const before = process.memoryUsage();
    const redaction = redactionOf(new BytesInMemory(bytes));
    // What V8 has not collected yet is as much as it likes.
    collect();
    const after = process.memoryUsage();
    expect(redaction?.dropped).toEqual({ secret: bytes.length / line.length });
    expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(20e6);
  });
});
