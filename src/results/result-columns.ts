/** What a package's table of results has of each: written by who makes the package, and read again by who verifies it. */
export const RESULT_COLUMNS = [
  'system_id',
  'series',
  'target',
  'source',
  'check',
  'resource',
  'namespace',
  'status',
  'severity',
  'title',
  'message',
  'observed_from',
  'observed_to',
  'known_from',
  'scan_id',
  'evidence_id',
] as const;
