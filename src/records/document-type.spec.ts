import { describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { DocumentWatch, PlaceReader, type DocumentType } from './document-type.js';

async function faultOf(type: DocumentType, bytes: Buffer, step = 7, byPlace = false): Promise<string | null> {
  const watch = new DocumentWatch(type);
  for (let at = 0; at < bytes.length; at += step) watch.see(bytes.subarray(at, at + step));
  return watch.fault(
    () => (byPlace ? new PlaceReader((start, end) => bytes.subarray(start, end)) : bytes),
    bytes.length,
  );
}

async function zip(parts: Readonly<Record<string, string>>): Promise<Buffer> {
  const file = new ZipFile();
  for (const [name, text] of Object.entries(parts)) file.addBuffer(Buffer.from(text), name);
  file.end();
  const chunks: Buffer[] = [];
  for await (const chunk of file.outputStream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const OOXML = 'application/vnd.openxmlformats-officedocument';
const office = (main: string, more: Record<string, string> = {}) =>
  zip({
    '[Content_Types].xml': `<Types><Override ContentType="${OOXML}.${main}.main+xml"/></Types>`,
    'a/b.xml': '<a/>',
    ...more,
  });
const odt = (more: Record<string, string> = {}) =>
  zip({ mimetype: 'application/vnd.oasis.opendocument.text', 'META-INF/manifest.xml': '<manifest/>', ...more });

describe('is a document what its media type says?', () => {
  it.each<[DocumentType, string | Buffer]>([
    ['pdf', '%PDF-1.7\n1 0 obj <</Type /Catalog>>'],
    ['png', Buffer.from('89504e470d0a1a0a0000', 'hex')],
    ['jpeg', Buffer.from('ffd8ffe000104a46', 'hex')],
    ['txt', 'Grüße\n'],
    ['md', '# Policy\n'],
    ['csv', 'a;b\n'],
    ['json', ' {"a": 1}'],
    ['xml', '\uFEFF<a/>'],
    ['eml', 'Received: from a\r\nSubject: b\r\n\r\nc'],
  ])('%s', async (type, content) => {
    expect(await faultOf(type, Buffer.from(content))).toBeNull();
  });

  it.each<[DocumentType, string]>([
    ['docx', 'wordprocessingml.document'],
    ['xlsx', 'spreadsheetml.sheet'],
    ['pptx', 'presentationml.presentation'],
  ])('%s, in memory and by place', async (type, main) => {
    const bytes = await office(main);
    expect(await faultOf(type, bytes)).toBeNull();
    expect(await faultOf(type, bytes, 7, true)).toBeNull();
  });

  it('odt', async () => {
    expect(await faultOf('odt', await odt())).toBeNull();
  });
});

describe('is a document refused that is not?', () => {
  it.each<[string, DocumentType, string | Buffer]>([
    ['HTML as PDF', 'pdf', '<html>'],
    ['a PDF with something before it', 'pdf', 'MZ%PDF-1.7'],
    ['an encrypted PDF', 'pdf', '%PDF-1.7\ntrailer <</Root 1 0 R /Encrypt 12 0 R>>'],
    ['a PDF whose encryption is told over two lines', 'pdf', '%PDF-1.7\ntrailer <</Encrypt\n12  0\nR>>'],
    ['a JPEG as PNG', 'png', Buffer.from('ffd8ffe000104a46', 'hex')],
    ['a PNG as JPEG', 'jpeg', Buffer.from('89504e470d0a1a0a', 'hex')],
    ['NUL in a text', 'txt', 'a\0b'],
    ['Latin-1', 'txt', Buffer.from('Gr\xfc\xdfe', 'latin1')],
    ['a text that ends in the middle of a letter', 'txt', Buffer.from('e2', 'hex')],
    ['a table as JSON', 'json', 'a;b'],
    ['JSON as XML', 'xml', '{}'],
    ['a text as a message', 'eml', 'Dear Ada,\n'],
    ['an encrypted office file', 'docx', Buffer.from('d0cf11e0a1b11ae10000', 'hex')],
    ['no ZIP', 'docx', 'PK\x03\x04 and no more'],
    ['nothing at all', 'pdf', ''],
  ])('%s', async (_, type, content) => {
    expect(await faultOf(type, Buffer.from(content))).not.toBeNull();
  });

  it('another office format, macros, a password', async () => {
    expect(await faultOf('xlsx', await office('wordprocessingml.document'))).toContain('no xlsx');
    expect(await faultOf('docx', await zip({ 'a.xml': '' }))).toContain('no docx');
    expect(await faultOf('docx', await office('wordprocessingml.document', { 'word/vbaProject.bin': 'x' }))).toContain(
      'macros',
    );
    expect(
      await faultOf(
        'docx',
        await zip({
          '[Content_Types].xml': `"${OOXML}.wordprocessingml.document.main+xml" application/vnd.ms-word.document.macroEnabled.main+xml`,
        }),
      ),
    ).toContain('macros');
    expect(await faultOf('odt', await odt({ 'Basic/Standard/script-lb.xml': 'x' }))).toContain('macros');
    expect(await faultOf('odt', await odt({ 'META-INF/manifest.xml': '<manifest:encryption-data/>' }))).toContain(
      'password',
    );
    expect(await faultOf('ods', await odt())).toContain('no ods');
    const bytes = await office('wordprocessingml.document');
    // The bit of each entry's flags that says «encrypted»: in the local header (PK 3 4) and in the central directory (PK 1 2).
    for (let at = bytes.indexOf('PK\x01\x02'); at >= 0; at = bytes.indexOf('PK\x01\x02', at + 1)) bytes[at + 8]! |= 1;
    expect(await faultOf('docx', bytes)).toContain('password');
    expect(await faultOf('docx', (await office('wordprocessingml.document')).subarray(0, -30))).toContain('not read');
  });
});
