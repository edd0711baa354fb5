import type { Scan } from './scan.entity.js';
import type { PostedScanView, ScanView } from './scans.schema.js';
import type { PostedScan } from './scans.service.js';

/** A scan as the API gives it. `duplicate`: what was posted had been posted before. */
export const scanView = (scan: Scan, duplicate: boolean): ScanView => ({
  id: scan.id,
  systemId: scan.systemId,
  evidenceId: scan.evidenceId,
  status: scan.status,
  declared: posted(scan.declared),
  cause: scan.declared.cause ?? null,
  format: scan.format,
  tool: scan.tool,
  toolVersion: scan.toolVersion,
  clusterName: scan.clusterName,
  clusterUid: scan.clusterUid,
  observedAt: scan.observedAt?.toISOString() ?? null,
  receivedAt: scan.receivedAt.toISOString(),
  knownAt: scan.knownAt?.toISOString() ?? null,
  postedBy: scan.postedBy,
  counts: scan.counts,
  rejects: scan.rejects ?? [],
  notes: scan.notes ?? [],
  flags: scan.flags ?? [],
  signature: scan.signature,
  problem: scan.problem,
  duplicate,
});

/** The same as an answer to whoever posted it. */
export const postedScanView = ({ scan, duplicate, receipt }: PostedScan): PostedScanView => ({
  ...scanView(scan, duplicate),
  receipt,
});

const posted = ({ format, observedAt, targets, partial }: Scan['declared']) => ({
  format,
  observedAt,
  targets,
  partial,
});

export const scanLocation = ({ organizationId, systemId, id }: Scan): string =>
  `/v1/organizations/${organizationId}/systems/${systemId}/scans/${id}`;
