import { createHash } from 'node:crypto';
import { canonicalJson, type JsonValue } from '../kernel/crypto/canonical-json.js';

/** What happened, in the past tense of the room that did it. A new action needs a line here and nothing else. */
export const ACTIONS = [
  'organization.created',
  'organization.changed',
  'member.added',
  'member.changed',
  'member.removed',
  'system.created',
  'system.changed',
  'system.retired',
  'system.version_observed',
  'agent.trusted',
  'agent.revoked',
  'evidence.received',
  'evidence.read',
  'evidence.corrupt',
  'evidence.restored',
  'data_key.created',
  'data_keys.rewrapped',
  'scan.queued',
  'scan.stored',
  'scan.refused',
  'check.changed',
  'check.withdrawn',
  'record.created',
  'record.revised',
  'record.edited',
  'record.submitted',
  'record.recalled',
  'record.rejected',
  'record.approved',
  'record.abandoned',
  'record.disposed',
  'document.added',
  'document.removed',
  'evidence.disposed',
  'event.erased',
  'record_type.changed',
  'record_type.withdrawn',
  'posture.frozen',
  'import.received',
  'import.refused',
  'import.applied',
  'import.approved',
  'import.rejected',
  'webhook.changed',
  'webhook.removed',
  'webhook.redelivered',
  'package.requested',
  'package.built',
  'package.failed',
  'package.read',
  'package.cancelled',
  'package.expired',
  'engagement.created',
  'engagement.changed',
  'engagement.revoked',
  'engagement.joined',
  'engagement.read',
  'engagement.package_shared',
  'evidence_request.opened',
  'evidence_request.answered',
  'evidence_request.accepted',
  'evidence_request.returned',
  'evidence_request.withdrawn',
  'evidence_request.commented',
  'row.altered',
  'row.restored',
] as const;
export type Action = (typeof ACTIONS)[number];

export type ObjectKind =
  | 'organization'
  | 'member'
  | 'system'
  | 'agent_trust'
  | 'evidence'
  | 'event'
  | 'scan'
  | 'check'
  | 'record'
  | 'record_type'
  | 'import'
  | 'webhook'
  | 'package'
  | 'engagement'
  | 'evidence_request';

export type EventObject = {
  kind: ObjectKind;
  id: string;
  /** Digest of the bytes or of the state after the change, lower-case hex, where there is one. */
  sha256?: string;
  size?: number;
  version?: number;
  /** Of what was found of rows: in which table, as an object may have rows in several. */
  table?: string;
};

/** The leaf of the organisation's log, field by field as it is exported. No names, addresses or free text: a leaf can never be erased. */
export type Leaf = {
  action: Action;
  actor: { id: string; kind: 'user' | 'agent' | 'service' };
  details_sha256: string | null;
  id: string;
  object: EventObject;
  outcome: 'success' | 'failure';
  request_id: string;
  tenant: string;
  time: string;
  v: 1;
};

/** An event that was recorded, with what a receipt says of it: what its leaf has in the log, or will have, and when it was. */
export interface RecordedEvent {
  readonly id: string;
  readonly leafHash: Buffer;
  readonly time: Date;
}

/** A leaf's exact bytes (RFC 8785): equal events give equal bytes, and verifiers hash them as they are. */
export const leafBytes = (leaf: Leaf): Buffer => Buffer.from(canonicalJson(leaf), 'utf8');

/** `details_sha256`: salted, so that a short name cannot be guessed from the leaf once the detail has been erased. */
export function detailsDigest(salt: Buffer, details: JsonValue): string {
  return createHash('sha256').update(salt).update(canonicalJson(details)).digest('hex');
}
