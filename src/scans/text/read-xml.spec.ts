import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFields } from '../formats/fields.js';
import { ReportFault } from '../report.js';
import { readDocument, XML_LIMITS } from './read-document.js';
import { readXml } from './read-xml.js';
import { XmlElement } from './xml-element.js';

function fault(text: string | Uint8Array): ReportFault {
  try {
    readDocument(typeof text === 'string' ? Buffer.from(text) : text);
  } catch (error) {
    if (error instanceof ReportFault) return error;
    throw error;
  }
  throw new Error('was taken');
}

function root(text: string): XmlElement {
  const document = readDocument(Buffer.from(text));
  if (document instanceof XmlElement) return document;
  throw new Error('is no XML');
}

/** Text of an element as somebody would write it. */
function written(element: XmlElement): string {
  const inside = element.children.map(written).join('');
  return `<${element.name}>${escaped(element.text)}${inside}</${element.name}>`;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&#62;');

const SAMPLE =
  '\ufeff <?xml version="1.0" encoding="utf-8"?>\n<!-- a -->\n<c:a xmlns:c="urn:c" xmlns="urn:d" b="1 &lt; 2" c:b="&#x41;">\n' +
  '  one <d/>&amp;two<c:e><![CDATA[<raw> & ]]></c:e> <c:e/>\n</c:a>\n<!-- end -->\n';

describe('reading XML strictly', () => {
  it('are names, namespaces, attributes and text read?', () => {
    const a = root(SAMPLE);
    expect([a.name, a.namespace, a.attribute('b'), a.attribute('c:b'), a.attribute('none')]).toEqual([
      'a',
      'urn:c',
      '1 < 2',
      'A',
      '',
    ]);
    expect(a.text).toBe('one &two');
    expect(a.children.map(({ name, namespace, text }) => [name, namespace, text])).toEqual([
      ['d', 'urn:d', ''],
      ['e', 'urn:c', '<raw> &'],
      ['e', 'urn:c', ''],
    ]);
    expect([a.child('d'), a.child('e')?.text, a.all('e').length]).toEqual([null, '<raw> &', 2]);
    expect([...a.walk()].map(({ name }) => name)).toEqual(['a', 'd', 'e', 'e']);
  });

  it('is it no object to a format of JSON?', () => {
    expect(isFields(root('<a/>'))).toBe(false);
  });

  it.each([
    ['a DTD', '<!DOCTYPE a><a/>'],
    ['a DTD with an entity', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'],
    ['a DTD of another place', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'],
    ['a page of HTML', '<!doctype html><html></html>'],
    ['an entity that nobody declared', '<a>&x;</a>'],
    ['an entity of HTML', '<a>&nbsp;</a>'],
    ['a character that XML does not have', '<a>&#0;</a>'],
    ['a number beyond all characters', '<a b="&#x110000;"/>'],
    ['half a surrogate pair', '<a>&#xD800;</a>'],
    ['a declaration in the text', '<a><!ENTITY x></a>'],
    ['another encoding', '<?xml version="1.0" encoding="ISO-8859-1"?><a/>'],
    ['the same attribute twice', '<a b="1" b="2"/>'],
    ['an attribute without quotes', '<a b=1/>'],
    ['an attribute without a value', '<a b/>'],
    ['a prefix that nobody declared', '<x:a/>'],
    ['a prefix of an attribute that nobody declared', '<a x:b=""/>'],
    ['a name of three parts', '<a xmlns:b="u"><b:c:d/></a>'],
    ['tags that cross', '<a><b></a></b>'],
    ['two roots', '<a/><b/>'],
    ['text behind the root', '<a/>b'],
    ['text before the root', '<?xml version="1.0"?>b<a/>'],
    ['a name that is none', '<1/>'],
    ['a tag of nothing', '<a></></a>'],
  ])('is %s refused?', (_what, text) => {
    expect(fault(text).code).toBe('not-xml');
  });

  it.each(['<', '<a', '<a>', '<a><b/>', '<?xml version="1.0"?>', '<!-- a -->', '<a><![CDATA[x', '<a b="', '<a>&am'])(
    'is %j refused as cut?',
    (text) => {
      expect(fault(text).code).toBe('truncated');
    },
  );

  it('does a fault name its line, and no text of the document?', () => {
    const { code, detail, place } = fault('<a>\n<b>\n</hunter2></a>');
    expect([code, place]).toEqual(['not-xml', { line: 3 }]);
    expect(detail).not.toContain('hunter2');
    expect(fault('<a xmlns:x="u">\n<hunter2:b/></a>').detail).not.toContain('hunter2');
  });

  it('is any cut of it refused, but for what stands behind the root?', () => {
    const bytes = Buffer.from(SAMPLE);
    const end = SAMPLE.indexOf('</c:a>') + '</c:a>'.length;
    for (let at = 5; at < Buffer.byteLength(SAMPLE.slice(0, end)); at++) {
      expect(['truncated', 'not-xml']).toContain(fault(bytes.subarray(0, at)).code);
    }
  });

  it('does a mutation throw nothing but ReportFault?', () => {
    const bytes = Buffer.from(SAMPLE);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 4 }), (changes) => {
        const changed = Buffer.from(bytes);
        for (const [at, byte] of changes) changed[at] = byte;
        try {
          readDocument(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(ReportFault);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('is what is written read as it was?', () => {
    const tree = fc.letrec<{ element: XmlElement }>((tie) => ({
      element: fc
        .tuple(
          fc.constantFrom('a', 'b-c', '_d', 'hasOwnProperty', '__proto__'),
          fc.string({ unit: 'grapheme-ascii' }),
          fc.oneof({ depthSize: 'small' }, fc.constant([]), fc.array(tie('element'), { maxLength: 3 })),
        )
        .map(([name, text, children]) => {
          const element = new XmlElement(name, '');
          element.text = text.trim();
          for (const child of children) element.append(child);
          return element;
        }),
    })).element;
    fc.assert(
      fc.property(tree, (element) => {
        expect(written(root(written(element)))).toBe(written(element));
      }),
    );
  });

  it.each([
    ['too-deep', '<a>'.repeat(65) + '</a>'.repeat(65)],
    ['too-many-values', `<a ${Array.from({ length: 257 }, (_, index) => `b${index}=""`).join(' ')}/>`],
    ['too-many-values', nestedNamespaces()],
    ['too-large', `<a ${Array.from({ length: 20_000 }, (_, index) => `b${index}=""`).join(' ')}/>`],
    ['too-large', `<a>${'x'.repeat(XML_LIMITS.text + 1)}</a>`],
    ['not-xml', `<a b="${'x'.repeat(200_000)}"/>`],
  ])('is what is too much refused as %s? (%#)', (code, text) => {
    // An attribute that is too long, the parser may find before its tag is.
    expect([code, 'too-large']).toContain(fault(text).code);
  });

  it('is the number of elements bounded?', () => {
    const text = `<a>${'<b/>'.repeat(9)}</a>`;
    expect(readXml(text, { ...XML_LIMITS, elements: 10 }).children).toHaveLength(9);
    expect(() => readXml(text, { ...XML_LIMITS, elements: 9 })).toThrow(/^too-many-values/);
  });

  it('are as many levels as are allowed taken?', () => {
    expect([...root('<a>'.repeat(64) + '</a>'.repeat(64)).walk()]).toHaveLength(64);
  });

  it('does text that comes in pieces stay whole?', () => {
    const text = 'é€😀'.repeat(40_000);
    expect(root(`<a>${text}</a>`).text).toBe(text);
    expect(root(`<a><![CDATA[${text}]]></a>`).text).toBe(text);
  });

  it('is text that is no UTF-8, or holds NUL, told so?', () => {
    expect(fault(Buffer.concat([Buffer.from('<a>'), Buffer.from([0xe9]), Buffer.from('</a>')])).code).toBe(
      'invalid-utf8',
    );
    expect(fault('<a>\0</a>').code).toBe('nul');
  });
});

function nestedNamespaces(): string {
  const level = (of: number) =>
    `<a ${Array.from({ length: 200 }, (_, index) => `xmlns:n${of}-${index}="u"`).join(' ')}>`;
  return `${level(0)}${level(1)}</a></a>`;
}
