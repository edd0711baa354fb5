import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { writeFolder, type Files } from '../verify/made-package.js';

/** A tool that others wrote, and what it looks at of a package. */
export interface Verifier {
  name: string;
  /** Files, by path in the package, of which it takes none that was changed. */
  watches: readonly RegExp[];
  /** What is done to one of them; default: a bit in the middle is turned over. */
  change?: (bytes: Buffer) => Buffer;
  /** Whether it takes the package in this folder, which it may write to. */
  accepts: (folder: string) => Promise<boolean>;
}

/** Holds a tool to a package: it takes the whole one, and none in which something that it looks at was changed. */
export function holdTo({ name, watches, change = turned, accepts }: Verifier, files: () => Files): void {
  const verdict = async (of: Files): Promise<boolean> => {
    const folder = await mkdtemp(join(tmpdir(), 'safeguard-auditor-'));
    try {
      return await accepts(await writeFolder(of, folder));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };

  it(`does ${name} accept a package?`, async () => {
    expect(await verdict(files())).toBe(true);
  });

  it.each(watches)(`does ${name} refuse one with another %s?`, async (pattern) => {
    const [path, bytes] = [...files()].find(([path]) => pattern.test(path)) ?? [];
    if (path === undefined || bytes === undefined) throw new Error(`the package has no ${String(pattern)}`);
    expect(await verdict(new Map([...files(), [path, change(bytes)]]))).toBe(false);
  });
}

/** The middle of a signed text is text, that of a tile a hash, that of a signature a number. */
function turned(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  const at = Math.floor(changed.length / 2);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}

export interface Run {
  /** With which it ended. */
  code: number;
  output: string;
}

/** Seconds after which a program is ended: the slowest, trestle, takes some. */
const PATIENCE = 20;

/** Runs a program to its end. Throws where there is no such program. */
export async function run(program: string, args: readonly string[], cwd: string, env = {}): Promise<Run> {
  try {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 64 * 2 ** 20, timeout: PATIENCE * 1_000 };
    const { stdout, stderr } = await promisify(execFile)(program, args, options);
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, killed, stdout, stderr } = error as Partial<Run> & {
      killed?: boolean;
      stdout?: string;
      stderr?: string;
    };
    if (typeof code !== 'number' && killed !== true) throw error;
    return { code: code ?? TIMED_OUT, output: `${stdout ?? ''}${stderr ?? ''}` };
  }
}

/** As timeout(1) has it. */
const TIMED_OUT = 124;

/** Whether it ends with 0. */
export const passes = async (program: string, args: readonly string[], cwd: string, env = {}): Promise<boolean> =>
  (await run(program, args, cwd, env)).code === 0;

/** Where a program is on this machine; undefined where it is not. */
export async function found(program: string): Promise<string | undefined> {
  const { code, output } = await run('sh', ['-c', 'command -v "$0"', program], '/');
  return code === 0 ? output.trim() : undefined;
}
