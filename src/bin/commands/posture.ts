import { type Posture, postureSchema } from '../client/answers.js';
import { exitCode, Failure } from '../client/failure.js';
import { path } from '../client/http.js';
import { explaining, organizationOf, systemOf } from '../client/scope.js';
import { bold, print, printJson, say, setExit, terminalWidth } from '../client/terminal.js';
import { printable, table } from '../client/text.js';
import { openClient, type ScopeOptions } from '../options.js';

/** The statuses of a control or practice, from what asks for work to what does not. */
export const statuses = ['failing', 'missing', 'stale', 'partial', 'excepted', 'evidenced', 'not_applicable'] as const;
export type Status = (typeof statuses)[number];

export interface PostureOptions extends ScopeOptions {
  asOf?: string;
  knownAt?: string;
  control?: string;
  status?: Status[];
  failOn?: Status[];
}

interface Judged {
  id: string;
  status: string;
  text: string;
  reason: string;
}

/** What is evidenced, by control and practice, at an instant. */
export async function posture(options: PostureOptions): Promise<void> {
  const client = await openClient(options);
  const organization = await organizationOf(client, options.organization);
  const system = options.system === undefined ? null : await systemOf(client, organization, options.system);
  const scope = system === null ? [] : ['systems', system];
  const { value, raw } = await explaining(client, organization, system, () =>
    client.read(postureSchema, {
      method: 'GET',
      path: path('v1', 'organizations', organization, ...scope, 'posture'),
      query: { asOf: options.asOf, knownAt: options.knownAt },
      patience: 120_000,
    }),
  );
  const { controls, practices } = selected(value, options.control);
  if (options.json) printJson(raw);
  else printPosture(value, controls, practices, options);

  // A status that this program does not know is no reason to pass.
  const asked: readonly string[] = options.failOn ?? [];
  const known: readonly string[] = statuses;
  const below = [...controls, ...practices].filter(
    ({ status }) => asked.length > 0 && (asked.includes(status) || !known.includes(status)),
  );
  if (asked.length > 0 && controls.length + practices.length === 0) {
    throw new Failure(exitCode.refused, 'the server says nothing of any control: nothing to judge by');
  }
  if (below.length > 0) {
    const first = below.slice(0, 10).map(({ id, status }) => `${printable(id, 60)} is ${printable(status, 30)}`);
    say(`below what --fail-on asks: ${first.join(', ')}${below.length > 10 ? `, and ${below.length - 10} more` : ''}`);
    setExit(exitCode.posture);
  }
}

/** All of it; or one control and its practices. */
function selected(value: Posture, control: string | undefined): { controls: Judged[]; practices: Judged[] } {
  const controls = value.controls.filter(({ id }) => control === undefined || id === control);
  if (control !== undefined && controls.length === 0) {
    throw new Failure(
      exitCode.refused,
      `no control ${printable(control, 100)} in this catalogue (${printable(value.catalog.version, 60)})`,
      'controls go by their paragraph, as `safeguard posture` lists them',
    );
  }
  const theirs = new Set(
    controls.flatMap(({ practices }) => (practices ?? []).map((one) => (typeof one === 'string' ? one : one.id))),
  );
  const practices = value.practices.filter(({ id }) => control === undefined || theirs.has(id));
  return {
    controls: controls.map(({ id, status, title, reason }) => ({
      id,
      status,
      text: title ?? '',
      reason: reason ?? '',
    })),
    practices: practices.map(({ id, status, summary, reason }) => ({
      id,
      status,
      text: summary ?? '',
      reason: reason ?? '',
    })),
  };
}

function printPosture(value: Posture, controls: Judged[], practices: Judged[], options: PostureOptions): void {
  const shown: readonly string[] | undefined = options.status;
  for (const [name, all] of [
    ['CONTROL', controls],
    ['PRACTICE', practices],
  ] as const) {
    const rows = all.filter(({ status }) => shown === undefined || shown.includes(status));
    if (rows.length === 0) continue;
    const [head = '', ...lines] = table(
      [
        ['STATUS', name, name === 'CONTROL' ? 'TITLE' : 'SUMMARY', 'REASON'],
        ...rows.map(({ id, status, text, reason }) => [
          printable(status, 20),
          printable(id, 60),
          printable(text, 60),
          printable(reason, 500),
        ]),
      ],
      terminalWidth(),
    );
    print(bold(head));
    for (const line of lines) print(line);
    print('');
  }
  const order: readonly string[] = statuses;
  const counts = Object.entries(value.counts.controls)
    .sort(([a], [b]) => rank(order, a) - rank(order, b))
    .map(([status, count]) => `${count} ${printable(status, 30)}`);
  print(`${counts.join(', ')}  (all controls)`);
  print(
    `as of ${printable(value.asOf, 40)}, as known at ${printable(value.knownAt, 40)}, ` +
      `catalogue ${printable(value.catalog.version, 60)}`,
  );
  print('This is what is evidenced, not a statement of compliance.');
}

function rank(order: readonly string[], status: string): number {
  const at = order.indexOf(status);
  return at === -1 ? order.length : at;
}
