import { once } from 'node:events';
import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib';

/** A document that is written: the transfer's bytes in a file, and what is known of both. */
export interface Written {
  file: string;
  /** Of the file, compressed. */
  size: number;
  /** SHA-256 of the file, base64: `Content-Digest`. */
  digest: string;
  /** Of the document itself. */
  content: { size: number; sha256: string };
  /** Where each frame of the file ends. */
  frames: readonly number[];
}

/** More than the spool may hold. */
export class DocumentTooLarge extends Error {
  constructor(limit: number) {
    super(`the document is larger than ${limit} bytes compressed`);
  }
}

/** What is gathered before it is compressed: a call to the compressor per object would cost more than compressing it. */
const BATCH = 64 * 1024;

/**
 * Writes a document to a file as it comes, compressed, in little memory. It is written in sections, each a Zstandard frame (RFC 8878 section 3.1) of its own, so that one
 * can be taken back: a list whose pages are of an instant that is gone begins anew.
 */
export class DocumentWriter {
  private position = 0;
  private contentSize = 0;
  private readonly frames: number[] = [];
  private file = createHash('sha256');
  private content = createHash('sha256');

  private constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
    private readonly limit: number,
  ) {}

  static async create(path: string, limit: number): Promise<DocumentWriter> {
    return new DocumentWriter(path, await open(path, 'wx', 0o600), limit);
  }

  /** A section that the caller ends or abandons; one at a time. */
  begin(): Section {
    return new Section(this);
  }

  /** Writes a section; what `fill` answers. */
  async section<T>(fill: (section: Section) => Promise<T>): Promise<T> {
    const section = this.begin();
    try {
      const answer = await fill(section);
      await section.end();
      return answer;
    } catch (error) {
      await section.abandon();
      throw error;
    }
  }

  /** Makes what was written durable. */
  async finish(): Promise<Written> {
    await this.handle.sync();
    await this.handle.close();
    return {
      file: this.path,
      size: this.position,
      digest: this.file.digest('base64'),
      content: { size: this.contentSize, sha256: this.content.digest('hex') },
      frames: this.frames,
    };
  }

  async abandon(): Promise<void> {
    await this.handle.close();
  }

  /** Only for Section. */
  mark(): Mark {
    return {
      position: this.position,
      contentSize: this.contentSize,
      file: this.file.copy(),
      content: this.content.copy(),
    };
  }

  async back(mark: Mark): Promise<void> {
    await this.handle.truncate(mark.position);
    this.position = mark.position;
    this.contentSize = mark.contentSize;
    this.file = mark.file.copy();
    this.content = mark.content.copy();
  }

  async append(compressed: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of compressed) {
      if (this.position + chunk.length > this.limit) throw new DocumentTooLarge(this.limit);
      await this.handle.write(chunk, 0, chunk.length, this.position);
      this.file.update(chunk);
      this.position += chunk.length;
    }
  }

  frameEnds(): void {
    this.frames.push(this.position);
  }

  take(text: Buffer): void {
    this.content.update(text);
    this.contentSize += text.length;
  }
}

interface Mark {
  position: number;
  contentSize: number;
  file: Hash;
  content: Hash;
}

interface Frame {
  compress: ZstdCompress;
  appended: Promise<void>;
  /** The same, and never rejects. */
  settled: Promise<void>;
}

/** A part of a document that can begin anew. */
export class Section {
  bytes = 0;
  private batch: string[] = [];
  private batched = 0;
  private frame: Frame | null = null;
  private failure: { reason: unknown } | null = null;
  private readonly mark: Mark;

  constructor(private readonly document: DocumentWriter) {
    this.mark = document.mark();
  }

  /** One line: the text, and its end. */
  async line(text: string): Promise<void> {
    await this.text(`${text}\n`);
  }

  async text(text: string): Promise<void> {
    this.batch.push(text);
    this.batched += text.length;
    if (this.batched >= BATCH) await this.flush();
  }

  async restart(): Promise<void> {
    await this.stop();
    this.batch = [];
    this.batched = 0;
    this.bytes = 0;
    await this.document.back(this.mark);
  }

  async end(): Promise<void> {
    await this.flush();
    const { frame } = this;
    this.frame = null;
    if (frame === null) return;
    frame.compress.end();
    await frame.appended;
    this.document.frameEnds();
  }

  async abandon(): Promise<void> {
    await this.stop();
  }

  async flush(): Promise<void> {
    if (this.batched === 0) return;
    const bytes = Buffer.from(this.batch.join(''));
    this.batch = [];
    this.batched = 0;
    this.bytes += bytes.length;
    this.document.take(bytes);
    const { compress, settled } = (this.frame ??= this.open());
    // Who cannot be written to any more never drains.
    if (this.failure === null && !compress.write(bytes)) await Promise.race([once(compress, 'drain'), settled]);
    if (this.failure !== null) throw this.failure.reason;
  }

  private open(): Frame {
    // The checksum lets the server tell a damaged frame from a whole one before it parses anything.
    const compress = createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } });
    const appended = this.document.append(compress as AsyncIterable<Buffer>);
    // It is waited for at the end; until then the next write tells that it failed.
    const settled = appended.catch((reason: unknown) => {
      this.failure = { reason };
    });
    return { compress, appended, settled };
  }

  private async stop(): Promise<void> {
    const { frame } = this;
    this.frame = null;
    if (frame === null) return;
    frame.compress.destroy();
    await frame.settled;
    this.failure = null;
  }
}
