/** Versions of one type and owner that wait for a decision. */
export interface WaitingRecords {
  type: string;
  /** A member's id. */
  ownerId: string;
  count: number;
  firstSubmittedAt: Date;
  lastSubmittedAt: Date;
  /** Ids of at most five of their records, those that have waited longest first. */
  records: string[];
}
