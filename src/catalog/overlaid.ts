import type { Catalog } from './catalog.js';

const made = new WeakMap<Catalog, Map<string, Catalog>>();

/** `withOverlay`, made once: it indexes the whole catalogue anew (12 ms), and there are as many as the catalogue has overlays. */
export function overlaid(catalog: Catalog, overlay: string): Catalog {
  let ours = made.get(catalog);
  if (ours === undefined) made.set(catalog, (ours = new Map<string, Catalog>()));
  let found = ours.get(overlay);
  if (found === undefined) ours.set(overlay, (found = catalog.withOverlay(overlay)));
  return found;
}
