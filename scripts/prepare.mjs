// What `npm start` and `npm test` do first. Runs on the machine's own Node (20.19 or later) with nothing installed.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The program itself needs this Node; npm brings it along for Linux (optionalDependencies). */
const NODE_MAJOR = 24;

/**
 * Runs a command in the repository with our output and waits for it; ends this process with its code when it fails.
 * @param {string} command
 * @param {readonly string[]} args
 */
export async function must(command, args) {
  const code = await run(command, args);
  if (code !== 0) {
    console.error(`\nFailed: ${[command, ...args].join(' ')}`);
    process.exit(code);
  }
}

/**
 * Runs a command to its end and gives its exit code (128 + 15 when a signal ended it).
 * Signals sent to us are passed on, except what a terminal has sent to both of us; we live until the command has ended.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').StdioOptions} stdio
 * @returns {Promise<number>}
 */
export function run(command, args, stdio = 'inherit') {
  return new Promise((settle) => {
    const child = spawn(command, args, { cwd: ROOT, stdio });
    const pass = (/** @type {NodeJS.Signals} */ signal) => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    };
    const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
    const done = (/** @type {number} */ code) => {
      for (const signal of signals) process.off(signal, pass);
      settle(code);
    };
    for (const signal of signals) process.on(signal, pass);
    child.on('error', (error) => {
      console.error(error.message);
      done(127);
    });
    child.on('exit', (code) => done(code ?? 143));
  });
}

/**
 * Whether node_modules holds what package-lock.json names. npm writes what it installed into a lock of its own, last of all:
 * an installation that was interrupted has none. Optional packages are absent where they do not fit the platform.
 */
function installed() {
  try {
    const wanted = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
    const present = JSON.parse(readFileSync(join(ROOT, 'node_modules/.package-lock.json'), 'utf8')).packages;
    const extraneous = Object.keys(present).some((path) => wanted[path] === undefined);
    const missing = Object.entries(wanted).some(([path, { version, integrity, optional }]) => {
      if (path === '') return false;
      const found = present[path];
      return found === undefined ? !optional : found.version !== version || found.integrity !== integrity;
    });
    return !extraneous && !missing;
  } catch {
    return false;
  }
}

/** The Node that runs the program. */
export function programNode() {
  const own = join(ROOT, 'node_modules/.bin/node');
  if (existsSync(own)) return own;
  if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR) return process.execPath;
  console.error(
    `Safeguard runs on Node ${NODE_MAJOR} or later. npm has none for ${process.platform}-${process.arch}, and this is ` +
      `${process.version}: install Node ${NODE_MAJOR} and try again.`,
  );
  process.exit(1);
}

/** Installs when node_modules does not fit the lock, and builds what has changed. */
export async function prepare() {
  if (!installed()) {
    console.log('Installing the packages that package-lock.json names …');
    // Also where NODE_ENV or a configuration of npm leaves something out: the build needs the compiler, the program its Node.
    // Errors alone: of this Node npm would say that packages want a later one, which is the one that it brings along.
    await must('npm', [
      'ci',
      '--ignore-scripts',
      '--include=dev',
      '--include=optional',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ]);
  }
  dropOrphans(join(ROOT, 'dist'));
  await must(programNode(), ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']);
  // npx does so when it links this folder for the first time, and not for what is built anew under the same path.
  chmodSync(join(ROOT, 'dist/src/bin/safeguard.js'), 0o755);
}

/** Deletes what was built from sources that are no more: a test or a migration that was removed must not run. */
function dropOrphans(/** @type {string} */ dist) {
  if (!existsSync(dist)) return;
  for (const entry of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    const script = entry.replace(/\.map$/, '');
    const sources = [script, script.replace(/\.js$/, '.ts')];
    if (script.endsWith('.js') && !sources.some((source) => existsSync(join(ROOT, source)))) rmSync(join(dist, entry));
  }
}
