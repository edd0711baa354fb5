import { open, rename, rm, stat } from 'node:fs/promises';
import { exitCode, Failure } from './failure.js';
import type { Call, Client } from './http.js';
import { persist } from './retry.js';
import { say } from './terminal.js';
import { printable } from './text.js';

export interface SaveOptions {
  output?: string;
  force?: boolean;
}

/** Before anything is asked for: a file that is there is not replaced unasked. */
export async function requireFree({ output, force }: SaveOptions): Promise<void> {
  if (output !== undefined && !force && (await stat(output).catch(() => null)) !== null) {
    throw new Failure(exitCode.usage, `${printable(output)} is there already`, 'replace it with --force');
  }
}

/** The bytes of an answer to a file, whole or not at all; or to standard output. */
export async function save(client: Client, call: Call, { output }: SaveOptions): Promise<void> {
  if (output === undefined) {
    await client.once(call, async ({ body }) => {
      for await (const chunk of body as AsyncIterable<Buffer>) process.stdout.write(chunk);
    });
    return;
  }
  const part = `${output}.part`;
  try {
    await persist(client.retryFor, () =>
      client.once(call, async ({ body }) => {
        const file = await open(part, 'w', 0o600);
        try {
          for await (const chunk of body as AsyncIterable<Buffer>) await file.write(chunk);
          await file.sync();
        } finally {
          await file.close();
        }
      }),
    );
    await rename(part, output);
  } finally {
    await rm(part, { force: true });
  }
  say(`${printable(output)} is written`);
}
