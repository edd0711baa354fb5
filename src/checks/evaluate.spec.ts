import { describe, expect, it } from 'vitest';
import { growthByClock } from '../../test/support/growth.js';
import { checkOf, clusterOf, type Json, judge, namespace, pod, policy } from '../../test/support/judged.js';
import { evaluate, type Outcome } from './evaluate.js';

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
    const { complete } = evaluate([loops, next], clusterOf({ objects }), (outcome) => outcomes.push(outcome), {
      perCheck: 300,
      inAll: 60_000,
    });
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
    expect(judge({ without: loops }, { objects }, { perCheck: 200, inAll: 60_000 }).said).toEqual([
      'cluster manual: ?',
    ]);
  });

  it.each<[string, (loops: string) => Json]>([
    ['of the objects', (loops) => ({ pass: loops })],
    ['of what is said where there is nothing to judge', (loops) => ({ each: 'Node', without: `{${loops}}` })],
  ])('however many there are of the loops %s, and not later', async (_, check) => {
    const loops = "objects('Pod').all(a, objects('Pod').all(b, objects('Pod').all(c, a.kind == c.kind)))";
    const look = (count: number): void => {
      const objects = Array.from({ length: count }, (_each, index) => pod(`p${index}`));
      judge(check(loops), { objects }, { perCheck: 50, inAll: 60_000 });
    };
    // 27 times as many steps.
    expect(await growthByClock(look, 40, 3)).toBeLessThan(9);
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
