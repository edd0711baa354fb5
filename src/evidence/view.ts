import type { z } from 'zod';
import type { Principal } from '../kernel/principal.js';
import type { EvidenceView } from './evidence.schema.js';
import type { EvidenceInfo } from './evidence.service.js';

/** As the API shows it. */
export const evidenceView = (info: EvidenceInfo): z.input<typeof EvidenceView> => ({
  ...info,
  source: { kind: info.source.kind as Principal['kind'], id: info.source.id },
  receivedAt: info.receivedAt.toISOString(),
  retainUntil: info.retainUntil.toISOString(),
  disposedAt: info.disposedAt?.toISOString() ?? null,
  fault: info.fault === null ? null : { ...info.fault, foundAt: info.fault.foundAt.toISOString() },
});
