import { isList, type List } from '../text/lazy-list.js';
import type { Draft } from './draft.js';
import { field, fieldsIn, fieldsOf, firstOf, isFields, optionalText, Unreadable, type Fields } from './fields.js';

/** An object of the Kubernetes API, as `kubectl get -o json|yaml`, the API's own lists or several documents give it. */
export interface KubernetesObject {
  object: Fields;
  /** "" of the core group. */
  group: string;
  version: string;
  kind: string;
  pointer: string;
}

/** Whether the first object of the document is such a one. Total. */
export function detectObjects(document: unknown, isSuch: (object: KubernetesObject) => boolean): boolean {
  const first = isList(document) ? firstOf(document) : document;
  if (!isFields(first)) return false;
  const items = itemsOf(first);
  if (items === null) {
    const object = objectOf(first, {}, '');
    return object !== null && isSuch(object);
  }
  const item = firstOf(items);
  if (!isFields(item)) return false;
  const object = objectOf(item, first, '');
  return object !== null && isSuch(object);
}

/**
 * Every object of the document: bare, in a list of documents, or in a `List` whose items may leave out what the list says of them. One that cannot be read is
 * a reject that leaves everything partial: it may have been of anything. So does a list that may be a page. `pointer`: where in the report the document lies.
 */
export function eachObject(
  draft: Draft,
  document: unknown,
  read: (object: KubernetesObject) => void,
  pointer = '',
): void {
  const readTop = (top: Fields, at: string): void => {
    const items = itemsOf(top);
    if (items === null) read(required(objectOf(top, {}, at)));
    else {
      if (hasNextPage(top)) draft.cut('A list is one page of a longer one (metadata.continue), so it closes nothing.');
      else if (field(top, 'kind') !== LIST) draft.cut(MAY_BE_LAST);
      draft.rows(items, `${at}/items`, null, (item, itemAt) => read(required(objectOf(item, top, itemAt))));
    }
  };
  if (isList(document)) draft.rows(document, pointer, null, readTop);
  else draft.attempt(pointer, null, (at) => readTop(fieldsOf(document), at));
}

function required(object: KubernetesObject | null): KubernetesObject {
  if (object === null) throw new Unreadable('', 'must be a Kubernetes object with apiVersion and kind');
  return object;
}

/** The items of a List; null of what is no list. */
function itemsOf(top: Fields): List | null {
  const kind = field(top, 'kind');
  if (typeof kind !== 'string' || !kind.endsWith('List')) return null;
  const items = field(top, 'items');
  return isList(items) ? items : null;
}

/** What kubectl and other clients put together of all pages. The API itself answers with a list of a kind of its own: `PodList`. */
const LIST = 'List';

/** The last page of several says the same as the only page of a short list. */
const MAY_BE_LAST =
  'A list as the API writes it (PodList and the like) may be the last page of a longer one, so it closes nothing: post the List of `kubectl get -o json`.';

function hasNextPage(list: Fields): boolean {
  const metadata = field(list, 'metadata');
  return isFields(metadata) && (field(metadata, 'continue') ?? '') !== '';
}

/** `list`: what stands around it, and may say for all of its items what they are. */
function objectOf(object: Fields, list: Fields, pointer: string): KubernetesObject | null {
  const apiVersion = field(object, 'apiVersion') ?? field(list, 'apiVersion');
  const listKind = field(list, 'kind');
  const kind = field(object, 'kind') ?? (typeof listKind === 'string' ? listKind.replace(/List$/, '') : undefined);
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || kind === '') return null;
  const slash = apiVersion.indexOf('/');
  return {
    object,
    group: slash === -1 ? '' : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    kind,
    pointer,
  };
}

/** Name and namespace of an object; a namespace of "" is none. */
export function nameOf(object: Fields): { name: string; namespace: string | null } {
  const metadata = fieldsIn(object, 'metadata');
  return { name: optionalText(metadata, 'name'), namespace: optionalText(metadata, 'namespace') || null };
}
