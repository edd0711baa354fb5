import type { ClusterObjects } from './cluster.js';
import type { CompiledCheck, Message } from './definition.js';
import { over } from './environment.js';
import { placedReasonOf, reasonOf, type Expression } from './expression.js';
import { wordsOf } from './functions/strings.js';
import { withinTime } from './guard.js';
import { CLUSTER, WORKLOAD } from './kinds.js';
import { at, isMap, namespaceOf, nameOf, splitApiVersion, textAt, type KubernetesObject } from './values.js';
import { templateOf } from './workloads.js';

/** What a result is of; null where it is of the cluster. */
export interface Judged {
  readonly namespace: string | null;
  readonly group: string;
  readonly kind: string;
  readonly name: string;
}

export interface Outcome {
  readonly check: CompiledCheck;
  readonly status: 'pass' | 'fail' | 'error' | 'skip' | 'manual';
  readonly object: Judged | null;
  /** null of a pass. */
  readonly message: string | null;
}

export interface Budget {
  /** For one check, in milliseconds. The first that asks who may do what, or which policies select a pod, works it out for all of the cluster. */
  readonly perCheck: number;
  /** For all of them. */
  readonly inAll: number;
}

/** A whole check over a hundred thousand objects takes a second; all of them over 10,000 pods take less than ten. A busy machine is slower. */
export const BUDGET: Budget = { perCheck: 15_000, inAll: 120_000 };

export interface Evaluated {
  /** The checks that covered the cluster: everything that they read was complete, and they came to their end. */
  readonly complete: readonly string[];
  /** What the reader of the results must know. */
  readonly notes: readonly string[];
}

/** Objects that are judged within one time limit. */
const BATCH = 500;

/** Judges a cluster by these checks. The same snapshot and the same checks give the same outcomes. */
export function evaluate(
  checks: readonly CompiledCheck[],
  cluster: ClusterObjects,
  emit: (outcome: Outcome) => void,
  budget: Budget = BUDGET,
): Evaluated {
  const until = performance.now() + budget.inAll;
  const complete = checks
    .filter((check) => new Evaluation(check, cluster, emit, budget, until).run())
    .map(({ id }) => id);
  return { complete, notes: notesOf(cluster) };
}

function notesOf({ partial, phi }: ClusterObjects): string[] {
  const notes = [...partial];
  if (!phi.isMarked) {
    notes.push(
      'Nothing in the cluster is marked as holding PHI, and the system lists no namespaces: all but those of Kubernetes are taken to hold it.',
    );
  }
  for (const name of phi.unknown.slice(0, 20))
    notes.push(`The system lists the namespace ${name} as holding PHI, and it is not in the cluster.`);
  return notes;
}

class Evaluation {
  readonly #check: CompiledCheck;
  readonly #cluster: ClusterObjects;
  readonly #emit: (outcome: Outcome) => void;
  #left: number;
  readonly #until: number;
  /** Objects that matter, whatever became of them. */
  #judged = 0;

  constructor(
    check: CompiledCheck,
    cluster: ClusterObjects,
    emit: (outcome: Outcome) => void,
    budget: Budget,
    until: number,
  ) {
    this.#check = check;
    this.#cluster = cluster;
    this.#emit = emit;
    this.#left = budget.perCheck;
    this.#until = until;
  }

  /** Whether it covered the cluster. */
  run(): boolean {
    const { each, reads } = this.#check;
    const unread = this.#firstIncomplete(reads);
    if (unread !== null) {
      this.#say('error', null, `Not judged: ${unread}.`);
      return false;
    }
    const missing = this.#firstIncomplete(each);
    const objects = each.includes(CLUSTER)
      ? [this.#cluster.variable]
      : each.flatMap((kind) => this.#cluster.list(kind));
    const done = this.#judgeAll(objects, missing === null);
    if (missing !== null) this.#say('error', null, `Not judged as a whole: ${missing}.`);
    else if (this.#judged === 0) this.#sayNothing();
    return done && missing === null;
  }

  #firstIncomplete(kinds: readonly string[]): string | null {
    for (const kind of kinds) {
      const reason = this.#cluster.incomplete(kind);
      if (reason !== null) return `${kind === WORKLOAD ? 'a kind of workloads' : kind} ${reason.replace(/\.$/, '')}`;
    }
    return null;
  }

  /** `mayPass`: false where objects may be missing. What fails does so whatever else there is; that the others pass would say that all do. */
  #judgeAll(objects: readonly KubernetesObject[], mayPass: boolean): boolean {
    for (let from = 0; from < objects.length; from += BATCH) {
      const batch = objects.slice(from, from + BATCH);
      const verdicts: Verdict[] = [];
      const inTime = this.#inTime(() => {
        for (const object of batch) verdicts.push(this.#verdictOf(object));
      });
      for (const [index, verdict] of verdicts.entries())
        this.#report(batch[index] as KubernetesObject, verdict, mayPass);
      if (!inTime) {
        for (const object of objects.slice(from + verdicts.length)) {
          this.#report(object, { status: 'error', message: 'Not judged: the check took longer than it may.' }, mayPass);
        }
        return false;
      }
    }
    return true;
  }

  /** Whether it came to its end in what is left of the time. */
  #inTime(run: () => void): boolean {
    const began = performance.now();
    const limit = Math.min(this.#left, this.#until - began);
    if (limit <= 0) return false;
    // Around the limit, not within it: what is stopped in the middle runs no `finally`.
    const inTime = over(this.#cluster, () => withinTime(limit, run));
    this.#left -= performance.now() - began;
    return inTime;
  }

  #verdictOf(object: KubernetesObject): Verdict {
    const { where, undecided, pass, message, without } = this.#check;
    try {
      const variables = this.#variablesOf(object);
      if (where !== null && !boolean(where, variables, 'where')) return null;
      if (undecided !== null && boolean(undecided, variables, 'undecided')) {
        return { status: 'manual', message: render(without ?? [], variables) };
      }
      if (boolean(pass, variables, 'pass')) return PASS;
      return { status: 'fail', message: render(message, variables) };
    } catch (error) {
      return { status: 'error', message: `Not judged: ${reasonOf(error).slice(0, 300)}` };
    }
  }

  #variablesOf(object: KubernetesObject): Record<string, unknown> {
    const { views } = this.#cluster;
    const namespace = namespaceOf(object);
    const variables: Record<string, unknown> = {
      object: views.seen(object),
      namespaceObject: namespace === '' ? null : views.seen(this.#cluster.namespace(namespace)),
      cluster: this.#cluster.variable,
      params: this.#check.params,
    };
    if (!this.#check.each.includes(WORKLOAD)) return variables;
    const template = templateOf(object);
    const spec = at(template, 'spec');
    if (!isMap(spec)) throw new Error('the workload has no pod template');
    return { ...variables, template: views.seen(template), spec: views.seen(spec) };
  }

  #report(object: KubernetesObject, verdict: Verdict, mayPass: boolean): void {
    if (verdict === null) return;
    this.#judged++;
    if (verdict.status === 'pass' && !mayPass) return;
    this.#say(verdict.status, object, verdict.message);
  }

  #sayNothing(): void {
    const { definition, each, without } = this.#check;
    const what = `There is no ${each.join(' or ')} that the check is about`;
    switch (definition.none ?? (without === null ? 'skip' : 'manual')) {
      case 'pass':
        this.#say('pass', null, null);
        break;
      case 'fail':
        this.#say('fail', null, `${what}, and there must be one: ${definition.title}.`);
        break;
      case 'manual': {
        const variables = { cluster: this.#cluster.variable, params: this.#check.params };
        let said = '?';
        this.#inTime(() => {
          said = render(without ?? [], variables);
        });
        this.#say('manual', null, said);
        break;
      }
      case 'skip':
        this.#say('skip', null, `${what}.`);
        break;
    }
  }

  #say(status: Outcome['status'], object: KubernetesObject | null, message: string | null): void {
    const judged = object === null || object === this.#cluster.variable ? null : judgedOf(object);
    this.#emit({ check: this.#check, status, object: judged, message });
  }
}

/** null: the object does not matter. */
type Verdict = { readonly status: 'pass' | 'fail' | 'error' | 'manual'; readonly message: string | null } | null;

const PASS: Verdict = { status: 'pass', message: null };

function judgedOf(object: KubernetesObject): Judged {
  return {
    namespace: namespaceOf(object) || null,
    group: splitApiVersion(textAt(object, 'apiVersion')).group,
    kind: textAt(object, 'kind'),
    name: nameOf(object),
  };
}

/** What is thrown says in which part of the check, and where in it. */
function boolean(expression: Expression, variables: Record<string, unknown>, name: string): boolean {
  let value: unknown;
  try {
    value = expression.evaluate(variables);
  } catch (error) {
    throw new Error(`${name}: ${placedReasonOf(error, expression.source)}`, { cause: error });
  }
  if (typeof value !== 'boolean') throw new Error(`${name} is no bool`);
  return value;
}

const MAX_FILLED = 200;
const MAX_MESSAGE = 1_000;

/** What cannot be worked out or said stands as `?`: the object fails all the same. */
function render(message: Message, variables: Record<string, unknown>): string {
  const said = message.map((part) => {
    if (typeof part === 'string') return part;
    try {
      return cut(wordsOf(part.evaluate(variables)), MAX_FILLED);
    } catch {
      return '?';
    }
  });
  return cut(said.join(''), MAX_MESSAGE);
}

function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text
    .slice(0, most - 1)
    .toWellFormed()
    .replace(/\ufffd$/, '')}…`;
}
