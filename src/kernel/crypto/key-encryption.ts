/** A data key as it is kept: encrypted under one version of a key-encryption key. */
export interface WrappedKey {
  /** Version of the key-encryption key that can unwrap it. */
  version: number;
  bytes: Buffer;
}

/**
 * The key that encrypts data keys and nothing else. It is rotated by a new version: data keys are then wrapped anew, evidence is not touched.
 * `context` names the data key (organisation, id, epoch) and is authenticated: a wrapped key that is moved to another row does not unwrap.
 */
export interface KeyEncryptionKey {
  /** Which key this is, for ever: kept beside every data key that it wrapped. */
  readonly ref: string;
  /** The version that wraps now. */
  readonly version: number;
  wrap(dataKey: Buffer, context: string): Promise<WrappedKey>;
  /** The caller zeroes the buffer. An IntegrityError for other bytes or another context. */
  unwrap(wrapped: WrappedKey, context: string): Promise<Buffer>;
}
