import { setTimeout as sleep } from 'node:timers/promises';
import { loadCatalog } from '../src/catalog/load.js';
import { atMost, progress, quantile, report } from './figures.js';
import { ScannedCluster } from './kubescape-report.js';
import { PostureFill } from './posture-fill.js';
import type { BenchProgram } from './program.js';
import type { Bench, BenchSystem } from './system.js';
import { mix } from './words.js';

const NAME = 'posture';
const DAY = 24 * 3_600_000;
const HISTORY = 350 * DAY;

/** Systems that reports are posted to; the others are copies of them. */
const TEMPLATES = 4;
/** Results that are open at any time. */
const OPEN = 2_000;

/** Questions of each kind that fill what a server has filled after its first minutes: connections, plans, code that V8 has compiled for good. The first of all are a figure of their own. */
const WARMING = 150;

/** Copies whose own posture is held against what the organisation says of them. */
const COMPARED = 5;

/** Milliseconds at p99: what the project promises. */
const GOAL = { system: 50, organization: 500 } as const;
const GROWTH = 2;

interface Latencies {
  p50: number;
  p99: number;
}

export const posture: BenchProgram = {
  about:
    'the posture of a system and of an organisation, now and as of past days, and what ten times as much of everything costs',
  flags: {
    fleet: { default: '1000', about: 'systems of the organisation; a tenth of them is measured first' },
    intervals: { default: '10000', about: 'intervals of results of each system' },
    scans: { default: '25', about: 'scans of each system, over a year; 350 are daily ones' },
    'records-each': { default: '50', about: 'records for each system, of its own and of the organisation' },
    questions: { default: '300', about: 'questions of each kind; half as many of the organisation' },
  },
  run: async (run) => {
    const [fleet, intervals, scans, records, questions] = [
      run.number('fleet'),
      run.number('intervals'),
      run.number('scans'),
      run.number('records-each'),
      run.number('questions'),
    ];
    const bench = await run.start({ agents: TEMPLATES });
    const templates = await postTemplates(bench, intervals, scans);
    const catalog = loadCatalog();
    const practices = catalog.practices
      .filter((practice) => practice.records.some(({ type }) => type === 'implementation_statement'))
      .map(({ id }) => id)
      .slice(0, 14);
    const controls = catalog.controls.filter(({ needs }) => needs === 'document').map(({ id }) => id);
    const fill = new PostureFill(
      bench.admin,
      bench.organizationId,
      templates,
      (name) => bench.registerSystem(name),
      controls,
      practices,
    );
    await fill.begin();
    await remember(bench, fill);

    let base: ReadonlyMap<string, Latencies> | null = null;
    for (const size of [Math.ceil(fleet / 10), fleet]) {
      await fill.grow(size, records, (done) => progress(`${done} of ${size} systems`));
      await fill.settle();
      // A process that has answered nothing else, as after an upgrade.
      await bench.restart();
      await compare(bench, size);
      const details = {
        systems: size,
        results: await fill.count('result'),
        records: await fill.count('record'),
      };
      base = await measure(bench, questions, details, base);
      report({
        bench: NAME,
        figure: `peak memory of the server, ${size} systems`,
        value: (await bench.peakMemory()) / 2 ** 20,
        unit: 'MiB',
      });
    }
  },
};

async function postTemplates(bench: Bench, intervals: number, scans: number): Promise<BenchSystem[]> {
  const templates: BenchSystem[] = [];
  const changing = Math.max(2, 2 * Math.round((intervals - OPEN) / (scans - 1) / 2));
  for (let number = 1; number <= TEMPLATES; number += 1) {
    const system = await bench.createSystem(`template-${number}`);
    const cluster = new ScannedCluster(number, Math.min(OPEN, intervals - (intervals % 20)));
    for (let scan = 0; scan < scans; scan += 1) {
      // The last one an hour ago.
      const at = new Date(Date.now() - 3_600_000 - ((scans - 1 - scan) * HISTORY) / scans);
      if (scan > 0 && intervals > OPEN) cluster.change(changing);
      await system.post(cluster.report(at));
    }
    templates.push(system);
    progress(`${system.id}: ${scans} scans`);
  }
  return templates;
}

/** Asks as anybody does, which makes the program remember; then waits until it does. */
async function remember(bench: Bench, fill: PostureFill): Promise<void> {
  const startedAt = performance.now();
  while (!(await fill.remembered())) {
    if (performance.now() - startedAt > 300_000) throw new Error('the program does not remember');
    await bench.ask(`/v1/organizations/${bench.organizationId}/posture`);
    await sleep(1_000);
  }
  report({
    bench: NAME,
    figure: 'to remember a year of a system',
    value: (performance.now() - startedAt) / TEMPLATES,
    unit: 'ms',
  });
}

interface Counted {
  id: string;
  counts: unknown;
}

interface Page {
  items: Counted[];
  next: string | null;
}

/** What the organisation says of systems by memory is what they say of themselves when they are evaluated. */
async function compare(bench: Bench, size: number): Promise<void> {
  const path = `/v1/organizations/${bench.organizationId}`;
  for (const asOf of [new Date(), new Date(Date.now() - 33.3 * DAY), new Date(Date.now() - 200.1 * DAY)]) {
    const query = `asOf=${asOf.toISOString()}`;
    const systems: Counted[] = [];
    for (let next: string | null = ''; next !== null;) {
      const cursor: string = next === '' ? '' : `&cursor=${next}`;
      const page: Page = await read<Page>(bench, `${path}/posture/systems?limit=500&${query}${cursor}`);
      systems.push(...page.items);
      next = page.next;
    }
    if (systems.length !== size) throw new Error(`${systems.length} systems of ${size}`);
    for (let number = 0; number < COMPARED; number += 1) {
      const system = systems[mix(number) % systems.length];
      const { counts } = await read<Counted>(bench, `${path}/systems/${system?.id ?? ''}/posture?${query}`);
      if (JSON.stringify(counts) !== JSON.stringify(system?.counts)) {
        throw new Error(`what is remembered of ${system?.id ?? ''} at ${asOf.toISOString()} is not what is evaluated`);
      }
    }
  }
}

async function read<Answer>(bench: Bench, path: string): Promise<Answer> {
  const answer = await fetch(bench.url + path, { headers: { Authorization: `Bearer ${await bench.adminToken()}` } });
  if (!answer.ok) throw new Error(`GET ${path}: ${answer.status}`);
  return (await answer.json()) as Answer;
}

async function measure(
  bench: Bench,
  questions: number,
  details: Readonly<Record<string, number>>,
  base: ReadonlyMap<string, Latencies> | null,
): Promise<ReadonlyMap<string, Latencies>> {
  const organization = `/v1/organizations/${bench.organizationId}`;
  const { rows } = await bench.admin.query<{ id: string }>(
    'select id from system where organization_id = $1 order by id',
    [bench.organizationId],
  );
  const found = new Map<string, Latencies>();
  let drawn = 0;
  const draw = (below: number): number => mix(drawn++) % below;
  for (const of of ['system', 'organization'] as const) {
    for (const when of ['now', 'past'] as const) {
      const [warming, times]: [number[], number[]] = [[], []];
      const count = of === 'system' ? questions : Math.ceil(questions / 2);
      for (let number = -WARMING; number < count; number += 1) {
        const asOf = new Date(Date.now() - draw(HISTORY / 60_000) * 60_000).toISOString();
        const path = of === 'system' ? `${organization}/systems/${rows[draw(rows.length)]?.id ?? ''}` : organization;
        const time = await bench.ask(`${path}/posture${when === 'past' ? `?asOf=${asOf}` : ''}`);
        (number < 0 ? warming : times).push(time);
      }
      if (found.size === 0) {
        report({
          bench: NAME,
          figure: 'posture of a system, the first after a start, p99',
          value: quantile(warming, 0.99),
          unit: 'ms',
          p50: quantile(warming, 0.5),
          questions: warming.length,
          systems: rows.length,
        });
      }
      const figure = `posture of ${of === 'system' ? 'a system' : 'the organisation'}, ${when}`;
      const latencies = { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
      found.set(figure, latencies);
      report({
        bench: NAME,
        figure: `${figure}, p99`,
        value: latencies.p99,
        unit: 'ms',
        p50: latencies.p50,
        questions: times.length,
        ...details,
        goal: atMost(GOAL[of]),
      });
      const before = base?.get(figure);
      if (before !== undefined) {
        report({
          bench: NAME,
          figure: `${figure}, against a tenth`,
          value: latencies.p50,
          unit: 'ms',
          tenth: before.p50,
          ratio: latencies.p50 / before.p50,
          ratioOfP99: latencies.p99 / before.p99,
          goal: atMost(GROWTH),
        });
      }
    }
  }
  return found;
}
