import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { KeyEncryptionKey, WrappedKey } from './key-encryption.js';
import { createPrivateFile, readPrivateFile } from './private-file.js';
import { open, seal } from './sealed.js';

/** AES-256. */
const KEY_BYTES = 32;

/**
 * `{"id": "<8 hex digits>", "current": 1, "keys": {"1": "<base64 of 32 bytes>"}}`. To rotate: add a version, roll the file out to every replica, then set
 * `current` to it, then rewrap. A version stays in the file until no data key is wrapped by it.
 */
const keyFile = z
  .strictObject({
    id: z.string().regex(/^[0-9a-f]{8}$/),
    current: z.int().positive(),
    keys: z.record(z.string().regex(/^[1-9][0-9]{0,8}$/), z.base64()),
  })
  .refine((file) => String(file.current) in file.keys, 'keys has no version that current names')
  .refine((file) => Object.values(file.keys).every((key) => Buffer.from(key, 'base64').length === KEY_BYTES), {
    message: `every key is ${KEY_BYTES} bytes long`,
  });

/** Key-encryption key in a local file, for development and for places without a key management service. */
export class LocalKeyEncryptionKey implements KeyEncryptionKey {
  private constructor(
    readonly ref: string,
    readonly version: number,
    private readonly keys: ReadonlyMap<number, KeyObject>,
  ) {}

  /**
   * Reads the key file. With `create` (development) an absent file is made first; without, an absent file is an error: a production service that
   * made itself a new key would lose every data key that the old one wrapped.
   */
  static async load(path: string, options: { create: boolean }): Promise<LocalKeyEncryptionKey> {
    if (options.create) await createPrivateFile(path, newKeyFile());
    const parsed = keyFile.safeParse(parseJson(await readPrivateFile(path)));
    if (!parsed.success) {
      throw new Error(`${path} is no key file: ${parsed.error.issues.map((issue) => issue.message).join('; ')}`);
    }
    const keys = Object.entries(parsed.data.keys).map(
      ([version, key]) => [Number(version), createSecretKey(key, 'base64')] as const,
    );
    return new LocalKeyEncryptionKey(`local:${parsed.data.id}`, parsed.data.current, new Map(keys));
  }

  wrap(dataKey: Buffer, context: string): Promise<WrappedKey> {
    const bytes = seal(this.key(this.version), dataKey, Buffer.from(context));
    return Promise.resolve({ version: this.version, bytes });
  }

  async unwrap(wrapped: WrappedKey, context: string): Promise<Buffer> {
    return Promise.resolve(open(this.key(wrapped.version), wrapped.bytes, Buffer.from(context)));
  }

  private key(version: number): KeyObject {
    const key = this.keys.get(version);
    if (key === undefined)
      throw new Error(`${this.ref} has no version ${version}: the key file is older than the data`);
    return key;
  }
}

const newKeyFile = (): string =>
  `${JSON.stringify({
    id: randomBytes(4).toString('hex'),
    current: 1,
    keys: { 1: randomBytes(KEY_BYTES).toString('base64') },
  })}\n`;

/** JSON.parse quotes what it read in its error: that would be the key. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
