import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { PackageFacts, PackageRows } from '../../src/packages/contents.js';
import { oscalFiles } from '../../src/packages/oscal/oscal-files.js';

/** Any part of a document. */
export type Node = Record<string, unknown>;

/** By path: the OSCAL documents of a package, read back. */
export async function oscalOf(of: PackageFacts, rows: PackageRows): Promise<Map<string, Node>> {
  const documents = new Map<string, Node>();
  for (const { path, content } of oscalFiles(of, rows)) {
    const text = (await buffer(Readable.from(content, { objectMode: false }))).toString('utf8');
    documents.set(path, JSON.parse(text) as Node);
  }
  return documents;
}
