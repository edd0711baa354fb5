import { createHash } from 'node:crypto';
import type { Manifest } from '../../src/agent/spool.js';

export function manifestOf(bytes: Buffer, more: Partial<Manifest> = {}): Manifest {
  return {
    version: 1,
    stream: null,
    origin: 'a test',
    createdAt: '2026-11-26T08:00:00.000Z',
    format: null,
    targets: [],
    partial: false,
    observedAt: null,
    observedAtElse: '2026-11-26T08:00:00.000Z',
    size: bytes.length,
    digest: createHash('sha256').update(bytes).digest('base64'),
    encoding: 'identity',
    mediaType: 'application/json',
    signature: null,
    ...more,
  };
}
