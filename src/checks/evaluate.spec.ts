import { describe, expect, it } from 'vitest';
import { ClusterBuilder, type ClusterHead, type ListEnd, type ListOutcome } from './cluster.js';
import { compileCheck } from './definition.js';
import { evaluate, type Budget, type Outcome } from './evaluate.js';
import { pathOf } from './examples.js';
import { KINDS, kindOf } from './kinds.js';
import { DEFAULT_PHI_LABELS } from './phi.js';

type Json = Record<string, unknown>;

const HEAD: ClusterHead = {
  uid: 'u-1',
  name: null,
  serverVersion: { major: '1', minor: '34', gitVersion: 'v1.34.1', platform: 'linux/amd64' },
  startedAt: new Date('2026-11-26T08:00:00Z'),
};

interface Snapshot {
  objects: unknown[];
  /** Kind → how its list ended, and how many it says that there are. */
  ends?: Record<string, Partial<ListEnd>>;
  cut?: boolean;
  phi?: string[];
}

function clusterOf({ objects, ends = {}, cut = false, phi = ['clinic'] }: Snapshot) {
  const builder = new ClusterBuilder();
  const counts = new Map<string, number>();
  for (const object of structuredClone(objects)) {
    const kind = (object as Json | null)?.['kind'];
    if (typeof kind === 'string') counts.set(kind, (counts.get(kind) ?? 0) + 1);
    builder.add(object);
  }
  const lists = KINDS.flatMap(({ name, group, kind, versions }): ListEnd[] => {
    const count = name === kind ? (counts.get(kind) ?? 0) : 0;
    const end: ListEnd = { group, kind, version: versions[0] ?? '', outcome: 'complete', count, reason: null };
    const told = Object.hasOwn(ends, name) ? ends[name] : {};
    return told === undefined ? [] : [{ ...end, ...told }];
  });
  return builder.build(HEAD, cut ? null : lists, { labels: DEFAULT_PHI_LABELS, namespaces: phi });
}

function checkOf(more: Json) {
  return compileCheck({
    id: 'example',
    title: 'It is so',
    practice: 'run-as-non-root',
    severity: 'high',
    each: 'Pod',
    pass: 'true',
    message: 'It is not so.',
    examples: { pass: [{ name: 'a', objects: [] }], fail: [{ name: 'a', objects: [] }] },
    ...more,
  });
}

function judge(check: Json, snapshot: Snapshot, budget?: Budget) {
  const outcomes: Outcome[] = [];
  const { complete, notes } = evaluate(
    [checkOf(check)],
    clusterOf(snapshot),
    (outcome) => outcomes.push(outcome),
    budget,
  );
  const said = outcomes.map(
    (outcome) => `${pathOf(outcome)} ${outcome.status}${outcome.message === null ? '' : `: ${outcome.message}`}`,
  );
  return { said, complete: complete.length === 1, notes };
}

const pod = (name: string, more: Json = {}, metadata: Json = {}): Json => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'clinic', uid: `uid-${name}`, ...metadata },
  spec: { containers: [{ name: 'main', image: 'nginx' }], ...more },
});
const namespace = (name: string, labels: Json = {}, uid = `uid-${name}`): Json => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels, uid },
});
const policy = (name: string, spec: Json): Json => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace: 'clinic' },
  spec,
});

describe('is an expression that throws an error, and never a pass?', () => {
  it.each<[string, Json, RegExp]>([
    ['a field that is not there', { pass: 'object.spec.hostNetwork == false' }, /No such key: hostNetwork/],
    ['a null', { pass: 'object.spec.none.size() == 0' }, /found no matching overload|no such overload/i],
    ['a field of a text', { pass: "object.kind.name == 'x'" }, /No such key|Cannot index/],
    ['what is no bool', { pass: 'object.kind' }, /pass is no bool/],
    ['where throws', { where: 'object.spec.hostNetwork', pass: 'true' }, /No such key: hostNetwork/],
    ['undecided throws', { undecided: 'object.spec.hostNetwork', without: 'x', pass: 'true' }, /No such key/],
    ['a wrong argument', { pass: "age(object.kind) < duration('1h')" }, /not an instant/],
    ['an unreadable selector', { pass: "selects({'matchLabels': 7}, object.metadata.labels)" }, /Not judged/],
    [
      'with its place',
      { pass: "object.kind == 'Pod'\n&& object.spec.hostNetwork" },
      /Not judged: pass: line 2, column 16: No such key: hostNetwork/,
    ],
    [
      'an index of what is no text',
      { pass: "objectsBy('Pod', 'spec.containers', 'x').size() == 0" },
      /neither a text nor/,
    ],
    ['initContainers that are no list', { pass: 'allContainers(object.spec).size() > 0' }, /initContainers is no list/],
    ['an overflow', { pass: 'object.spec.big * object.spec.big > 0' }, /overflow/],
    ['one error among the elements', { pass: 'object.spec.containers.all(c, c.readOnly == true)' }, /No such key/],
  ])('%s', (_, check, reason) => {
    const { said } = judge(check, {
      objects: [pod('web', { none: null, initContainers: { name: 'a' }, big: 9_000_000_000_000_000 })],
    });
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/^clinic\/Pod\/web error: Not judged: /);
    expect(said[0]).toMatch(reason);
  });

  it('an object without a spec, and one whose spec is a text', () => {
    const bare = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'bare', namespace: 'clinic' } };
    const { said } = judge(
      { each: 'Workload', pass: 'spec.hostNetwork != true' },
      { objects: [bare, { ...bare, metadata: { ...bare.metadata, name: 'odd' }, spec: 'x' }] },
    );
    expect(said).toEqual([
      'clinic/Deployment/bare error: Not judged: the workload has no pod template',
      'clinic/Deployment/odd error: Not judged: the workload has no pod template',
    ]);
  });

  it('a true on the other side of an or still counts, as in CEL', () => {
    expect(judge({ pass: 'object.spec.hostNetwork == false || true' }, { objects: [pod('web')] }).said).toEqual([
      'clinic/Pod/web pass',
    ]);
  });
});

describe('can nothing pass where a kind is not complete?', () => {
  const deny = { each: 'Namespace', pass: "denies(object, 'Ingress')", message: 'No.' };
  const objects = [namespace('clinic'), policy('deny', { podSelector: {}, policyTypes: ['Ingress'] })];

  it('what the check needs is there', () => {
    expect(judge(deny, { objects })).toMatchObject({ said: ['Namespace/clinic pass'], complete: true });
  });

  it.each<[ListOutcome, RegExp]>([
    ['refused', /NetworkPolicy was refused to the collector: forbidden/],
    ['failed', /NetworkPolicy could not be listed to its end/],
  ])('a kind that it reads was %s', (outcome, reason) => {
    const told = judge(deny, { objects, ends: { NetworkPolicy: { outcome, reason: 'forbidden' } } });
    expect(told.complete).toBe(false);
    expect(told.said).toHaveLength(1);
    expect(told.said[0]).toMatch(/^cluster error: Not judged: /);
    expect(told.said[0]).toMatch(reason);
  });

  it('a kind was not asked for', () => {
    const ends = { NetworkPolicy: undefined as unknown as Partial<ListEnd> };
    expect(judge(deny, { objects: [namespace('clinic')], ends })).toMatchObject({
      said: ['cluster error: Not judged: NetworkPolicy was not asked for.'],
      complete: false,
    });
  });

  it('a kind that the API server does not know has no objects', () => {
    const check = { each: 'Schedule', pass: 'true', none: 'fail', title: 'Backups are scheduled' };
    expect(judge(check, { objects: [], ends: { Schedule: { outcome: 'absent' } } })).toMatchObject({
      said: [
        'cluster fail: There is no Schedule that the check is about, and there must be one: Backups are scheduled.',
      ],
      complete: true,
    });
  });

  it('of the kind that is judged, failures are kept and passes are not', () => {
    const check = {
      pass: 'object.spec.?hostNetwork.orValue(false) == false',
      message: '{object.metadata.name} is on the host.',
    };
    const objects = [pod('good'), pod('bad', { hostNetwork: true })];
    expect(judge(check, { objects, ends: { Pod: { outcome: 'failed', reason: '410 Gone' } } })).toMatchObject({
      said: [
        'clinic/Pod/bad fail: bad is on the host.',
        'cluster error: Not judged as a whole: Pod could not be listed to its end: 410 Gone.',
      ],
      complete: false,
    });
  });

  it('absence is no pass where the kind was refused', () => {
    const check = { each: 'Secret', where: 'false', pass: 'true', none: 'pass' };
    expect(judge(check, { objects: [], ends: { Secret: { outcome: 'refused' } } }).said).toEqual([
      'cluster error: Not judged as a whole: Secret was refused to the collector.',
    ]);
  });

  it.each<[string, Snapshot, RegExp]>([
    ['the snapshot was cut', { objects: [pod('web')], cut: true }, /no end: it was cut/],
    [
      'it says that there are more',
      { objects: [pod('web')], ends: { Pod: { count: 2 } } },
      /says that it holds 2 of Pod, and holds 1/,
    ],
    [
      'objects of another cluster',
      { objects: [pod('web'), namespace('kube-system', {}, 'u-2')] },
      /of another cluster/,
    ],
    ['two objects of one name', { objects: [pod('web'), pod('web', {}, { uid: 'other' })] }, /twice, with two uids/],
    [
      'one object twice, of which nothing says that it is one',
      { objects: [pod('web', {}, { uid: '' }), pod('web', {}, { uid: '' })] },
      /without a uid/,
    ],
    ['a line that is no object', { objects: [pod('web'), 'x'] }, /no object of Kubernetes/],
    [
      'an object of a version that is not known',
      { objects: [pod('web'), { apiVersion: 'v2', kind: 'Pod', metadata: { name: 'new', namespace: 'clinic' } }] },
      /version v2, which checks do not know/,
    ],
    [
      'an object without a name',
      { objects: [pod('web'), { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'clinic' } }] },
      /without a name/,
    ],
    [
      'a pod without a namespace',
      { objects: [pod('web'), { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } }] },
      /without a namespace/,
    ],
  ])('%s', (_, snapshot, reason) => {
    const { said, complete } = judge({ pass: 'true' }, snapshot);
    expect(complete).toBe(false);
    expect(said.filter((line) => line.includes('pass'))).toEqual([]);
    expect(said.at(-1)).toMatch(reason);
  });

  it('the same object twice, as overlapping pages have it, is one', () => {
    expect(judge({ pass: 'true' }, { objects: [pod('web'), pod('web')] })).toMatchObject({
      said: ['clinic/Pod/web pass'],
      complete: true,
    });
  });

  it('objects of kinds that no check reads do no harm', () => {
    const other = { apiVersion: 'example.org/v1', kind: 'Pod', metadata: { name: 'x' } };
    expect(kindOf('example.org', 'Pod')).toBeNull();
    const builder = new ClusterBuilder();
    builder.add(other);
    const lists = KINDS.map(({ group, kind, versions }): ListEnd => ({
      group,
      kind,
      version: versions[0] ?? '',
      outcome: 'complete',
      count: 0,
      reason: null,
    }));
    const cluster = builder.build(HEAD, lists, { labels: [], namespaces: [] });
    expect([cluster.partial, cluster.incomplete('Pod')]).toEqual([[], null]);
  });

  it('a provider is not known without the nodes', () => {
    const check = { each: 'Cluster', pass: "cluster.provider == ''" };
    expect(judge(check, { objects: [], ends: { Node: { outcome: 'refused' } } }).said).toEqual([
      'cluster error: Not judged: Node was refused to the collector.',
    ]);
    expect(
      judge(
        { each: 'Cluster', pass: "cluster.version == 'v1.34.1'" },
        { objects: [], ends: { Node: { outcome: 'refused' } } },
      ).said,
    ).toEqual(['cluster pass']);
  });
});

describe('what is said where there is nothing to judge?', () => {
  it.each<[Json, string]>([
    [{}, 'cluster skip: There is no Pod that the check is about.'],
    [{ none: 'pass' }, 'cluster pass'],
    [{ none: 'fail' }, 'cluster fail: There is no Pod that the check is about, and there must be one: It is so.'],
    [{ without: 'Ask {cluster.version}.' }, 'cluster manual: Ask v1.34.1.'],
    [{ without: 'Ask.', none: 'skip' }, 'cluster skip: There is no Pod that the check is about.'],
    [{ where: 'false', none: 'pass' }, 'cluster pass'],
    [{ each: ['Role', 'ClusterRole'] }, 'cluster skip: There is no Role or ClusterRole that the check is about.'],
  ])('%j', (check, expected) => {
    expect(judge(check, { objects: [] }).said).toEqual([expected]);
  });

  it('what cannot be judged is something', () => {
    expect(judge({ where: 'object.spec.x', none: 'pass' }, { objects: [pod('web')] }).said).toEqual([
      'clinic/Pod/web error: Not judged: where: line 1, column 13: No such key: x',
    ]);
  });

  it('what the object does not tell is neither pass nor fail', () => {
    const check = {
      undecided: "object.metadata.name == 'web'",
      without: 'Ask about {object.metadata.name}.',
      pass: 'false',
    };
    expect(judge(check, { objects: [pod('web'), pod('db')] }).said).toEqual([
      'clinic/Pod/web manual: Ask about web.',
      'clinic/Pod/db fail: It is not so.',
    ]);
  });
});

describe('is a check that takes too long stopped, and the next one goes on?', () => {
  it('three loops over 300 objects', () => {
    const objects = Array.from({ length: 300 }, (_, index) => pod(`p${index}`));
    const loops = checkOf({
      id: 'loops',
      pass: "objects('Pod').all(a, objects('Pod').all(b, objects('Pod').all(c, a.kind == b.kind && b.kind == c.kind)))",
    });
    const next = checkOf({ id: 'next', pass: 'true' });
    const outcomes: Outcome[] = [];
    const began = performance.now();
    const { complete } = evaluate([loops, next], clusterOf({ objects }), (outcome) => outcomes.push(outcome), {
      perCheck: 300,
      inAll: 60_000,
    });
    expect(performance.now() - began).toBeLessThan(10_000);
    const of = (id: string) => outcomes.filter(({ check }) => check.id === id);
    expect(of('loops')).toHaveLength(300);
    expect(
      of('loops').every(
        ({ status, message }) => status === 'error' && message === 'Not judged: the check took longer than it may.',
      ),
    ).toBe(true);
    expect(of('next').map(({ status }) => status)).toEqual(Array.from({ length: 300 }, () => 'pass'));
    expect(complete).toEqual(['next']);
    // And the check that was stopped in the middle works again.
    expect(
      judge(
        { pass: "objects('Pod').all(a, objects('Pod').all(b, a.kind == b.kind))" },
        { objects: objects.slice(0, 3) },
      ).said,
    ).toHaveLength(3);
  });

  it('lists of lists that would take all memory', () => {
    const objects = Array.from({ length: 200 }, (_, index) => pod(`p${index}`));
    const lists = "objects('Pod').map(a, objects('Pod').map(b, objects('Pod').map(c, c))).size() > 0";
    // One object judged is enough: each makes all the lists that it may before it is stopped.
    expect(judge({ where: "object.metadata.name == 'p0'", pass: lists }, { objects }).said).toEqual([
      expect.stringMatching(/^clinic\/Pod\/p0 error: Not judged: pass: makes lists of more than 5000000 elements/),
    ]);
  });

  it('a text of all texts', () => {
    const objects = Array.from({ length: 200 }, (_, index) => pod(`p${index}`, { long: 'x'.repeat(10_000) }));
    expect(judge({ pass: "objects('Pod').map(p, p.spec.long).join(',').size() > 0" }, { objects }).said[0]).toMatch(
      /join\(\): the text would be longer than 1 MiB/,
    );
  });

  it('what is said where there is nothing to judge', () => {
    const loops =
      "{objects('Node').all(a, objects('Node').all(b, objects('Node').all(c, objects('Node').all(d, true))))}";
    const objects = Array.from({ length: 300 }, (_, index) => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: `n${index}` },
    }));
    const began = performance.now();
    expect(judge({ without: loops }, { objects }, { perCheck: 200, inAll: 60_000 }).said).toEqual([
      'cluster manual: ?',
    ]);
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('all checks together', () => {
    const outcomes: Outcome[] = [];
    const checks = ['a', 'b'].map((id) => checkOf({ id }));
    evaluate(checks, clusterOf({ objects: [pod('web')] }), (outcome) => outcomes.push(outcome), {
      perCheck: 1_000,
      inAll: 0,
    });
    expect(outcomes.map(({ status }) => status)).toEqual(['error', 'error']);
  });
});

describe('does a message say what it may, and no more?', () => {
  it.each<[string, string]>([
    ['{object.metadata.name} runs {object.spec.containers.map(c, c.image)}.', 'web runs nginx.'],
    ['{object.spec.nothing} is not there', '? is not there'],
    ['{object.spec.containers} is no text', '? is no text'],
    ['{\'{\' + object.kind + "}"} and {{braces}}', '{Pod} and {braces}'],
    ['{size(object.spec.containers)} of {object.spec.long}', `1 of ${'x'.repeat(199)}…`],
    ['{1 < 2}', 'true'],
  ])('%s', (message, expected) => {
    const { said } = judge({ pass: 'false', message }, { objects: [pod('web', { long: 'x'.repeat(500) })] });
    expect(said).toEqual([`clinic/Pod/web fail: ${expected}`]);
  });
});

describe('are labels that are named like parts of JavaScript hidden from no function?', () => {
  const hostile = JSON.parse('{"constructor":"x","app":"web"}') as Json;

  it('a policy that selects by such a label', () => {
    const objects = [
      pod('web', {}, { labels: hostile }),
      policy('open', { podSelector: { matchLabels: hostile }, policyTypes: ['Egress'], egress: [{}] }),
    ];
    const check = {
      pass: "isolated(object, 'Egress') && !peers(object, 'Egress').exists(p, p.everything)",
      message: '{peers(object, "Egress").map(p, p.policy)}',
    };
    expect(judge(check, { objects }).said).toEqual(['clinic/Pod/web fail: open']);
  });

  it('a pod template with such a label', () => {
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', namespace: 'clinic' },
      spec: {
        template: {
          metadata: { labels: hostile },
          spec: { hostNetwork: true, containers: [{ name: 'a', image: 'b' }] },
        },
      },
    };
    const check = {
      each: 'Workload',
      pass: "template.metadata.labels.constructor == 'x' && podSecurity(spec) == 'restricted'",
      message: '{podSecurity(spec)}',
    };
    expect(judge(check, { objects: [deployment] }).said).toEqual(['clinic/Deployment/d fail: privileged']);
  });
});

describe('is the reader of the results told what was taken for granted?', () => {
  it('nothing is marked as holding PHI', () => {
    expect(judge({}, { objects: [namespace('clinic')], phi: [] }).notes).toEqual([
      expect.stringMatching(/Nothing in the cluster is marked/),
    ]);
  });

  it('a namespace of the list is not there', () => {
    expect(judge({}, { objects: [namespace('clinic')], phi: ['clinic', 'klinic'] }).notes).toEqual([
      expect.stringMatching(/lists the namespace klinic/),
    ]);
  });
});
