import { Readable } from 'node:stream';
import yauzl from 'yauzl';
import type { Watch } from '../evidence/redaction.js';
import { entriesOf, isEncrypted, openEntry, openZip } from '../kernel/zip-read.js';

/**
 * What a document may be: what people send each other as papers and tables. Its bytes have to be what its media type says, for a file that lies about itself is
 * opened by a program that nobody expected; and whoever reads it in six years has neither a password nor a wish to run its macros.
 */
const OOXML = 'application/vnd.openxmlformats-officedocument';
const ODF = 'application/vnd.oasis.opendocument';
export const DOCUMENT_TYPES = {
  'application/pdf': 'pdf',
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  [`${OOXML}.wordprocessingml.document`]: 'docx',
  [`${OOXML}.spreadsheetml.sheet`]: 'xlsx',
  [`${OOXML}.presentationml.presentation`]: 'pptx',
  [`${ODF}.text`]: 'odt',
  [`${ODF}.spreadsheet`]: 'ods',
  'text/plain': 'txt',
  'text/markdown': 'md',
  'text/csv': 'csv',
  'application/json': 'json',
  'application/xml': 'xml',
  'text/xml': 'xml',
  'message/rfc822': 'eml',
} as const;
export type DocumentType = (typeof DOCUMENT_TYPES)[keyof typeof DOCUMENT_TYPES];
export const DOCUMENT_MEDIA_TYPES = Object.keys(DOCUMENT_TYPES) as (keyof typeof DOCUMENT_TYPES)[];

const HEAD = 64 * 1024;

/** A trailer or a cross-reference stream that names its encryption (ISO 32000-2, 7.5.5): a reference, or the dictionary itself. */
const PDF_ENCRYPTION = /\/Encrypt\s*(\d+\s+\d+\s+R|<<)/;
/** Of the longest match and more: what is kept of a chunk, so that nothing is missed between two. */
const OVERLAP = 256;

/** Sees all bytes of one document as they come in. */
export class DocumentWatch implements Watch {
  private readonly heads: Buffer[] = [];
  private headLength = 0;
  private readonly decoder = new TextDecoder('utf-8', { fatal: true });
  private isText = true;
  private isEncryptedPdf = false;
  private tail = '';

  constructor(private readonly type: DocumentType) {}

  see(chunk: Buffer): void {
    if (this.headLength < HEAD) {
      const part = Buffer.from(chunk.subarray(0, HEAD - this.headLength));
      this.heads.push(part);
      this.headLength += part.length;
    }
    if (this.type === 'pdf' && !this.isEncryptedPdf) {
      const text = this.tail + chunk.toString('latin1');
      this.isEncryptedPdf = PDF_ENCRYPTION.test(text);
      this.tail = text.slice(-OVERLAP);
    }
    if (TEXTS.has(this.type) && this.isText) this.isText = this.decodes(chunk);
  }

  /** Nothing of a document is dropped. */
  isSuspect(): boolean {
    return false;
  }

  /** Why the bytes are not what their media type says; null where they are. `zip`: the whole of it, to be read by place. */
  async fault(zip: () => yauzl.RandomAccessReader | Buffer, size: number): Promise<string | null> {
    const head = Buffer.concat(this.heads);
    const { type } = this;
    switch (type) {
      case 'pdf':
        if (!head.subarray(0, 5).equals(Buffer.from('%PDF-'))) return 'It does not begin as a PDF.';
        return this.isEncryptedPdf ? 'The PDF is encrypted. Send it without a password.' : null;
      case 'png':
        return head.subarray(0, 8).equals(PNG) ? null : 'It does not begin as a PNG.';
      case 'jpeg':
        return head.subarray(0, 3).equals(JPEG) ? null : 'It does not begin as a JPEG.';
      case 'docx':
      case 'xlsx':
      case 'pptx':
      case 'odt':
      case 'ods':
        if (head.subarray(0, 8).equals(OLE)) return 'It is encrypted, or of the format before 2007.';
        return zipFault(type, zip(), size);
      default:
        return this.textFault(type, head);
    }
  }

  private textFault(type: DocumentType, head: Buffer): string | null {
    if (!this.isText || !this.ends()) return 'It is no text in UTF-8 without NUL.';
    const begin = head
      .toString('utf8')
      .replace(/^\uFEFF/, '')
      .trimStart();
    if (type === 'json' && !/^[[{"\d\-tfn]/.test(begin)) return 'It does not begin as JSON.';
    if (type === 'xml' && !begin.startsWith('<')) return 'It does not begin as XML.';
    // RFC 5322 section 2.2: a field's name and a colon.
    if (type === 'eml' && !/^[\x21-\x39\x3B-\x7E]+[ \t]*:/.test(begin)) return 'It does not begin as a message.';
    return null;
  }

  private decodes(chunk: Buffer): boolean {
    if (chunk.includes(0)) return false;
    try {
      this.decoder.decode(chunk, { stream: true });
      return true;
    } catch {
      return false;
    }
  }

  private ends(): boolean {
    try {
      this.decoder.decode();
      return true;
    } catch {
      return false;
    }
  }
}

const TEXTS: ReadonlySet<DocumentType> = new Set(['txt', 'md', 'csv', 'json', 'xml', 'eml']);
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const JPEG = Buffer.from([0xff, 0xd8, 0xff]);
/** Compound File Binary Format: what encrypted office files are wrapped in (MS-OFFCRYPTO), and old ones are. */
const OLE = Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);

/** ECMA-376 part 1: the content type of the main part. */
const MAIN_PART: Readonly<Record<string, string>> = {
  docx: `${OOXML}.wordprocessingml.document.main+xml`,
  xlsx: `${OOXML}.spreadsheetml.sheet.main+xml`,
  pptx: `${OOXML}.presentationml.presentation.main+xml`,
};
const ODF_TYPE: Readonly<Record<string, string>> = { odt: `${ODF}.text`, ods: `${ODF}.spreadsheet` };

/** More parts than any office document has. */
const MAX_PARTS = 20_000;
/** Of the one part that is read: its list of parts. */
const MAX_PART = 4 * 1024 * 1024;

async function zipFault(
  type: DocumentType,
  source: yauzl.RandomAccessReader | Buffer,
  size: number,
): Promise<string | null> {
  const parts = new Map<string, string>();
  try {
    const zip = await openZip(source, size);
    const wanted = type in MAIN_PART ? ['[Content_Types].xml'] : ['mimetype', 'META-INF/manifest.xml'];
    let count = 0;
    try {
      for await (const entry of entriesOf(zip)) {
        if (++count > MAX_PARTS) return `It has more than ${MAX_PARTS} parts.`;
        if (isEncrypted(entry)) return 'It is encrypted. Send it without a password.';
        if (/(^|\/)(vbaProject\.bin|Basic\/|Scripts\/)/i.test(entry.fileName)) return 'It has macros.';
        if (wanted.includes(entry.fileName)) parts.set(entry.fileName, await textOf(zip, entry));
      }
    } finally {
      zip.close();
    }
  } catch {
    return `It does not read as ${type}.`;
  }
  if (type in MAIN_PART) {
    const types = parts.get('[Content_Types].xml') ?? '';
    if (/macroEnabled|vbaProject/i.test(types)) return 'It has macros.';
    return types.includes(`"${MAIN_PART[type]}"`) ? null : `It is no ${type}.`;
  }
  if (parts.get('mimetype')?.trim() !== ODF_TYPE[type]) return `It is no ${type}.`;
  return /encryption-data/.test(parts.get('META-INF/manifest.xml') ?? '')
    ? 'It is encrypted. Send it without a password.'
    : null;
}

async function textOf(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<string> {
  if (entry.uncompressedSize > MAX_PART) throw new Error('the list of parts is too large');
  const stream = await openEntry(zip, entry);
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** For yauzl: the ranges of something that is read by place. */
export class PlaceReader extends yauzl.RandomAccessReader {
  constructor(private readonly readAt: (start: number, end: number) => Buffer) {
    super();
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.chunks(start, end), { objectMode: false });
  }

  private *chunks(start: number, end: number): Generator<Buffer, void> {
    for (let at = start; at < end; at += HEAD) yield Buffer.from(this.readAt(at, Math.min(at + HEAD, end)));
  }
}
