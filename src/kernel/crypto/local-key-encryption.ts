import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open as openFile, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { KeyEncryptionKey, WrappedKey } from './key-encryption.js';
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
    if (options.create) await createKeyFile(path);
    const file = await openFile(path, constants.O_RDONLY);
    try {
      await refuseOpenMode(file, path);
      const parsed = keyFile.safeParse(parseJson(await file.readFile('utf8')));
      if (!parsed.success) {
        throw new Error(`${path} is no key file: ${parsed.error.issues.map((issue) => issue.message).join('; ')}`);
      }
      const keys = Object.entries(parsed.data.keys).map(
        ([version, key]) => [Number(version), createSecretKey(key, 'base64')] as const,
      );
      return new LocalKeyEncryptionKey(`local:${parsed.data.id}`, parsed.data.current, new Map(keys));
    } finally {
      await file.close();
    }
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

/**
 * As PostgreSQL does for its TLS key: 0600 or less; 0640 or less when root owns the file and we are not root, which is how Kubernetes mounts a Secret for a
 * process that runs as another user (fsGroup).
 */
async function refuseOpenMode(file: FileHandle, path: string): Promise<void> {
  const { mode, uid } = await file.stat();
  const refused = uid === 0 && process.geteuid?.() !== 0 ? 0o037 : 0o077;
  if ((mode & refused) !== 0) {
    throw new Error(
      `${path} is open to others (mode ${(mode & 0o777).toString(8)}): chmod 600 it, then rotate its key`,
    );
  }
}

/** Complete or absent, and never over an existing key, even when two processes start at once: written beside, then linked to its name. */
async function createKeyFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const content = {
    id: randomBytes(4).toString('hex'),
    current: 1,
    keys: { 1: randomBytes(KEY_BYTES).toString('base64') },
  };
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`;
  const file = await openFile(temporary, 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(content)}\n`);
    await file.sync();
    await link(temporary, path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
  } finally {
    await file.close();
    await unlink(temporary);
  }
}

/** JSON.parse quotes what it read in its error: that would be the key. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
