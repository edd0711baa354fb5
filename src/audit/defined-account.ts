import type { Row, Told } from './account.js';
import { hash } from 'node:crypto';
import { canonicalJson, type JsonValue } from '../kernel/crypto/canonical-json.js';

/** What is said of a definition that an organisation has made of a check or a type of records: the digest of it is in the leaf, and the rest in the details. */
interface DefinedVersion {
  version: number;
  recordedAt: Date;
  recordedBy: string;
  state: string;
  reason: string | null;
  definition: object | null;
}

export const definedRow = (
  id: string,
  { version, recordedAt, recordedBy, state, reason, definition }: DefinedVersion,
): Row => ({
  id,
  key: String(version),
  says: {
    ...{ recordedAt, recordedBy, state, reason },
    definition: definition === null ? null : hash('sha256', canonicalJson(definition as JsonValue)),
  },
});

export const definedBy = (told: readonly Told[]) =>
  told.map(({ version, at, by, sha256, after }) => ({
    key: String(version),
    says: {
      ...{ recordedAt: at, recordedBy: by, definition: sha256 },
      ...(after === null ? {} : { state: after['state'] ?? null, reason: after['reason'] ?? null }),
    },
  }));
