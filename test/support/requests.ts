import { newId } from '../../src/kernel/ids.js';
import { API_AUDIENCE } from '../../src/development/provider.js';
import type { Operation } from '../../src/kernel/http/endpoint.js';
import { ownTypeExample } from '../../src/records/types/record-types.schema.js';
import { kubeBench, send, type Answer } from '../api/reports.js';
import type { Caller, World } from './app.js';
import { ownCheck } from './checks.js';
import { digestOf, filled, type Holdings } from './holdings.js';

const FROM = '2026-01-01T00:00:00Z';

/** What makes each writing operation a good request, so that nothing but the tenant stands in its way. */
const bodies = (of: Holdings, issuer: string): Record<string, object | string> => ({
  changeOrganization: { name: 'taken over' },
  addMember: { issuer, subject: 'intruder', name: 'Intruder', role: 'admin' },
  changeMember: { role: 'viewer' },
  createSystem: { name: 'planted', environment: 'production', phi: 'none' },
  changeSystem: { name: 'taken over' },
  trustAgent: {
    name: 'planted',
    systemId: of.systemId,
    kind: 'client_credentials',
    issuer,
    audience: API_AUDIENCE,
    subjectPattern: 'intruder',
  },
  changeOrganizationCheck: { enabled: false, reason: 'taken over' },
  tryOrganizationCheck: { definition: ownCheck, systemId: of.systemId },
  requestPackage: { scope: { systemId: null } },
  postScan: kubeBench({ '1.2.1': 'PASS' }),
  postKubernetesAuditEvents: JSON.stringify({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', items: [] }),
  changeRecordType: { definition: { ...ownTypeExample, type: of.recordType, title: 'taken over' } },
  createRecord: { type: 'appointment', title: 'planted', ownerId: of.memberId, effectiveFrom: FROM },
  editRecord: { title: 'taken over' },
  endRecord: { effectiveFrom: FROM, reason: 'taken over' },
  abandonRecord: { reason: 'taken over' },
  decideRecord: { decision: 'reject', reason: 'taken over' },
  addDocument: 'planted',
  importRecords: 'person,course,completedOn,result\nIntruder,Awareness,2026-01-20,passed\n',
  importRiskRegister: 'ID,Asset\nR-1,planted\n',
  decideImport: { decision: 'approve' },
  startRiskAnalysis: { title: 'planted', ownerId: of.memberId, effectiveFrom: FROM },
  createWebhook: { url: 'https://127.0.0.1:9/planted', events: ['import.finished'] },
  createEngagement: {
    name: 'planted',
    issuer,
    subject: newId(),
    scope: { systemIds: null },
    periodFrom: FROM,
    periodTo: '2026-12-31T00:00:00Z',
    endsAt: new Date(Date.now() + 3_600_000).toISOString(),
  },
  changeEngagement: { name: 'taken over' },
  shareEngagementPackage: { packageId: of.packageId },
  openEvidenceRequest: { title: 'planted' },
  answerEvidenceRequest: { comment: 'planted' },
  decideEvidenceRequest: { decision: 'withdraw' },
  commentEvidenceRequest: { comment: 'planted' },
  changeWebhook: { url: 'https://127.0.0.1:9/planted', events: ['import.finished'], state: 'off' },
});
/** Bodies that are files: they are sent with their digest. */
const FILES: Record<string, string> = {
  addDocument: 'text/plain',
  importRecords: 'text/csv',
  importRiskRegister: 'text/csv',
};

const queries = (of: Holdings): Record<string, string> => ({
  traceCheck: '?tool=kube-bench&check=cis-1.12/1.2.1',
  postScan: `?targets=node/one&observedAt=${FROM}`,
  addDocument: '?role=appointment&name=planted.txt',
  removeDocument: '?role=appointment',
  listEngagementRecords: '?type=appointment',
  importRecords: '?type=training_record',
  exportRecords: '?type=appointment',
  exportRiskRegister: '?format=csv',
  proveInclusion: `?event=${of.eventId}`,
  proveConsistency: '?from=1',
  proveEngagementInclusion: `?event=${of.eventId}`,
  proveEngagementConsistency: '?from=1',
  compareRiskAnalyses: `?with=${of.analysisId}`,
});

export interface GoodRequest {
  method: string;
  path: string;
  body: string | null;
  headers: Record<string, string>;
}

/** A request of the operation that is refused for no other reason than whose the holdings are. */
export function requestOf({ id, method, path, edits }: Operation, of: Holdings, issuer: string): GoodRequest {
  const given = bodies(of, issuer)[id] ?? null;
  const body = typeof given === 'object' && given !== null ? JSON.stringify(given) : given;
  const file = FILES[id];
  return {
    method,
    path: filled(path, of) + (queries(of)[id] ?? ''),
    body,
    headers: {
      ...(edits === true ? { 'If-Match': path.includes('/records/') ? of.recordTag : '"1"' } : {}),
      ...(file === undefined || body === null ? {} : { 'Content-Type': file, 'Content-Digest': digestOf(body) }),
    },
  };
}

export const ask = (
  world: World,
  { method, path, body, headers }: GoodRequest,
  caller: Caller,
): Promise<Answer<{ type?: string; detail?: string }>> =>
  send(world.url, caller, method, path, { ...(body === null ? {} : { body }), headers });
