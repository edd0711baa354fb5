import type { Caller } from '../support/app.js';
import { checkAnswer } from '../support/contract.js';

export interface Finding {
  check: string;
  result: 'pass' | 'fail' | 'warn' | 'error' | 'skip';
  severity?: string;
  namespace?: string;
  name?: string;
  source?: string;
  message?: string;
}

/** A ClusterPolicyReport: it says neither its time nor what it covers, so the poster does. */
export function policyReport(findings: readonly Finding[], summary: object = { pass: findings.length }): string {
  return JSON.stringify({
    apiVersion: 'wgpolicyk8s.io/v1alpha2',
    kind: 'ClusterPolicyReport',
    metadata: { name: 'planted' },
    summary,
    results: findings.map(
      ({
        check,
        result,
        severity = 'high',
        namespace = 'emr',
        name = 'portal',
        source = 'kyverno',
        message = `${check} says ${result}`,
      }) => ({
        source,
        policy: check,
        result,
        severity,
        message,
        resources: [{ apiVersion: 'v1', kind: 'Pod', namespace, name }],
      }),
    ),
  });
}

/** kube-bench's JSON of one node: complete for the checks that it lists. */
export const kubeBench = (statuses: Readonly<Record<string, 'PASS' | 'FAIL' | 'WARN'>>): string =>
  JSON.stringify([
    {
      id: '1',
      version: 'cis-1.12',
      text: 'Control plane',
      node_type: 'master',
      tests: [
        {
          section: '1.2',
          desc: 'API server',
          results: Object.entries(statuses).map(([number, status]) => ({
            test_number: number,
            test_desc: `Ensure ${number}`,
            status,
            type: '',
            scored: true,
          })),
        },
      ],
    },
  ]);

/** Trivy's JSON of all of a cluster: one workload, in which it finds these misconfigurations. */
export const trivy = (...ids: string[]): string =>
  JSON.stringify({
    ClusterName: 'emr',
    Resources: [
      {
        Namespace: 'emr',
        Kind: 'Deployment',
        Name: 'emr-api',
        Results: [
          {
            Target: 'Deployment/emr-api',
            Class: 'config',
            Type: 'kubernetes',
            MisconfSummary: { Successes: 80, Failures: ids.length },
            Misconfigurations: ids.map((ID) => ({
              Type: 'Kubernetes Security Check',
              ID,
              Title: ID,
              Severity: 'MEDIUM',
              Status: 'FAIL',
            })),
          },
        ],
      },
    ],
  });

export interface Answer<Body = Record<string, unknown>> {
  status: number;
  headers: Record<string, string>;
  body: Body;
  bytes: Buffer;
}

/** A request whose body is sent byte for byte, its answer checked against the contract. */
export async function send<Body = Record<string, unknown>>(
  url: string,
  caller: Pick<Caller, 'token'>,
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: string | Uint8Array | ReadableStream; signal?: AbortSignal } = {},
): Promise<Answer<Body>> {
  const response = await fetch(url + path, {
    method,
    redirect: 'manual',
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    headers: {
      ...(caller.token === null ? {} : { Authorization: `Bearer ${caller.token}` }),
      ...(options.body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { body: options.body as string, duplex: 'half' }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const headers = Object.fromEntries(response.headers);
  const isJson = /json/.test(headers['content-type'] ?? '');
  const body = (isJson ? JSON.parse(bytes.toString('utf8')) : {}) as Body;
  checkAnswer({
    request: { method, url: url + path },
    status: response.status,
    headers,
    text: bytes.toString('latin1', 0, 500),
    body,
  } as never);
  return { status: response.status, headers, body, bytes };
}
