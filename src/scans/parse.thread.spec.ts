import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { declared, fixture } from '../../test/fixtures/reports/load.js';
import type { ParsedTogether, ParseTask } from './parse.thread.js';

/** Tells of which packages it loaded modules. */
const THREAD = `
  const { registerHooks } = require('node:module');
  const { parentPort, workerData: { thread, task } } = require('node:worker_threads');
  const packages = new Set();
  registerHooks({
    load(url, context, next) {
      const named = /.*node_modules\\/((@[^/]+\\/)?[^/]+)/.exec(url);
      if (named !== null) packages.add(named[1]);
      return next(url, context);
    },
  });
  import(thread)
    .then(async ({ default: parse }) => parentPort.postMessage({ parsed: await parse(task), packages: [...packages] }));
`;

interface Read {
  parsed: ParsedTogether;
  packages: string[];
}

async function read(name: string, target: string | null): Promise<Read> {
  const task: ParseTask = {
    content: fixture(name),
    format: undefined,
    declared: declared(...(target === null ? [] : [target])),
    trust: [],
    way: null,
  };
  const worker = new Worker(THREAD, {
    eval: true,
    workerData: { thread: new URL('./parse.thread.js', import.meta.url).href, task },
  });
  try {
    const [message] = (await once(worker, 'message')) as [Read];
    return message;
  } finally {
    await worker.terminate();
  }
}

/** A schema's, a language's, a verifier's: with what comes with them half of what all readers took. */
const LARGE = ['zod', 're2js', '@sigstore/verify'];

describe('does a thread load a large library', () => {
  it.each([
    ['policy-report/typed-list.json', 'cluster/cluster', []],
    ['safeguard/nightly.json', null, ['zod']],
    ['cosign-verify/keyless-and-key.json', null, ['zod', '@sigstore/verify']],
  ])('only where the report needs it: %s?', async (name, target, needed) => {
    const { parsed, packages } = await read(name, target);
    expect(parsed?.outcome).toMatchObject({ report: { format: name.split('/')[0] } });
    expect(LARGE.filter((library) => packages.includes(library))).toEqual(needed);
  });
});
