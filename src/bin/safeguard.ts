#!/usr/bin/env node
// zstd came with Node 22.15: an older one would fail on an import, with a stack.
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    `safeguard: needs Node 24, this is ${process.versions.node}\n  next: run it as \`npx safeguard\`\n`,
  );
  process.exitCode = 1;
} else {
  const { run } = await import('./program.js');
  await run(process.argv);
}
