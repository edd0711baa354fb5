import { createHash } from 'node:crypto';
import type { Catalog } from '../catalog/catalog.js';

type Meanings = Parameters<Catalog['withChecks']>[0];

/** An organisation has a few versions of its checks, and a question asks of one. */
const MAX_KEPT = 50;

const made = new WeakMap<Catalog, Map<string, Catalog>>();

/** `withChecks`, made once for what an organisation makes of checks: it indexes the whole catalogue anew (12 ms). */
export function meaning(catalog: Catalog, meanings: Meanings): Catalog {
  if (meanings.length === 0) return catalog;
  let ours = made.get(catalog);
  if (ours === undefined) made.set(catalog, (ours = new Map<string, Catalog>()));
  const key = createHash('sha256').update(JSON.stringify(meanings)).digest('base64url');
  let found = ours.get(key);
  if (found === undefined) {
    const [oldest] = ours.keys();
    if (ours.size >= MAX_KEPT && oldest !== undefined) ours.delete(oldest);
    ours.set(key, (found = catalog.withChecks(meanings)));
  }
  return found;
}
