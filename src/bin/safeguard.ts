#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The Node that npm has brought along (optionalDependencies): `npx` takes it within the repository's folder, and whoever's Node it is elsewhere. */
const brought = fileURLToPath(new URL('../../../node_modules/.bin/node', import.meta.url));

// zstd came with Node 22.15: an older one would fail on an import, with a stack.
if (Number(process.versions.node.split('.')[0]) >= 24) {
  const { run } = await import('./program.js');
  await run(process.argv);
} else if (existsSync(brought)) {
  runBy(brought);
} else {
  process.stderr.write(
    `safeguard: needs Node 24, this is ${process.versions.node}\n  next: run it as \`npx safeguard\`\n`,
  );
  process.exitCode = 1;
}

/** The same once more. Signals are passed on, except what a terminal has sent to both. */
function runBy(node: string): void {
  const program = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) program.kill(signal);
    });
  }
  program.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  });
}
