import type { Coverage } from '../report.js';
import type { Draft, Scope } from './draft.js';

/** The checks that a report shows to have been evaluated, by what they are about: collected row by row, for the draft to be told at the end. */
export class Evaluated {
  readonly #scopes = new Map<string, { scope: Scope; extent: Coverage['extent']; checks: Set<string> }>();

  add(scope: Scope, extent: Coverage['extent'], check: string): void {
    const { target, source } = scope;
    const key = `${source} ${target.kind}/${target.name}`;
    const known = this.#scopes.get(key);
    if (known === undefined) this.#scopes.set(key, { scope, extent, checks: new Set([check]) });
    else {
      known.checks.add(check);
      if (extent === 'partial') known.extent = 'partial';
    }
  }

  /** Whether anything of such a target was evaluated. */
  has(isSuch: (scope: Scope) => boolean): boolean {
    for (const { scope } of this.#scopes.values()) if (isSuch(scope)) return true;
    return false;
  }

  cover(draft: Draft): void {
    for (const { scope, extent, checks } of this.#scopes.values()) {
      draft.cover({ ...scope, extent, checks: [...checks], silentPass: [] });
    }
  }
}
