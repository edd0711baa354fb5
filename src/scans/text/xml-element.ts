const NONE: readonly never[] = [];

/**
 * An element of an XML document. A class of its own, so that no format takes it for an object of JSON (`isFields` is false of it); lean, for there may be two
 * million of them.
 */
export class XmlElement {
  /** Character data that stands in it directly, white space around it removed. */
  text = '';
  #children: XmlElement[] | null = null;

  constructor(
    /** Without its prefix. */
    readonly name: string,
    /** "" of none. */
    readonly namespace: string,
    /** Names as written and values, by turns; without declarations of namespaces. */
    private readonly attributes: readonly string[] = NONE,
  ) {}

  get children(): readonly XmlElement[] {
    return this.#children ?? NONE;
  }

  append(child: XmlElement): void {
    if (this.#children === null) this.#children = [child];
    else this.#children.push(child);
  }

  /** The attribute of that name, prefix and all; "" where it is absent. */
  attribute(name: string): string {
    for (let at = 0; at < this.attributes.length; at += 2) {
      if (this.attributes[at] === name) return this.attributes[at + 1] ?? '';
    }
    return '';
  }

  /** Elements of that name in it, of its own namespace. */
  all(name: string): XmlElement[] {
    return this.children.filter((child) => child.name === name && child.namespace === this.namespace);
  }

  /** The first element of that name in it, of its own namespace; null where there is none. */
  child(name: string): XmlElement | null {
    return this.children.find((child) => child.name === name && child.namespace === this.namespace) ?? null;
  }

  /** It and everything in it, in the order of the document. */
  *walk(): Generator<XmlElement> {
    yield this;
    for (const child of this.children) yield* child.walk();
  }
}
