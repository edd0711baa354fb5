import type { CheckStatus } from '../report.js';
import { Unreadable } from './fields.js';

/**
 * What XCCDF 1.2 (NIST IR 7275 r4, table 26) says of a rule. `fixed` failed and was then mended, as its tool or an assessor says: only the next scan shows whether it
 * is. Of a rule that was not checked there is no check that a machine could make.
 */
const RESULTS: Readonly<Record<string, CheckStatus>> = {
  pass: 'pass',
  fail: 'fail',
  fixed: 'warn',
  error: 'error',
  unknown: 'error',
  notapplicable: 'skip',
  informational: 'skip',
  notchecked: 'manual',
};

/** Null of a rule that was not selected: of most rules of a benchmark it is said, and it says nothing. */
export function xccdfStatus(result: string): CheckStatus | null {
  if (result === 'notselected') return null;
  const status = Object.hasOwn(RESULTS, result) ? RESULTS[result] : undefined;
  if (!status) throw new Unreadable('/result', 'is no result of a rule');
  return status;
}

/** Ids begin with the namespace of who made them: `xccdf_org.ssgproject.content_benchmark_OCP-4`. What follows it is what people call them. */
export function xccdfName(id: string): string {
  return id.replace(/^xccdf_[^_]+_(benchmark|profile)_/, '');
}
