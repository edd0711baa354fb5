import { hash } from 'node:crypto';
import { canonicalJson, type JsonValue } from '../kernel/crypto/canonical-json.js';

/** What a version of a record says, whose it is, and what it counts for: all that is submitted and decided on. Instants are RFC 3339, UTC. */
export interface VersionContent {
  readonly type: string;
  readonly title: string;
  readonly ownerId: string;
  readonly systemIds: readonly string[];
  readonly effectiveFrom: string;
  readonly expiresAt: string | null;
  readonly goodFrom: string;
  readonly naturalKey: string;
  readonly subject: string | null;
  readonly outcome: string | null;
  readonly fails: boolean;
  readonly fields: JsonValue;
  readonly links: JsonValue;
  readonly documents: JsonValue;
}

/** The digest of a version in the leaves of its audit events, lower-case hex: SHA-256 over its canonical content. Packages have that content, so whoever has one computes it too. */
export const versionDigest = (content: VersionContent): string =>
  digestOf({
    type: content.type,
    title: content.title,
    ownerId: content.ownerId,
    systemIds: content.systemIds,
    effectiveFrom: content.effectiveFrom,
    expiresAt: content.expiresAt,
    goodFrom: content.goodFrom,
    naturalKey: content.naturalKey,
    subject: content.subject,
    outcome: content.outcome,
    fails: content.fails,
    fields: content.fields,
    links: content.links,
    documents: content.documents,
  });

/** The same as it was before the log was published: it stands in leaves of that time, which do not change. */
export const earlierVersionDigest = ({ fields, links, documents }: VersionContent): string =>
  digestOf({ fields, links, documents });

const digestOf = (content: JsonValue): string => hash('sha256', canonicalJson(content));
