import { ApiFault, type ApiServer, TooLarge } from './api-server.js';
import { pathOf, type Resource } from './discovery.js';

/** An object as the API gives it. */
export type Item = Record<string, unknown>;

/** Where the objects of a list go, in order. */
export interface Sink {
  write(item: Item): Promise<void>;
  /** Forgets what was written: the list begins anew. */
  restart(): Promise<void>;
}

/** kubectl's own (--chunk-size). */
const PAGE = 500;

/** What keeps values of Secrets in the API server: it is asked for nothing else, so that one that cannot do it refuses. */
const METADATA = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
/** Says the type of a Secret beside its metadata, and no value: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables */
const TABLE = 'application/json;as=Table;g=meta.k8s.io;v=v1';

/**
 * Reads a list page by page, all of them of one instant (https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks).
 * 410 Gone: the instant is no longer kept, and the list begins anew, once. Throws ApiFault.
 */
export async function readList(api: ApiServer, resource: Resource, sink: Sink, signal: AbortSignal): Promise<void> {
  try {
    await readPages(api, resource, sink, signal);
  } catch (error) {
    if (!(error instanceof ApiFault && error.status === 410)) throw error;
    await sink.restart();
    await readPages(api, resource, sink, signal);
  }
}

async function readPages(api: ApiServer, resource: Resource, sink: Sink, signal: AbortSignal): Promise<void> {
  const accept = acceptOf(resource);
  let limit = PAGE;
  let token = '';
  do {
    let page: Page;
    try {
      const query = { limit: String(limit), ...(token === '' ? {} : { continue: token }) };
      page = pageOf(await api.get(pathOf(resource), { accept, query, signal }), resource);
    } catch (error) {
      // The same place in the list, in smaller steps.
      if (!(error instanceof TooLarge) || limit === 1) throw error;
      limit = Math.max(1, Math.floor(limit / 4));
      continue;
    }
    for (const item of page.items) await sink.write(item);
    if (page.next !== '' && page.next === token) throw new ApiFault(null, 'the list leads back to the same page');
    token = page.next;
    if (token === '') return;
  } while (!signal.aborted);
  signal.throwIfAborted();
}

interface Page {
  items: Item[];
  next: string;
}

function acceptOf({ kind, group, of }: Resource): string {
  if (of.listed === 'object') return 'application/json';
  return group === '' && kind === 'Secret' ? TABLE : METADATA;
}

function pageOf(answer: unknown, { group, version, kind, of }: Resource): Page {
  if (!isItem(answer)) throw new ApiFault(null, 'the answer is no list');
  const metadata = isItem(answer['metadata']) ? answer['metadata'] : {};
  const next = metadata['continue'] ?? '';
  const table = answer['kind'] === 'Table';
  // Null is how Go writes an empty list.
  const items =
    (table ? answer['rows'] : answer['items']) ?? (Object.hasOwn(answer, table ? 'rows' : 'items') ? [] : undefined);
  if (typeof next !== 'string' || !Array.isArray(items) || !items.every(isItem)) {
    throw new ApiFault(null, 'the answer is no list');
  }
  // Items of a list do not say what they are.
  const said = { apiVersion: group === '' ? version : `${group}/${version}`, kind };
  if (table) {
    const type = typeColumn(answer['columnDefinitions']);
    return {
      next,
      items: items.map((row) => ({ ...said, ...typeOf(row, type), metadata: metadataOf(row['object']) })),
    };
  }
  if (of.listed === 'metadata') return { next, items: items.map((item) => ({ ...said, metadata: metadataOf(item) })) };
  return { next, items: items.map((item) => ({ ...said, ...item, ...said })) };
}

function metadataOf(object: unknown): Item {
  const metadata = isItem(object) ? object['metadata'] : undefined;
  if (!isItem(metadata)) throw new ApiFault(null, 'an object of the list has no metadata');
  return metadata;
}

function typeColumn(columns: unknown): number {
  return Array.isArray(columns) ? columns.findIndex((column) => isItem(column) && column['name'] === 'Type') : -1;
}

function typeOf(row: Item, column: number): { type?: string } {
  const cells = row['cells'];
  const type: unknown = Array.isArray(cells) && column !== -1 ? cells[column] : undefined;
  return typeof type === 'string' ? { type } : {};
}

export function isItem(value: unknown): value is Item {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
