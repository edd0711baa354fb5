import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, type Run } from './verifier.js';

const SAFEGUARD = fileURLToPath(new URL('../../src/bin/safeguard.js', import.meta.url));

/** The commands of docs/auditors.md: blocks of shell, without the lines that install a program. */
export const blocksOf = (guide: string): string[] =>
  [...guide.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = '']) => withoutInstalls(block));

/** Those of VERIFY.md, which are indented; each paragraph is a block. */
export const indentedBlocksOf = (text: string): string[] =>
  [...text.matchAll(/(?:^ {4}\S.*\n)+/gm)].map(([block]) => withoutInstalls(block.replaceAll(/^ {4}/gm, '')));

const withoutInstalls = (block: string): string => block.replaceAll(/^(pip|go) install .*\n/gm, '');

/** The block of which the first command is this. */
export function blockWith(blocks: readonly string[], command: string): string {
  const block = blocks.find((text) => text.startsWith(command));
  if (block === undefined) throw new Error(`no block begins with ${command}`);
  return block;
}

/** Runs a block as an auditor would who copies it, in the folder of a package; `safeguard` is this one, and the fingerprint was told. */
export async function typed(
  block: string,
  folder: string,
  { paths = [], fingerprint = '' }: { paths?: readonly string[]; fingerprint?: string } = {},
): Promise<Run> {
  // Beside the package, in which every file is accounted for.
  const bin = `${folder}.bin`;
  await mkdir(bin, { recursive: true });
  const shim = join(bin, 'safeguard');
  await writeFile(shim, `#!/bin/sh\nexec '${process.execPath}' '${SAFEGUARD}' "$@"\n`);
  await chmod(shim, 0o755);
  const path = [bin, ...paths, process.env['PATH']].join(delimiter);
  return run('bash', ['-euo', 'pipefail', '-c', block], folder, { PATH: path, FINGERPRINT: fingerprint });
}
