import type { CheckStatus, Format, Target } from '../report.js';
import { ReportFault } from '../report.js';
import { isList, type List } from '../text/lazy-list.js';
import type { Fields } from './fields.js';
import { has, isFields, list, optionalNumber, optionalText, step, text, Unreadable } from './fields.js';
import { assertCluster, CLUSTER } from './targets.js';

const SLUG = 'kube-bench';

/** What a control is about, by its `node_type`: files and processes of one node, or settings of the whole cluster. */
const ABOUT: Readonly<Record<string, 'node' | 'cluster'>> = {
  master: 'node',
  node: 'node',
  etcd: 'node',
  controlplane: 'cluster',
  policies: 'cluster',
  managedservices: 'cluster',
};

/** CIS benchmarks of a node, as kube-bench ran them on it. */
export const kubeBench: Format = {
  slug: SLUG,
  title: 'kube-bench',
  tool: 'kube-bench',
  description:
    'JSON of `kube-bench --json`, of one node: with totals, the bare array of before v0.5.0, or one object per line. The report does not ' +
    'name the node: pass targets=node/NAME. Complete for the checks that it lists (kube-bench lists all that it ran, and does not say which ' +
    'it was told to leave out).',

  yields: ['results'],
  targets: ['node', 'cluster'],

  detect(document) {
    return controlsOf(document) !== null;
  },

  read(document, draft) {
    const { declared } = draft;
    const used = new Set<Target>();
    /** source and check → the control it came from: a second control with the same one is a second node's. */
    const seen = new Map<string, number>();

    for (const [index, { control, pointer }] of (controlsOf(document) ?? []).entries()) {
      draft.attempt(pointer, null, () => {
        const nodeType = text(control, 'node_type');
        const version = text(control, 'version');
        const about = Object.hasOwn(ABOUT, nodeType) ? ABOUT[nodeType] : undefined;
        if (!about) throw new Unreadable('/node_type', 'is no node type that is known here');
        const target = about === 'cluster' ? CLUSTER : declaredNode(declared.targets);
        used.add(target);
        const scope = { target, source: `kube-bench/${nodeType}` };
        const benchmark = /^\d/.test(version) ? `cis-${version}` : version;
        const checks: string[] = [];

        const tests = list(control, 'tests');
        draft.rows(tests, `${pointer}/tests`, scope, (group, at) => {
          draft.rows(list(group, 'results'), `${at}/results`, scope, (row) => {
            const check = `${benchmark}/${text(row, 'test_number')}`;
            const key = `${scope.source} ${check}`;
            if ((seen.get(key) ?? index) !== index) {
              throw new ReportFault(
                'target-mismatch',
                'The report holds the results of several nodes: post one report per node.',
                {
                  pointer,
                },
              );
            }
            seen.set(key, index);
            checks.push(check);
            draft.add({
              ...scope,
              check,
              resource: nodeType,
              namespace: null,
              title: optionalText(row, 'test_desc'),
              status: statusOf(row),
              severity: 'unknown',
              message: messageOf(row),
            });
          });
        });

        const cut = wasCut(control, tests);
        if (cut) draft.note('kube-bench counts more results than the report lists, so something was cut from it.');
        if (checks.length > 0) {
          draft.cover({ ...scope, extent: cut ? 'partial' : 'complete', checks, silentPass: [] });
        }
      });
    }

    for (const target of declared.targets) {
      if (target.kind === 'cluster') assertCluster(target, null);
      if (![...used].some((about) => about.kind === target.kind)) {
        throw new ReportFault('target-mismatch', `The report holds no results about a ${target.kind}.`);
      }
    }
  },
};

/** All controls with their pointers; null if the document is not kube-bench's. */
function controlsOf(document: unknown, pointer = ''): { control: Fields; pointer: string }[] | null {
  if (isList(document)) {
    if (pointer.split('/').length > 3) return null;
    const found: { control: Fields; pointer: string }[] = [];
    let index = 0;
    for (const item of document) {
      const controls = controlsOf(item, `${pointer}/${index++}`);
      if (controls === null) return null;
      found.push(...controls);
    }
    return found.length > 0 ? found : null;
  }
  if (!isFields(document)) return null;
  if (has(document, 'Controls')) return controlsInTotals(document['Controls'], `${pointer}/Controls`);
  return has(document, 'tests') && (has(document, 'node_type') || has(document, 'version'))
    ? [{ control: document, pointer }]
    : null;
}

function controlsInTotals(controls: unknown, pointer: string): { control: Fields; pointer: string }[] | null {
  if (controls === null) return [];
  if (!isList(controls)) return null;
  const found: { control: Fields; pointer: string }[] = [];
  for (const control of controls) {
    if (!isFields(control) || !has(control, 'tests')) return null;
    found.push({ control, pointer: `${pointer}/${found.length}` });
  }
  return found;
}

function declaredNode(targets: readonly Target[]): Target {
  const [node, second] = targets.filter((target) => target.kind === 'node');
  if (!node) {
    throw new ReportFault('target-unknown', 'A kube-bench report does not name its node: pass targets=node/NAME.');
  }
  if (second) throw new ReportFault('target-mismatch', 'A kube-bench report is about one node; declare one.');
  return node;
}

/**
 * WARN is what kube-bench writes for three things: a check that only a person can make (`type: manual`, or "(Manual)" in the benchmark's own
 * title, even where a command ran), for which the status is `manual`; an automated check that failed but is not scored, and one that could not
 * be run: both are `warn`. INFO is what it was told to skip.
 */
function statusOf(row: Fields): CheckStatus {
  const type = optionalText(row, 'type');
  const isManual = type === 'manual' || /\(manual\)\s*$/i.test(optionalText(row, 'test_desc'));
  switch (text(row, 'status')) {
    case 'PASS':
      // kube-bench makes no check of the type manual, so that none passes.
      return type === 'skip' ? 'skip' : type === 'manual' ? 'manual' : 'pass';
    case 'FAIL':
      return 'fail';
    case 'WARN':
      return isManual ? 'manual' : 'warn';
    case 'INFO':
      return 'skip';
    default:
      throw new Unreadable(step('status'), 'is no status that is known here');
  }
}

/** Why, and what was expected. `actual_value` is left out: it holds process arguments and environments, and secrets are found in both. */
function messageOf(row: Fields): string {
  const expected = optionalText(row, 'expected_result');
  return [optionalText(row, 'reason'), expected === '' ? '' : `Expected: ${expected}`].filter(Boolean).join('\n');
}

/** Whether the totals of the control or of its groups count more results than are listed. */
function wasCut(control: Fields, tests: List): boolean {
  const sum = (of: Fields, prefix: string): number =>
    ['pass', 'fail', 'warn', 'info'].reduce((total, name) => total + (optionalNumber(of, prefix + name) ?? 0), 0);
  let listed = 0;
  let cut = false;
  for (const test of tests) {
    if (!isFields(test) || !isList(test['results'] ?? [])) return true;
    const results = list(test, 'results').length;
    listed += results;
    cut ||= sum(test, '') > results;
  }
  return cut || sum(control, 'total_') > listed;
}
