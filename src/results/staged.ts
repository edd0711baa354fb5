/** What a scan says that it covered. */
export interface StagedCoverage {
  targetId: string;
  targetKind: string;
  targetName: string;
  source: string;
  complete: boolean;
  /** Complete for these checks alone; null = for all of the source. */
  checks: readonly string[] | null;
  silentPass: readonly string[];
}

export interface StagedScan {
  systemId: string;
  scanId: string;
  /** The report's own bytes. */
  evidenceId: string;
  observedAt: Date;
  coverage: readonly StagedCoverage[];
  /** Lines of COPY text (copy.ts), in chunks of any size. */
  rows: Iterable<Uint8Array>;
}

export interface MergeCounts {
  new: number;
  changed: number;
  unchanged: number;
  closed: number;
}
