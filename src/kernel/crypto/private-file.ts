import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What a file holds that nobody else may read. Throws where others may: a key that they could have read is a key to be replaced. */
export async function readPrivateFile(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY);
  try {
    await refuseOpenMode(file, path);
    return await file.readFile('utf8');
  } finally {
    await file.close();
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

/** Complete or absent, and never over an existing file, even when two processes start at once: written beside, then linked to its name. */
export async function createPrivateFile(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
    await link(temporary, path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
  } finally {
    await file.close();
    await unlink(temporary);
  }
}
