import type { CopiesAt } from './anchor.config.js';
import type { Copies } from './copies.js';
import { DirectoryCopies } from './directory-copies.js';

/** Opens where copies lie; who has no object store does not load its client, which takes time and memory. Throws with the next step. */
export async function openCopies(at: CopiesAt | null): Promise<Copies | null> {
  try {
    switch (at?.kind) {
      case undefined:
        return null;
      case 'directory':
        return await DirectoryCopies.open(at.path);
      case 's3':
        return await (await import('./s3-copies.js')).S3Copies.open(at);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`ANCHOR_STORE: ${why} (docs/anchors.md says how copies are kept)`, { cause: error });
  }
}
