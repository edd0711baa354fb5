import { oscalString } from './text.js';

/** Of everything that OSCAL's own namespaces do not name. */
export const NAMESPACE = 'urn:safeguard:oscal';
/** The newest that the tools of others take: 1.2.2 and 1.2.3 changed no model, and compliance-trestle refuses them by their number. */
export const OSCAL_VERSION = '1.2.1';

export type Element = Record<string, unknown>;

/** Without members that say nothing: OSCAL has no nulls and no empty lists. */
export function element(members: Element): Element {
  return Object.fromEntries(
    Object.entries(members).filter(
      ([, value]) => value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0),
    ),
  );
}

type PropValue = string | number | boolean | null | undefined;

/** Properties of our own. One without a value is left out; of a list, one each. */
export const props = (values: Readonly<Record<string, PropValue | readonly PropValue[]>>): Element[] =>
  Object.entries(values).flatMap(([name, value]) =>
    [value].flat().flatMap((one) => {
      const text = oscalString(String(one ?? ''));
      return text === '' ? [] : [{ name, ns: NAMESPACE, value: text }];
    }),
  );

export interface Head {
  title: string;
  lastModified: string;
  version: string;
  props?: Element[];
  parties?: Element[];
}

/** `lastModified`: of what is told, never of when the package was made. */
export const metadata = ({ title, lastModified, version, ...lists }: Head): Element =>
  element({
    title,
    'last-modified': lastModified,
    version: oscalString(version),
    'oscal-version': OSCAL_VERSION,
    ...lists,
  });

/** Of a document: members that are there at once, then lists that are read when their turn has come, then what its references lead to. */
export interface Parts {
  head: Element;
  lists?: Readonly<Record<string, AsyncIterable<Element>>>;
  resources?: AsyncIterable<Element>;
}

/** One document, of its lists an item at a time. A list without items is left out, as OSCAL wants it. */
export async function* jsonDocument(root: string, { head, lists, resources }: Parts): AsyncGenerator<Buffer, void> {
  const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
  const members = Object.entries(element(head)).map(([name, value]) => `"${name}": ${JSON.stringify(value)}`);
  yield bytes(`{"${root}": {\n${members.join(',\n')}`);
  for (const [name, items] of Object.entries(lists ?? {})) yield* list(`,\n"${name}": `, items, '');
  if (resources !== undefined) yield* list(',\n"back-matter": {"resources": ', resources, '}');
  yield bytes('\n}}\n');
}

async function* list(open: string, items: AsyncIterable<Element>, close: string): AsyncGenerator<Buffer, void> {
  let before = `${open}[\n`;
  let isEmpty = true;
  for await (const item of items) {
    yield Buffer.from(`${before}${JSON.stringify(item)}`, 'utf8');
    before = ',\n';
    isEmpty = false;
  }
  if (!isEmpty) yield Buffer.from(`]${close}`, 'utf8');
}

/** What is in memory, as what is read. */
export async function* each(items: Iterable<Element>): AsyncGenerator<Element, void> {
  for (const item of items) yield await Promise.resolve(item);
}
