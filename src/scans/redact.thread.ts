import { EvidenceFile, type EvidenceFileRef } from '../evidence/evidence-file.js';
import type { Redaction } from '../evidence/redaction.js';
import { redactionOf } from './redaction/redact.js';
import { ReportFault, type FaultPlace, type ReportFaultCode } from './report.js';
import { BytesInMemory } from './text/byte-source.js';

export interface RedactTask {
  /** Bytes that are few, or where they lie. */
  content: Uint8Array | EvidenceFileRef;
}

/** A fault crosses the thread's border as data: a class of ours would arrive as a plain Error. */
export type RedactOutcome =
  { redaction: Redaction | null } | { fault: { code: ReportFaultCode; detail: string; place: FaultPlace } };

/** Runs in a thread of its own, like the parsers: it reads what nobody has looked at yet. */
export default function redact({ content }: RedactTask): RedactOutcome {
  try {
    return { redaction: find(content) };
  } catch (error) {
    if (!(error instanceof ReportFault)) throw error;
    const { code, detail, place } = error;
    return { fault: { code, detail, place } };
  }
}

function find(content: RedactTask['content']): Redaction | null {
  if (content instanceof Uint8Array) return redactionOf(new BytesInMemory(content));
  const file = new EvidenceFile(content);
  try {
    return redactionOf(file);
  } finally {
    file.close();
  }
}
