import type { EvidenceFault, EvidenceItem } from './contents.js';

/** 40 bytes each: a page of events stays some megabytes. */
const EVIDENCE_PER_EVENT = 1_000;

/** Of the event that is the `part`-th of `parts` which record the build. A type, because an interface is no JsonValue. */
export type BuiltDetails = {
  part: number;
  parts: number;
  evidence: string[];
  unreadable: string[];
  /** How much of it has left in the package. Of events from before it was told, the rows that say which may not be there. */
  exported: number;
};

/**
 * Details of the audit events that record a build, one at least: which evidence was read for it, and which of that could no longer be. Each read is in the log,
 * so that more evidence makes more events, never a shorter list.
 */
export function builtDetails(
  evidence: readonly Pick<EvidenceItem, 'evidenceId'>[],
  faults: readonly Pick<EvidenceFault, 'evidenceId'>[],
): BuiltDetails[] {
  const unreadable = new Set(faults.map(({ evidenceId }) => evidenceId));
  const ids = evidence.map(({ evidenceId }) => evidenceId);
  const parts = Math.max(1, Math.ceil(ids.length / EVIDENCE_PER_EVENT));
  return Array.from({ length: parts }, (_, index) => {
    const read = ids.slice(index * EVIDENCE_PER_EVENT, (index + 1) * EVIDENCE_PER_EVENT);
    const missed = read.filter((id) => unreadable.has(id));
    return { part: index + 1, parts, evidence: read, unreadable: missed, exported: read.length - missed.length };
  });
}
