import type { z } from 'zod';
import { lazily } from '../../kernel/lazily.js';
import type { Format, Target } from '../report.js';
import { BOUNDS } from '../report.js';
import { isList } from '../text/lazy-list.js';
import type { Fields } from './fields.js';
import { field, fieldsOf, has, instant, isFields, list, step, Unreadable } from './fields.js';
import type * as reportSchema from './safeguard-report.js';
import type { ReportedTarget } from './safeguard-report.js';
import { CLUSTER } from './targets.js';

const schema = lazily(import.meta.url, './safeguard-report.js') as () => typeof reportSchema;

const SLUG = 'safeguard';

/**
 * The format of home-made tools. Their source begins with `custom/`, which no other format writes and no mapping of the catalogue knows: they can neither
 * speak for a scanner nor close what it said.
 */
export const safeguard: Format = {
  slug: SLUG,
  title: 'Reports of your own tools',
  tool: SLUG,
  description:
    'JSON by the schema `GET /v1/formats/safeguard/schema`, for tools that Safeguard does not know (docs/own-tools.md). The report names its targets and says of ' +
    'each whether it is complete. Results have the source `custom/NAME` and support no practice by themselves: they are kept and listed as unmapped.',
  yields: ['results', 'facts'],
  targets: [],

  detect(document) {
    return isFields(document) && has(document, 'safeguardReport');
  },

  read(document, draft) {
    const { ReportHeader, ReportedResult, ReportedFact } = schema();
    const report = fieldsOf(document);
    const head = checked(ReportHeader, headerOf(report));
    draft.toolVersion = head.tool.version ?? null;
    draft.clusterName = head.clusterName ?? null;
    draft.clusterUid = head.clusterUid ?? null;
    draft.observedAt = instant(head.observedAt);
    if (head.observedAt !== undefined && draft.observedAt === null) {
      throw new Unreadable('/observedAt', 'must be an instant with seconds and zone');
    }
    const source = `custom/${head.tool.name}`;
    const targets = new Targets(head.targets, draft.clusterName);

    draft.rows(list(report, 'results'), '/results', null, (row) => {
      const said = checked(ReportedResult, row);
      const { check, resource, status } = said;
      const target = targets.take(said.target, check);
      draft.add({
        target,
        source,
        check,
        resource,
        namespace: said.namespace ?? null,
        title: said.title ?? check,
        status,
        severity: said.severity ?? 'unknown',
        message: said.message ?? '',
      });
    });
    draft.rows(list(report, 'facts'), '/facts', null, (row) => {
      const said = checked(ReportedFact, row);
      const { kind, subject, value } = said;
      const target = targets.take(said.target, null);
      draft.fact({ target, source, kind, subject, namespace: said.namespace ?? null, value });
    });

    for (const { target, complete, checks, rows } of targets.all()) {
      const isShown = rows > 0 || checks !== null;
      if (complete && !isShown) {
        draft.note('A complete target without any row closes nothing, unless it names the checks that were made.');
      }
      draft.cover({ target, source, extent: complete && isShown ? 'complete' : 'partial', checks, silentPass: [] });
    }
  },
};

/** The report without its rows. Lists that are too large to be held are copied, within their bounds, for the check to see. */
function headerOf(report: Fields): Fields {
  const targets = copyOf(field(report, 'targets'), '/targets');
  const withChecks = (target: unknown, index: number): unknown =>
    isFields(target) && has(target, 'checks')
      ? { ...target, checks: copyOf(target['checks'], `/targets/${index}/checks`) }
      : target;
  const members = Object.entries(report).filter(([name]) => name !== 'results' && name !== 'facts');
  return { ...Object.fromEntries(members), targets: Array.isArray(targets) ? targets.map(withChecks) : targets };
}

function copyOf(value: unknown, pointer: string): unknown {
  if (!isList(value)) return value;
  if (value.length > BOUNDS.targets) throw new Unreadable(pointer, `has more than ${BOUNDS.targets} members`);
  return Array.from(value);
}

/** The value as the schema has it. The reason names types and limits, never a value. */
function checked<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = (issue?.path ?? []).map((part) => step(String(part))).join('');
  if (issue?.code === 'unrecognized_keys') throw new Unreadable(at + step(issue.keys[0] ?? ''), 'is not known here');
  throw new Unreadable(at, `does not fit the schema: ${issue?.message ?? 'no reason given'}`);
}

interface Covered {
  target: Target;
  complete: boolean;
  checks: string[] | null;
  made: ReadonlySet<string> | null;
  rows: number;
}

/** What the report says that it is about. */
class Targets {
  private readonly covered = new Map<string, Covered>();

  constructor(
    reported: readonly ReportedTarget[],
    private readonly clusterName: string | null,
  ) {
    for (const [index, { complete, checks = null, ...named }] of reported.entries()) {
      const target = this.targetOf(named, `/targets/${index}`);
      if (this.covered.has(keyOf(target))) throw new Unreadable(`/targets/${index}`, 'is named twice');
      const made = checks === null ? null : new Set(checks);
      this.covered.set(keyOf(target), { target, complete, checks, made, rows: 0 });
    }
  }

  all(): Iterable<Covered> {
    return this.covered.values();
  }

  /** The target of a row, which counts there; null: of a fact. */
  take(named: Target | undefined, check: string | null): Target {
    const [only, second] = this.covered.values();
    const covered = named === undefined ? only : this.covered.get(keyOf(this.targetOf(named, '/target')));
    if (named === undefined && second) throw new Unreadable('/target', 'must be named, for the report has several');
    if (!covered) throw new Unreadable('/target', 'is not one of the targets of the report');
    if (check !== null && covered.made?.has(check) === false) {
      throw new Unreadable('/check', 'is not one of the checks that the target says were made');
    }
    covered.rows++;
    return covered.target;
  }

  private targetOf({ kind, name }: Target, at: string): Target {
    if (kind !== 'cluster') return { kind, name };
    if (name === CLUSTER.name || name === this.clusterName) return CLUSTER;
    throw new Unreadable(`${at}/name`, 'is not the cluster, which is called cluster');
  }
}

const keyOf = ({ kind, name }: Target): string => `${kind}/${name}`;
