/** The bytes of a report, wherever they lie: read by place, and more than once. */
export interface ByteSource {
  readonly size: number;
  /** The bytes from `start` to before `end`, both within the size. Valid until the next call. */
  read(start: number, end: number): Buffer;
}

export class BytesInMemory implements ByteSource {
  readonly size: number;
  private readonly bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.size = bytes.byteLength;
  }

  read(start: number, end: number): Buffer {
    return this.bytes.subarray(start, end);
  }
}
