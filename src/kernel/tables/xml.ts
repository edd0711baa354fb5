import sax from 'sax';
import { TableFault } from './table.js';

/** Levels of elements. A workbook's parts have seven. */
const MAX_DEPTH = 32;
/** Characters of one tag with its attributes, and of what the parser is given at once: between two pieces it is seen how large a tag becomes. */
const TAG = 64 * 1024;
const PIECE = 16 * 1024;

/** Only what XML itself names (`&lt;` …) and characters by number: without it the parser would know HTML's names too. */
const OPTIONS = { trim: false, strictEntities: true };

type Attributes = Readonly<Record<string, string>>;

/** What is told of a document, in its order. Names are without prefixes: the programs that write workbooks choose their own. */
export interface XmlHandlers {
  open(name: string, attributes: Attributes): void;
  close(name: string): void;
  text(text: string): void;
}

/**
 * Reads one part of a workbook as its bytes come: XML in UTF-8, strictly, without a document type (so without entities of its own). Nothing of it is kept. Throws
 * TableFault.
 */
export class XmlReader {
  private readonly decoder = new TextDecoder('utf-8', { fatal: true });
  private readonly parser = sax.parser(true, OPTIONS);
  private depth = 0;
  private inTag = false;

  constructor(handlers: XmlHandlers) {
    const { parser } = this;
    parser.onerror = () => refuse();
    parser.ondoctype = () => refuse('has a document type declaration');
    parser.onsgmldeclaration = () => refuse();
    parser.onopentagstart = () => {
      this.inTag = true;
    };
    parser.onopentag = ({ name, attributes }) => {
      this.inTag = false;
      if (++this.depth > MAX_DEPTH) refuse('is nested too deep');
      handlers.open(localName(name), attributes as Attributes);
    };
    parser.onclosetag = (name) => {
      this.depth--;
      handlers.close(localName(name));
    };
    parser.ontext = (text) => handlers.text(text);
    parser.oncdata = (text) => handlers.text(text);
  }

  write(bytes: Uint8Array): void {
    this.parse(this.decoded(bytes));
  }

  /** Also refuses what was cut. */
  end(): void {
    this.parse(this.decoded());
    this.parser.close();
  }

  private parse(text: string): void {
    for (let at = 0; at < text.length; at += PIECE) {
      this.parser.write(text.slice(at, at + PIECE));
      if (this.inTag && this.parser.position - this.parser.startTagPosition > TAG) refuse();
    }
  }

  private decoded(bytes?: Uint8Array): string {
    try {
      return bytes === undefined ? this.decoder.decode() : this.decoder.decode(bytes, { stream: true });
    } catch {
      refuse('is not in UTF-8');
    }
  }
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1);

/** An attribute in whatever namespace, such as `r:id`. */
export const attributeOf = (attributes: Attributes, name: string): string | undefined =>
  Object.entries(attributes).find(([given]) => given.endsWith(`:${name}`))?.[1];

function refuse(how = 'is no XML'): never {
  throw new TableFault(`A part of the workbook ${how}.`);
}
