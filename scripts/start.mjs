// `npm start`: installs and builds what is missing, then serves, on the project's own Node.
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { prepare, programNode, ROOT, run } from './prepare.mjs';

const SELF = fileURLToPath(import.meta.url);
const READY = '--prepared';
const given = process.argv.slice(2);

if (given[0] === READY) {
  // The parent (below) was killed: nobody would pass signals on any more, so stop as if one had come.
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel?.unref();
  await serve(given.slice(1));
} else {
  await prepare();
  if (Number.parseInt(process.versions.node, 10) >= 24) await serve(given);
  // In a child that runs the project's Node, and ends when we end.
  else
    process.exitCode = await run(
      programNode(),
      [...process.execArgv, SELF, READY, ...given],
      ['inherit', 'inherit', 'inherit', 'ipc'],
    );
}

/** In this very process, so that signals and the exit code need nobody to pass them on. */
async function serve(/** @type {string[]} */ args) {
  const program = join(ROOT, 'dist/src/bin/safeguard.js');
  process.argv = [process.execPath, program, 'serve', ...args];
  await import(pathToFileURL(program).href);
}
