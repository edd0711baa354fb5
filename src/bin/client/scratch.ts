import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Runs with a directory that only this user can read and that is gone afterwards, whether it ends well, fails, or is
 * interrupted: what lies in it is evidence.
 */
export async function withScratch<T>(run: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'safeguard-'));
  const sweep = (): void => rmSync(directory, { recursive: true, force: true });
  const interrupted = (signal: NodeJS.Signals): void => {
    sweep();
    process.removeListener(signal, interrupted);
    process.kill(process.pid, signal);
  };
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, interrupted);
  process.on('exit', sweep);
  try {
    return await run(directory);
  } finally {
    for (const signal of signals) process.removeListener(signal, interrupted);
    process.removeListener('exit', sweep);
    await rm(directory, { recursive: true, force: true });
  }
}
