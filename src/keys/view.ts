import type { KeyView } from './keys.schema.js';
import type { LedgerKey } from './ledger.js';

const iso = (instant: Date | null | undefined): string | null => instant?.toISOString() ?? null;

/** A key of a system, as the API and packages tell of it. */
export function keyView(systemId: string, key: LedgerKey): KeyView {
  const { record, fields, seen } = key;
  return {
    id: key.id,
    recordId: record?.id ?? null,
    systemId,
    name: key.name,
    provider: fields?.provider ?? seen?.provider ?? '',
    keyId: seen?.keyId ?? fields?.keyId ?? '',
    purpose: fields?.purpose ?? null,
    custodian: fields?.custodian ?? null,
    managedBy: seen?.managedBy ?? 'unknown',
    state: key.state,
    findings: key.findings.map(({ state, reason, records }) => ({ state, reason, records: [...records] })),
    createdAt: iso(key.createdAt),
    policyDays: fields?.policyDays ?? null,
    rotateAfterIncident: fields?.rotateAfterIncident ?? null,
    rotatesItself: seen?.rotatesItself ?? null,
    lastRotatedAt: iso(key.lastRotatedAt),
    latestVersion: seen?.latestVersion ?? key.rotations.find(({ denied }) => !denied)?.version ?? null,
    dueAt: iso(key.dueAt),
    sources: seen?.sources ?? [],
    series: seen?.series ?? [],
  };
}
