import { buildCatalog } from '../../src/catalog/catalog.js';
import { CatalogFaults } from '../../src/catalog/catalog.files.js';
import { CATALOG_DIRECTORY, readCatalogFiles } from '../../src/catalog/load.js';

/** The files of the real catalogue. */
export const FILES = readCatalogFiles(CATALOG_DIRECTORY);
/** What they make. */
export const catalog = buildCatalog(FILES);

/** A node of parsed YAML, loose on purpose: the tests break it. */
export interface Node {
  [key: string]: Node;
}

/** The faults of the real catalogue after one thing was broken in it. What is looked at for that is a copy. */
export function faultsAfter(breakIt: (files: Record<string, Node>) => void): string[] {
  const files = { ...FILES } as Record<string, Node>;
  const copied = new Set<string>();
  const open = new Proxy(files, {
    get: (all, path: string) => {
      const node = all[path];
      if (node === undefined || copied.has(path)) return node;
      copied.add(path);
      return (all[path] = structuredClone(node));
    },
  });
  breakIt(open);
  try {
    buildCatalog(files);
  } catch (error) {
    if (error instanceof CatalogFaults) return [...error.faults];
    throw error;
  }
  return [];
}

export const set = (node: Node | undefined, key: string | number, value: unknown): void => {
  (node as unknown as Record<string | number, unknown>)[key] = value;
};
