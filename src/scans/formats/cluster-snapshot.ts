import { ClusterBuilder, type ClusterHead, type ListEnd, type ListOutcome } from '../../checks/cluster.js';
import type { ClusterObjects } from '../../checks/cluster.js';
import { kindOf, KINDS } from '../../checks/kinds.js';
import { NO_RULES, SNAPSHOT_CHECKS, type SnapshotRules } from '../../checks/snapshot-rules.js';
import { lazily } from '../../kernel/lazily.js';
import { ReportFault, type Format } from '../report.js';
import { isList, LazyList, type List } from '../text/lazy-list.js';
import type { Draft } from './draft.js';
import {
  field,
  fieldsIn,
  fieldsOf,
  firstOf,
  instant,
  isFields,
  list,
  optionalText,
  text,
  Unreadable,
  type Fields,
} from './fields.js';
import { coverFacts, tellFacts } from './snapshot-facts.js';
import type * as results from './snapshot-results.js';

/** With it come the languages of checks. */
const snapshotResults = lazily(import.meta.url, './snapshot-results.js') as () => typeof results;

const VERSION = 'safeguard.dev/v1';
const HEAD = 'ClusterSnapshot';
const END = 'ClusterSnapshotEnd';

/** What a cluster was at one instant, as the agent collects it: facts of what is in it, and what checks say of that. */
export const clusterSnapshot: Format = {
  slug: 'cluster-snapshot',
  title: 'Cluster snapshot',
  tool: SNAPSHOT_CHECKS,
  description:
    'What `safeguard agent` collects of a cluster: one JSON object a line. The first is a ClusterSnapshot (safeguard.dev/v1) with the uid of the cluster and the instant at which the collection ' +
    'began; then the objects as the API gives them; the last is a ClusterSnapshotEnd, which says of every list how it ended and how many objects it gave. Facts are those that ' +
    'the formats of single objects give, but none of Pods, ReplicaSets and Jobs that a controller owns; results are those of the checks over snapshots. Both are complete ' +
    'for what was listed completely. A snapshot without its end, of two clusters, or that holds another number of objects than it says, is partial as a whole: then nothing passes.',
  yields: ['results', 'facts'],
  targets: [],
  dependsOn: 'rules',

  detect(document) {
    const head = isList(document) ? firstOf(document) : document;
    return isFields(head) && isOurs(head) && field(head, 'kind') === HEAD;
  },

  read(document, draft) {
    const lines: List = isList(document) ? document : [document];
    const snapshot = new SnapshotReader(draft);
    let index = 0;
    for (const line of lines) {
      const pointer = isList(document) ? `/${index}` : '';
      if (index++ === 0) snapshot.begin(fieldsOf(line));
      else draft.attempt(pointer, null, () => snapshot.line(line, pointer));
    }
    const { cluster, lists } = snapshot.end();
    for (const reason of cluster.partial) draft.cut(reason);
    for (const { group, kind } of completeKinds(cluster, lists)) coverFacts(draft, group, kind);
    snapshotResults().judgeSnapshot(draft, cluster);
  },
};

function isOurs(line: Fields): boolean {
  const apiVersion = field(line, 'apiVersion');
  return typeof apiVersion === 'string' && apiVersion.startsWith('safeguard.dev/');
}

/** Goes through the lines once. Objects that no check reads are not held. */
class SnapshotReader {
  readonly #draft: Draft;
  readonly #builder = new ClusterBuilder();
  #head: ClusterHead | null = null;
  #lists: ListEnd[] | null = null;
  #rules: SnapshotRules = NO_RULES;
  #hasKubeSystem = false;

  constructor(draft: Draft) {
    this.#draft = draft;
  }

  /** Throws ReportFault: what a snapshot is of, and of when, is not to be guessed. */
  begin(head: Fields): void {
    if (field(head, 'apiVersion') !== VERSION) {
      throw new ReportFault('malformed-report', `Snapshots are read of version ${VERSION}.`, {
        pointer: '/0/apiVersion',
      });
    }
    // Before any row: whoever takes rows has better things in hand than to wait for these.
    this.#rules = this.#draft.rules();
    const cluster = fieldsIn(head, 'cluster');
    const server = fieldsIn(head, 'serverVersion');
    const startedAt = instant(field(head, 'startedAt'));
    if (startedAt === null) {
      throw new ReportFault(
        'malformed-report',
        'The snapshot does not say when it was begun, in RFC 3339 with a zone.',
        {
          pointer: '/0/startedAt',
        },
      );
    }
    this.#head = {
      uid: text(cluster, 'uid'),
      name: field(cluster, 'name') === null ? null : optionalText(cluster, 'name') || null,
      serverVersion: {
        major: optionalText(server, 'major'),
        minor: optionalText(server, 'minor'),
        gitVersion: optionalText(server, 'gitVersion'),
        platform: optionalText(server, 'platform'),
      },
      startedAt: new Date(startedAt),
    };
    this.#draft.observedAt = startedAt;
    this.#draft.clusterUid = this.#head.uid;
    this.#draft.clusterName = this.#head.name;
    this.#draft.clusterVersion = minorVersion(this.#head.serverVersion);
    const collector = fieldsIn(head, 'collector');
    const by = [optionalText(collector, 'name'), optionalText(collector, 'version')].filter((part) => part !== '');
    this.#draft.note(`Collected by ${by.join(' ') || 'a collector without a name'}.`);
    if (this.#draft.declared.partial) this.#builder.partial('Its poster says that it was restricted.');
  }

  line(line: unknown, pointer: string): void {
    if (this.#lists !== null) this.#builder.partial('There are lines after the end of the snapshot.');
    if (isFields(line) && isOurs(line)) this.#own(line);
    else this.#object(line, pointer);
  }

  #own(line: Fields): void {
    const kind = field(line, 'kind');
    if (kind === HEAD) {
      this.#builder.partial('There are two snapshots in one.');
    } else if (kind === END && field(line, 'apiVersion') === VERSION) {
      this.#readEnd(line);
    } else {
      this.#builder.partial('A line of the snapshot is of no kind that is known here.');
    }
  }

  #readEnd(line: Fields): void {
    if (this.#lists !== null) return;
    this.#lists = [];
    try {
      const finishedAt = instant(field(line, 'finishedAt'));
      if (finishedAt === null || (this.#head !== null && new Date(finishedAt) < this.#head.startedAt)) {
        this.#builder.partial('The snapshot does not say when it was finished, or that it was before it began.');
      }
      for (const member of list(line, 'lists')) this.#lists.push(listEndOf(fieldsOf(member)));
    } catch (error) {
      if (error instanceof Unreadable) this.#builder.partial('The end of the snapshot cannot be read.');
      throw error;
    }
  }

  #object(line: unknown, pointer: string): void {
    const [apiVersion, kind] = isFields(line) ? [field(line, 'apiVersion'), field(line, 'kind')] : [];
    if (!isFields(line) || typeof apiVersion !== 'string' || typeof kind !== 'string' || kind === '') {
      this.#builder.add(line);
      throw new Unreadable('', 'must be an object of Kubernetes with apiVersion and kind');
    }
    if (holdsLazyList(line)) {
      this.#builder.partial('It holds an object that is larger than any that Kubernetes keeps.');
      throw new Unreadable('', 'is larger than any object that Kubernetes keeps');
    }
    const slash = apiVersion.lastIndexOf('/');
    const group = apiVersion.slice(0, Math.max(0, slash));
    // Before checks have it, who change its numbers.
    tellFacts(this.#draft, { object: line, group, version: apiVersion.slice(slash + 1), kind, pointer });
    if (kind === 'Namespace' && group === '' && isKubeSystem(line)) {
      this.#hasKubeSystem = true;
      if (optionalText(fieldsIn(line, 'metadata'), 'uid') === '')
        this.#builder.partial('The namespace kube-system does not say by its uid which cluster it is of.');
    }
    this.#builder.add(line);
  }

  end(): { cluster: ClusterObjects; lists: readonly ListEnd[] } {
    if (this.#head === null) throw new Error('a snapshot begins with its head');
    const lists = this.#lists ?? [];
    // Every cluster has it, and by it the cluster is known.
    const hasAllNamespaces = lists.some(
      ({ group, kind, outcome }) => group === '' && kind === 'Namespace' && outcome === 'complete',
    );
    if (hasAllNamespaces && !this.#hasKubeSystem) {
      this.#builder.partial('It says that it holds all namespaces, and the namespace kube-system is not among them.');
    }
    for (const { kind, group, outcome, reason } of lists.filter((end) => isUnread(end)).slice(0, MAX_NOTES)) {
      const what = group === '' ? kind : `${kind} (${group})`;
      const because = reason === null || reason === '' ? '' : `: ${reason.slice(0, 200)}`;
      this.#draft.note(
        `Of ${what} not everything is known: the list was ${outcome === 'refused' ? 'refused' : 'not read to its end'}${because}.`,
      );
    }
    const cluster = this.#builder.build(this.#head, this.#lists, this.#rules.phi);
    if (cluster.partial.length === 0) this.#tellOpen(cluster, lists);
    return { cluster, lists };
  }

  /** Of which kinds not everything is known though no list says so: they were not asked for, or what came of them cannot be. */
  #tellOpen(cluster: ClusterObjects, lists: readonly ListEnd[]): void {
    const told = new Set(lists.filter(isUnread).map(({ group, kind }) => kindOf(group, kind)));
    const open = KINDS.filter((kind) => !told.has(kind)).flatMap(({ name }) => {
      const reason = cluster.incomplete(name);
      return reason === null ? [] : [{ name, reason }];
    });
    for (const [reason, kinds] of Map.groupBy(open, (one) => one.reason)) {
      const named = kinds.slice(0, MAX_KINDS).map(({ name }) => name);
      const more = kinds.length > MAX_KINDS ? ` and ${kinds.length - MAX_KINDS} more` : '';
      this.#draft.note(
        `Of ${named.join(', ')}${more} not everything is known: ${kinds.length === 1 ? 'it' : 'each'} ${reason}.`,
      );
    }
  }
}

/** Kinds that one note names. */
const MAX_KINDS = 20;

/** Major and minor as `1.34`. Providers write what they have added behind the number («34+»); what says neither says nothing. */
function minorVersion({ major, minor, gitVersion }: ClusterHead['serverVersion']): string | null {
  const said = /^(\d{1,3})\.(\d{1,4})\+?$/.exec(`${major}.${minor}`) ?? /^v?(\d{1,3})\.(\d{1,4})\./.exec(gitVersion);
  return said === null ? null : `${said[1]}.${said[2]}`;
}

/** Lists that are told to have failed: of a cluster without any right, all of them. */
const MAX_NOTES = 100;

const isUnread = ({ outcome }: ListEnd): boolean => outcome === 'refused' || outcome === 'failed';

const OUTCOMES: readonly unknown[] = ['complete', 'absent', 'refused', 'failed'] satisfies ListOutcome[];

function listEndOf(member: Fields): ListEnd {
  const outcome = field(member, 'outcome');
  if (!OUTCOMES.includes(outcome)) throw new Unreadable('/outcome', 'must be complete, absent, refused or failed');
  // A list that is complete says of how many: without it nobody could tell that some are missing.
  const count = field(member, 'count') ?? (outcome === 'complete' ? null : 0);
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0) {
    throw new Unreadable('/count', 'must be a whole number that is not negative');
  }
  const reason = field(member, 'reason') ?? null;
  return {
    group: optionalText(member, 'group'),
    version: text(member, 'version'),
    kind: text(member, 'kind'),
    outcome: outcome as ListOutcome,
    count,
    reason: typeof reason === 'string' ? reason : null,
  };
}

/** Kinds of which everything is known. Of those that no check reads the collector's word is all there is; a wrong number of any leaves nothing complete. */
function completeKinds(cluster: ClusterObjects, lists: readonly ListEnd[]): { group: string; kind: string }[] {
  if (cluster.partial.length > 0) return [];
  const incomplete = new Set(lists.filter(isUnread).map(({ group, kind }) => `${group}/${kind}`));
  return lists.filter(({ group, kind }) => {
    const known = kindOf(group, kind);
    return known === null ? !incomplete.has(`${group}/${kind}`) : cluster.incomplete(known.name) === null;
  });
}

function isKubeSystem(namespace: Fields): boolean {
  const metadata = field(namespace, 'metadata');
  return isFields(metadata) && field(metadata, 'name') === 'kube-system';
}

/** Lists of two megabytes and more are not held; etcd takes objects of 1.5 MiB at most. */
function holdsLazyList(value: object): boolean {
  if (value instanceof LazyList) return true;
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null && holdsLazyList(member as object)) return true;
  }
  return false;
}
