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
  /** Rows that were staged, each identity counted once. */
  totals: { readonly result: number; readonly fact: number };
  /** Some identity was staged twice: of its rows the last one stands. */
  replaced: boolean;
  /** What `open` has taken of it. Null: all of it is staged. */
  opened: OpenedRows | null;
}

/** Rows for one staging table, as COPY takes them. */
export interface StagedRows {
  table: string;
  /** Its columns with their types, for it is made when it is first used. */
  columns: string;
  /** Given away, with the buffer that they lie in: it is freed when they have been sent. */
  bytes: Uint8Array;
}

/** Rows that are intervals already when the scan is merged. */
export type OpenedRows = Readonly<Record<'result' | 'fact', number>>;

export interface MergeCounts {
  new: number;
  changed: number;
  unchanged: number;
  closed: number;
}
