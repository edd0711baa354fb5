/**
 * Bytes that we keep are not the bytes that were written: changed, cut, swapped, or read with the wrong key or context. Never the caller's fault,
 * so no Refusal: it becomes a 500 and an alarm. Says where, never what.
 */
export class IntegrityError extends Error {
  override readonly name = 'IntegrityError';
}
