import type { EventObject } from '../audit/event.js';
import type { JsonValue } from '../kernel/crypto/canonical-json.js';
import type { VersionRow } from './records.store.js';
import { versionDigest } from './version-digest.js';

/** What an audit event says that it is of: the version, with the digest of its content. */
export function objectOf(row: VersionRow): EventObject {
  const { recordId, version, effectiveFrom, expiresAt, goodFrom, fields, links, documents } = row;
  const sha256 = versionDigest({
    ...row,
    effectiveFrom: effectiveFrom.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    goodFrom: goodFrom.toISOString(),
    ...({ fields, links, documents } as unknown as Record<'fields' | 'links' | 'documents', JsonValue>),
  });
  return { kind: 'record', id: recordId, version, sha256 };
}
