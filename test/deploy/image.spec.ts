import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VARIABLES } from '../../src/config.js';
import { SERVING_FLAGS } from '../../src/kernel/memory.js';
import { ROOT, textOf } from './files.js';

/** Instructions with their arguments; comments gone, continued lines joined. */
const instructions = textOf('deploy/Dockerfile')
  .replace(/^\s*#.*\n/gm, '')
  .replace(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => {
    const [, keyword, rest] = /^\s*([A-Z]+)\s+(.*)$/.exec(line)!;
    return { keyword: keyword!, rest: rest! };
  });
const starts = instructions.flatMap(({ keyword }, index) => (keyword === 'FROM' ? [index] : []));
const stages = starts.map((start, index) => instructions.slice(start, starts[index + 1]));
const runtime = stages.at(-1)!;
const all = (keyword: string, of = runtime) => of.filter((one) => one.keyword === keyword).map(({ rest }) => rest);
const ignored = textOf('.dockerignore')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

describe('deploy/Dockerfile', () => {
  it('runs as a user that is not root, known by number, as Kubernetes wants it (runAsNonRoot)?', () => {
    expect(all('USER')).toEqual(['10001:10001']);
    const last = runtime.findIndex(({ keyword }) => keyword === 'USER');
    expect(runtime.slice(last).filter(({ keyword }) => ['RUN', 'COPY', 'ADD'].includes(keyword))).toEqual([]);
  });

  it('sets no variable that the program does not know, and no secret?', () => {
    expect(all('ENV')).toEqual(['NODE_ENV=production']);
    expect(Object.keys(VARIABLES.shape)).toContain('NODE_ENV');
  });

  it('copies what is there and what .dockerignore lets through?', () => {
    const taken = stages
      .flat()
      .filter(({ keyword, rest }) => keyword === 'COPY' && !rest.startsWith('--from'))
      .flatMap(({ rest }) => rest.split(' ').slice(0, -1))
      .map((path) => path.replace(/\/$/, ''));
    expect(taken.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(ignored[0]).toBe('*');
    const allowed = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    expect(allowed.sort()).toEqual([...new Set(taken)].sort());
  });

  it('brings no development part, no test and no package that only they need?', () => {
    const build = all('RUN', stages[0]).join(' ');
    expect(build).toContain('rm -rf dist/src/development');
    expect(ignored).toContain('src/**/*.spec.ts');
    expect(all('RUN', stages[1])).toEqual([expect.stringContaining('--omit=dev --omit=optional --ignore-scripts')]);
    for (const run of stages.flat().filter(({ rest }) => rest.startsWith('npm '))) {
      expect(run.rest).toContain('npm ci ');
      expect(run.rest).toContain('--ignore-scripts');
    }
  });

  it('loads the development parts in one place alone, which production does not reach?', () => {
    const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !file.startsWith('development'),
    );
    const found = files.filter((file) => /['"](\.\.?\/)+development\//.test(textOf('src', file)));
    expect(found).toEqual(['main.ts']);
    // A static import would need the file; the image has none.
    expect(textOf('src/main.ts')).not.toMatch(/^import .*development/m);
  });

  it('asks the readiness endpoint, and starts the server by the program’s own name?', () => {
    const [check] = all('HEALTHCHECK');
    expect(check).toContain('/health/ready');
    expect(textOf('src/health/health.controller.ts')).toContain("path: '/health/ready'");
    const flags = SERVING_FLAGS.join(' ');
    expect(all('ENTRYPOINT')).toEqual([`["node", "${flags}", "/opt/safeguard/dist/src/bin/safeguard.js"]`]);
    expect(all('CMD')).toEqual(['["serve"]']);
    expect(JSON.parse(textOf('package.json'))).toMatchObject({
      bin: { safeguard: 'dist/src/bin/safeguard.js' },
      scripts: { start: `exec node ${flags} scripts/start.mjs` },
    });
  });
});
