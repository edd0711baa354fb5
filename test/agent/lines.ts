/** A line of a snapshot, as far as tests look at it. */
export interface Line {
  apiVersion: string;
  kind: string;
  type?: string;
  metadata?: Record<string, unknown>;
  spec?: unknown;
  cluster?: unknown;
  requested?: { resource: string }[];
  lists?: {
    group: string;
    version: string;
    resource: string;
    kind: string;
    outcome: string;
    count: number;
    reason: string | null;
  }[];
}

/** The lines of NDJSON. */
export function linesOf(text: string): Line[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}
