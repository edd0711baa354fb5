import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { systemParams } from '../kernel/http/parameters.js';
import { REPORT_REFUSALS, PostedScanView } from './scans.schema.js';

/**
 * An operation of its own beside `postScan`, because an API server's webhook can be told an address and a credential and nothing more (Kubernetes,
 * apiserver/pkg/util/webhook): it adds a query of its own, and declares nothing.
 */
export const postKubernetesAuditEvents = operation({
  id: 'postKubernetesAuditEvents',
  method: 'POST',
  path: '/v1/organizations/:organizationId/systems/:systemId/kubernetes-audit-events',
  tag: 'Scans',
  summary: 'Take audit events of a Kubernetes API server',
  description:
    "The address for an API server's audit webhook (`--audit-webhook-config-file`). Each batch is a report of the format `k8s-audit-events`, as of its newest event: it is kept as evidence " +
    'before it is acknowledged, and what concerns security in it is indexed. The same batch again is the same scan, and an event that comes in two batches is one event. 429 with `Retry-After`: ' +
    'too many batches of this system are under way; API servers wait so long and send it again.',
  permission: 'scans:write',
  params: systemParams,
  query: z.strictObject({
    timeout: z
      .string()
      .regex(/^[\d.hmsuµn]{1,32}$/, 'A duration as Go writes it.')
      .optional()
      .meta({
        description: 'How long the API server will wait. It sends it, and it changes nothing.',
        examples: ['30s'],
      }),
  }),
  headers: {
    'Content-Encoding': '`gzip` or `zstd`, from a proxy on the way: API servers send as it is.',
    'Content-Digest': 'RFC 9530, sha-256 or sha-512 over the bytes as sent; a wrong one is refused.',
    'Repr-Digest': 'RFC 9530, sha-256 or sha-512 over the bytes without their content coding; a wrong one is refused.',
  },
  body: {
    mediaTypes: ['application/json'],
    description: 'An EventList of audit.k8s.io/v1. As large as a report may be.',
  },
  answers: {
    200: { description: 'The same batch had been posted: its scan.', schema: PostedScanView },
    201: { description: 'The events are kept.', schema: PostedScanView, headers: { Location: 'The scan.' } },
  },
  refusals: REPORT_REFUSALS,
});
