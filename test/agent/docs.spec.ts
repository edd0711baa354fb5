import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Metrics } from '../../src/agent/metrics.js';
import { RUNS } from '../../src/agent/scanners.js';
import { REPORT_KINDS } from '../../src/agent/report-kinds.js';
import { buildProgram } from '../../src/bin/program.js';

/** Three folders above the compiled file. */
const guide = readFileSync(fileURLToPath(new URL('../../../docs/agent.md', import.meta.url)), 'utf8');
const rows = [...guide.matchAll(/^\| `(--[a-z-]+)` +\| (?:`([A-Z_]+)`)? +\| (.*?) +\| (.*?) +\|$/gm)].map(
  ([, flag = '', variable, standard]) => ({ flag, variable, standard }),
);
const options = buildProgram().commands.find((command) => command.name() === 'agent')?.options ?? [];

it('does the guide have every option, with its variable, and no other?', () => {
  // Beside others in the table: what they are given with.
  const known = options.filter(({ long }) => !['--allow-http', '--output'].includes(long ?? ''));
  expect(rows.map(({ flag, variable }) => `${flag} ${variable ?? ''}`).sort()).toEqual(
    known.map(({ long, envVar }) => `${long ?? ''} ${envVar ?? ''}`).sort(),
  );
  for (const beside of ['`--allow-http`', '`--output FILE`']) expect(guide).toContain(beside);
});

it('are its defaults those of the program?', () => {
  const withDefault = options.filter(
    ({ defaultValue, negate }) => defaultValue !== undefined && !negate && !Array.isArray(defaultValue),
  );
  expect(withDefault.length).toBeGreaterThan(5);
  for (const { long, defaultValue, defaultValueDescription } of withDefault) {
    expect(rows.find(({ flag }) => flag === long)?.standard).toBe(defaultValueDescription ?? String(defaultValue));
  }
});

it('does it name every metric?', async () => {
  const metrics = new Metrics();
  metrics.watch({ bytes: 0, limit: 0, count: 0, byAge: [] });
  const said = (await metrics.registry.getMetricsAsJSON())
    .map(({ name }) => name)
    .filter((name) => name.startsWith('safeguard_agent_'));
  expect(said.length).toBeGreaterThan(10);
  for (const name of said) expect(guide).toContain(name.replace('safeguard_agent_', ''));
});

it.each(Object.entries(RUNS))('does it say how %s is run?', (scanner, { args, format }) => {
  const told = { file: 'FILE', kubeconfig: null, context: null, kubeVersion: null, benchmarks: null };
  expect(guide).toContain(`\`${[scanner, ...args(told)].join(' ')}\``);
  expect(guide).toContain(`\`${format}\``);
});

it('does it name the groups whose reports are posted?', () => {
  for (const group of new Set(REPORT_KINDS.map((kind) => kind.group))) {
    expect(guide).toContain(group === 'aquasecurity.github.io' ? 'Trivy Operator' : group);
  }
});
