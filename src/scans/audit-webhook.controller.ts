import { Controller } from '@nestjs/common';
import { Call, Endpoint, Reply, type CallOf } from '../kernel/http/endpoint.js';
import { SlotsByKey } from '../kernel/slots.js';
import { postKubernetesAuditEvents } from './audit-webhook.schema.js';
import { k8sAuditEvents } from './formats/k8s-audit-events.js';
import { reportHeaders } from './report-headers.js';
import { postedScanView, scanLocation } from './scan-view.js';
import { ScansService } from './scans.service.js';

/**
 * Batches of one system at once, and that wait their turn with nothing read. An API server begins up to ten a second without waiting for the one before, and after an
 * outage all that it still holds (apiserver, plugin/pkg/audit/buffered: «Should control the number of active goroutines»). A batch takes some 30 ms, so that whoever waits does so for
 * seconds at most, well within the 30 s that the API server gives it; and what one cluster sends leaves the places that all reports share to all others.
 */
const BATCHES = { atOnce: 4, waiting: 60 } as const;

/**
 * Milliseconds in which a batch has to come whole: half of what an API server gives it with its answer, and enough for its 10 MiB at 6 Mbit/s. A connection that went silent would else keep
 * its place for minutes, and four of them all places of the system.
 */
const PATIENCE = 15_000;

/** What an API server posts by itself. */
@Controller()
export class AuditWebhookController {
  private readonly batches = new SlotsByKey(BATCHES.atOnce, BATCHES.waiting);

  constructor(private readonly scans: ScansService) {}

  @Endpoint(postKubernetesAuditEvents)
  async post(@Call() { principal, params, request }: CallOf<typeof postKubernetesAuditEvents>) {
    const headers = reportHeaders(request, postKubernetesAuditEvents.body.mediaTypes);
    const posted = await this.batches.run(`${params.organizationId}/${params.systemId}`, async () => {
      const late = setTimeout(() => {
        if (!request.complete) request.destroy();
      }, PATIENCE);
      try {
        return await this.scans.post(principal, {
          systemId: params.systemId,
          content: request,
          headers,
          declared: { format: k8sAuditEvents.slug, observedAt: null, targets: [], partial: false },
          // Acknowledged when its events are there: an API server drops what is acknowledged.
          signature: undefined,
          wait: true,
          idempotencyKey: null,
          account: null,
        });
      } finally {
        clearTimeout(late);
      }
    });
    return new Reply(posted.duplicate ? 200 : 201, postedScanView(posted), { Location: scanLocation(posted.scan) });
  }
}
