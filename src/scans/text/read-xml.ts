import sax from 'sax';
import { ReportFault, type ReportFaultCode } from '../report.js';
import { XmlElement } from './xml-element.js';

export interface XmlLimits {
  depth: number;
  /** Elements of the document. */
  elements: number;
  /** Attributes of one element, declarations of namespaces among them. */
  attributes: number;
  /** Declarations of namespaces that hold at one place: the parser goes through them with every element. */
  namespaces: number;
  /** Characters of the text of one element. */
  text: number;
}

/**
 * Reads an XML document, strictly: one root, every tag closed, prefixes declared, no DTD, no entities of its own, UTF-8.
 * Throws `ReportFault` not-xml, truncated, too-deep, too-many-values, too-large.
 */
export function readXml(text: string, limits: XmlLimits): XmlElement {
  return new Reader(limits).read(text);
}

/**
 * Only what XML itself names (`&lt;` …) and characters by number: without it the parser would know HTML's names too. What a DTD declares it never reads, and a
 * document with one is refused.
 */
const OPTIONS = { xmlns: true, strictEntities: true };

/** Characters that the parser is given at once: between two pieces it is seen how large a tag becomes. */
const PIECE = 16 * 1024;
/** Characters of one tag with its attributes. What the parser collects for it, it searches with every attribute. */
const TAG = 64 * 1024;

/** How the parser says that a text ended too early. */
const CUT: readonly string[] = ['Unclosed root tag', 'Unexpected end'];

class Reader {
  private readonly parser = sax.parser(true, OPTIONS);
  private readonly names = new Names();
  private root: XmlElement | null = null;
  private readonly open: XmlElement[] = [];
  private elements = 0;
  private namespaces = 0;
  /** Of the tag that is being read. */
  private readonly attributes = new Map<string, string>();
  private inTag = false;

  constructor(private readonly limits: XmlLimits) {
    const { parser } = this;
    parser.onerror = ({ message }) => this.fail(message);
    parser.ondoctype = () => this.refuse('not-xml', 'The XML has a document type declaration; such are not read.');
    parser.onsgmldeclaration = () => this.refuse('not-xml', 'The XML holds a declaration; such are not read.');
    parser.onprocessinginstruction = ({ name, body }) => this.readInstruction(name, body);
    parser.onopennamespace = () => this.openNamespace();
    parser.onclosenamespace = () => this.namespaces--;
    parser.onopentagstart = () => this.beginTag();
    parser.onattribute = ({ name, value }) => this.addAttribute(name, value);
    parser.onopentag = (tag) => this.openElement(tag as sax.QualifiedTag);
    parser.onclosetag = () => this.closeElement();
    parser.ontext = (part) => this.addText(part);
    parser.oncdata = (part) => this.addText(part);
  }

  read(text: string): XmlElement {
    const { parser } = this;
    for (let at = 0; at < text.length; at += PIECE) {
      parser.write(text.slice(at, at + PIECE));
      if (this.inTag && parser.position - parser.startTagPosition > TAG) {
        this.refuse('too-large', `A tag of the report holds more than ${TAG} characters.`);
      }
    }
    parser.close();
    // The parser is content with a text of which nothing came but white space, comments and instructions.
    return this.root ?? this.fail('Unexpected end');
  }

  /** `message`: of the parser; behind a colon it may quote the document. */
  private fail(message: string): never {
    const [what = ''] = message.split(/[:\n]/);
    if (CUT.includes(what)) throw new ReportFault('truncated', 'The XML ends before its root element does.');
    this.refuse('not-xml', `The text is no XML: ${what.toLowerCase().replace(/\.$/, '')}.`);
  }

  private refuse(code: ReportFaultCode, detail: string): never {
    throw new ReportFault(code, detail, { line: this.parser.line + 1 });
  }

  private readInstruction(name: string, body: string): void {
    const encoding = /\bencoding\s*=\s*["']([^"']*)["']/.exec(body.slice(0, 200))?.[1] ?? 'utf-8';
    if (name === 'xml' && !/^(utf-?8|us-ascii)$/i.test(encoding)) {
      this.refuse('not-xml', 'An XML report has to be UTF-8.');
    }
  }

  private openNamespace(): void {
    if (++this.namespaces > this.limits.namespaces) {
      this.refuse(
        'too-many-values',
        `The report declares more than ${this.limits.namespaces} namespaces at one place.`,
      );
    }
  }

  private beginTag(): void {
    this.inTag = true;
    this.attributes.clear();
  }

  private addAttribute(name: string, value: string): void {
    if (this.attributes.has(name)) this.refuse('not-xml', 'An element has the same attribute twice.');
    this.attributes.set(this.names.shared(name), flat(value));
    if (this.attributes.size > this.limits.attributes) {
      this.refuse('too-many-values', `An element of the report has more than ${this.limits.attributes} attributes.`);
    }
  }

  private openElement({ name, local, uri }: sax.QualifiedTag): void {
    this.inTag = false;
    if (!/^[^:]+(:[^:]+)?$/.test(name)) this.refuse('not-xml', 'The text is no XML: invalid name of an element.');
    if (++this.elements > this.limits.elements) {
      this.refuse('too-many-values', `The report holds more than ${this.limits.elements} elements.`);
    }
    if (this.open.length >= this.limits.depth) {
      this.refuse('too-deep', `The report is nested more than ${this.limits.depth} levels deep.`);
    }
    const own = [...this.attributes].filter(([attribute]) => !/^xmlns(:|$)/.test(attribute)).flat();
    const element = new XmlElement(
      this.names.shared(local),
      this.names.shared(uri),
      own.length === 0 ? undefined : own,
    );
    const parent = this.open.at(-1);
    if (parent) parent.append(element);
    else if (this.root === null) this.root = element;
    else this.refuse('not-xml', 'The XML has more than one root element.');
    this.open.push(element);
  }

  private closeElement(): void {
    const element = this.open.pop();
    if (element) element.text = element.text.trim();
  }

  private addText(part: string): void {
    const element = this.open.at(-1);
    if (!element) return;
    element.text += part;
    if (element.text.length > this.limits.text) {
      this.refuse('too-large', `An element of the report holds more than ${this.limits.text} characters.`);
    }
  }
}

/** Names that a document repeats a million times, held once. */
class Names {
  private readonly known = new Map<string, string>();

  shared(name: string): string {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    if (this.known.size < 10_000) this.known.set(name, name);
    return name;
  }
}

/** The parser adds characters one by one, each with a node of its own until somebody reads the text: 32 bytes for each character. */
function flat(text: string): string {
  text.charCodeAt(0);
  return text;
}
