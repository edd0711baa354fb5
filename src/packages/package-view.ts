import { Refusal } from '../kernel/http/problem.js';
import type { KeptPackage } from './package-content.js';
import type { Package } from './package.entity.js';
import type { PackageView } from './packages.schema.js';

/** One whose bytes are there to be given out. */
export interface ReadyPackage {
  id: string;
  kept: KeptPackage;
  dataKeyId: string;
  isEncrypted: boolean;
}

/** What the row says, by the clock: a package whose time is over is not given out, whether its bytes have gone or not. */
export const statusOf = ({ status, expiresAt, removedAt }: Package, now: Date): PackageView['status'] =>
  status === 'ready' && (removedAt !== null || (expiresAt !== null && expiresAt <= now)) ? 'expired' : status;

export function requireReady(row: Package, now: Date): ReadyPackage {
  const { id, dataKeyId, size, sha256, storageKey, storageVersion, storageSize, storageSha256 } = row;
  const status = statusOf(row, now);
  if (status === 'expired') throw new Refusal('disposed', 'The package has expired. Ask for another.');
  if (status !== 'ready') {
    throw new Refusal('conflict', NOT_READY[status], { extra: { packageStatus: status } });
  }
  if (
    dataKeyId === null ||
    size === null ||
    sha256 === null ||
    storageKey === null ||
    storageSize === null ||
    storageSha256 === null
  ) {
    throw new Error('a ready package does not say where its bytes are');
  }
  return {
    id,
    dataKeyId,
    isEncrypted: row.encryptTo.length > 0,
    kept: { sha256, size, storageKey, storageVersion, storageSize, storageSha256 },
  };
}

const NOT_READY = {
  queued: 'The package is being built. Read it until it is ready.',
  failed: 'The package could not be built. Ask for another.',
  cancelled: 'The package was cancelled. Ask for another.',
} as const;

export const viewOf = (row: Package, now: Date): PackageView => ({
  id: row.id,
  status: statusOf(row, now),
  scope: { systemId: row.systemId },
  periodFrom: row.periodFrom.toISOString(),
  asOf: row.asOf.toISOString(),
  knownAt: row.knownAt.toISOString(),
  createdAt: row.createdAt.toISOString(),
  finishedAt: row.finishedAt?.toISOString() ?? null,
  size: row.size,
  sha256: row.sha256?.toString('hex') ?? null,
  problem: row.problem,
  encryptTo: row.encryptTo,
  expiresAt: row.expiresAt?.toISOString() ?? null,
  progress: row.status === 'queued' ? row.progress : null,
});
