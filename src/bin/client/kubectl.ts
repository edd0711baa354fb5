import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { exitCode, Failure } from './failure.js';
import { printable } from './text.js';

/** An API server that answers at all does so in less. */
const PATIENCE = 60_000;
/** A cluster's discovery document and its keys have some kilobytes. */
const LARGEST = 1024 * 1024;

const run = promisify(execFile);

/** The cluster that `kubectl` speaks to, with the rights of whoever runs this: no credential of it is read here. */
export class Kubectl {
  constructor(private readonly context: string | undefined) {}

  /** The name of the context. */
  async cluster(): Promise<string> {
    return this.context ?? (await this.read(['config', 'current-context'])).trim();
  }

  /** What the API server answers to a GET of this path. */
  async raw(path: string): Promise<unknown> {
    const text = await this.read(['get', '--raw', path]);
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw new Failure(exitCode.refused, `the API server's answer to ${path} is no JSON`);
    }
  }

  async apply(manifest: string): Promise<void> {
    await this.act(['apply', '-f', '-'], manifest, 'kubectl did not apply all of it');
  }

  /** Whether they are there or not. */
  async delete(namespace: string, objects: readonly string[]): Promise<void> {
    const args = ['delete', '--namespace', namespace, '--ignore-not-found', ...objects];
    await this.act(args, '', `kubectl did not delete ${objects.join(' ')}`);
  }

  /** Its own lines go where ours go. */
  private async act(args: readonly string[], input: string, otherwise: string): Promise<void> {
    const child = spawn('kubectl', [...this.scope(), ...args], { stdio: ['pipe', 'inherit', 'inherit'] });
    const ended = once(child, 'close') as Promise<[number | null]>;
    // One that ends early has not read it all: its exit status tells.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const [code] = await ended.catch((error: unknown) => {
      throw failure(error);
    });
    if (code !== 0) throw new Failure(exitCode.refused, otherwise, 'mend what it says, and run this again');
  }

  private async read(args: readonly string[]): Promise<string> {
    try {
      return (await run('kubectl', [...this.scope(), ...args], { timeout: PATIENCE, maxBuffer: LARGEST })).stdout;
    } catch (error) {
      throw failure(error);
    }
  }

  private scope(): string[] {
    return this.context === undefined ? [] : ['--context', this.context];
  }
}

function failure(error: unknown): Failure {
  const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string };
  if (code === 'ENOENT') {
    return new Failure(
      exitCode.usage,
      'there is no kubectl on the PATH',
      'run this where it is, or print the commands to run there: safeguard enrol --print',
    );
  }
  return new Failure(exitCode.refused, `kubectl: ${printable((stderr ?? '').trim() || message)}`);
}
