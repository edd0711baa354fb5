import type { WriteTx } from '../kernel/db/database.js';
import { newId } from '../kernel/ids.js';
import { declaredDigest, readingDigest } from './digests.js';
import type { Scan } from './scan.entity.js';

/** What is known of a scan before its report is read. */
export type Begun = Pick<Scan, 'systemId' | 'evidenceId' | 'declared' | 'receivedAt' | 'flags' | 'signature'>;

/** A scan as it begins: its bytes are kept, and nothing is known of what they say. `reader`: the revision of who will read them. */
export function begunScan(tx: WriteTx, begun: Begun, reader: string): Scan {
  return {
    ...begun,
    organizationId: tx.organizationId,
    id: newId(),
    status: 'queued',
    declaredDigest: declaredDigest(begun.declared),
    readingDigest: readingDigest(begun.declared, reader),
    postedBy: tx.principal.id,
    format: null,
    tool: null,
    toolVersion: null,
    clusterName: null,
    clusterUid: null,
    rowsDigest: null,
    observedAt: null,
    saysWhen: null,
    knownAt: null,
    counts: null,
    rejects: null,
    notes: null,
    problem: null,
  };
}
