import { describe, expect, it } from 'vitest';
import { growth } from '../../test/support/growth.js';
import { clusterOf } from './examples.js';
import { compile, over } from './environment.js';
import { ExpressionFault } from './expression.js';

const cluster = clusterOf({ name: 'none', objects: [] });

function value(source: string, object: unknown = {}): unknown {
  const expression = compile(source, ['Pod'], 'any');
  return over(cluster, () => expression.evaluate({ object, namespaceObject: null, cluster: cluster.variable }));
}

function fault(source: string, each = 'Pod'): ExpressionFault {
  try {
    compile(source, [each], 'bool');
  } catch (error) {
    if (error instanceof ExpressionFault) return error;
    throw error;
  }
  throw new Error(`${source} compiles`);
}

describe('is what is no expression told with its place and reason?', () => {
  it.each([
    ['object.', 1, 8, /Expected IDENTIFIER/],
    ['true &&\n  (object.x ==', 2, 15, /Unexpected token/],
    ['nosuch(object)', 1, 1, /no function nosuch/],
    ['object.x.nosuch()', 1, 1, /no function nosuch/],
    ['objekt.x == 1', 1, 1, /Unknown variable: objekt/],
    ["1 + 'a' == 2", 1, 1, /no such overload: int \+ string/],
    ['size(object)', 1, 1, /of type int and must be a bool/],
    ['spec.hostNetwork == true', 1, 1, /Unknown variable: spec/],
    ['object.x.matches(object.y)', 1, 18, /must be a literal/],
    ["object.x.matches('a(?=b)')", 1, 18, /no RE2 regular expression/],
    ["object.x.find('(a)\\\\1')", 1, 15, /no RE2 regular expression/],
    [`object.x.matches('${'a'.repeat(2000)}')`, 1, 18, /at most 1000 characters/],
    ['objects(object.kind).size() == 0', 1, 9, /must be a literal/],
    ["b'{}'.json() == {}", 1, 1, /no function json/],
    ['__proto__ == 1', 1, 1, /Reserved identifier/],
  ])('%s', (source, line, column, reason) => {
    const told = fault(source);
    expect(told.reason).toMatch(reason);
    expect([told.line, told.column]).toEqual([line, column]);
  });

  it('five thousand parentheses', () => {
    expect(fault(`${'('.repeat(5000)}true${')'.repeat(5000)}`).reason).toMatch(/maxDepth|nested too deep/);
  });

  it('five thousand negations, which the library does not count as depth', () => {
    expect(fault(`${'!'.repeat(5000)}true`).reason).toMatch(/maxAstNodes|nested too deep/);
  });

  it('loops five deep in each other', () => {
    const loops = ['a', 'b', 'c', 'd', 'e'].reduceRight((inner, name) => `object.l.all(${name}, ${inner})`, 'true');
    expect(fault(loops).reason).toMatch(/loops may lie 4 deep/);
  });

  it('names that each double what they name', () => {
    const names = Array.from('abcdefghi');
    const source = names.reduceRight(
      (inner, name, index) =>
        `cel.bind(${name}, ${names[index - 1] ?? '[1]'} + ${names[index - 1] ?? '[1]'}, ${inner})`,
      'true',
    );
    expect(fault(source).reason).toMatch(/at most 8 names/);
  });

  it('variables of workloads are there for workloads alone', () => {
    expect(compile('spec.hostNetwork == true', ['Workload'], 'bool').type).toBe('bool');
  });
});

describe('is arithmetic that of Kubernetes?', () => {
  it.each<[string, unknown]>([
    ['object.replicas + 1', 4n],
    ['object.replicas == 3', true],
    ['object.replicas > 2.5', true],
    ['object.ratio * 2.0', 3],
    ['object.replicas / 2', 1n],
    ["int('08') == 8", Error],
    ["int('')", Error],
    ["int('0x1f')", Error],
    ["int('-12')", -12n],
    ["int('9223372036854775808')", Error],
    ['int(2.9)', 2n],
    ['9223372036854775807 + object.replicas', Error],
    ['object.replicas / 0', Error],
  ])('%s', (source, expected) => {
    const evaluated = () => value(source, { replicas: 3n, ratio: 1.5 });
    if (expected === Error) expect(evaluated).toThrow();
    else expect(evaluated()).toEqual(expected);
  });
});

describe('are instants and lengths of time those of RFC 3339 and Go?', () => {
  it.each<[string, unknown]>([
    ["timestamp('2026-11-26T08:00:00Z') < timestamp('2026-11-26T10:00:00+01:00')", true],
    ["timestamp('2026-11-26T08:00:00.123456789Z') > timestamp('2026-11-26T08:00:00Z')", true],
    ["timestamp('Thu Nov 26 2026 08:00:00')", Error],
    ["timestamp('2026-11-26 08:00:00')", Error],
    ["timestamp('2026-02-31T08:00:00')", Error],
    ["duration('1h30m') == duration('90m')", true],
    ["duration('1.5h') == duration('5400s')", true],
    ["duration('-1h') < duration('0')", true],
    ["duration('1d')", Error],
    ["duration('s')", Error],
    ["duration('')", Error],
    ["timestamp('2026-11-26T08:00:00Z') - timestamp('2026-11-25T08:00:00Z') == duration('24h')", true],
    ["age('2026-11-25T08:00:00Z') == duration('24h')", true],
    ["age('2026-11-27T08:00:00Z') < duration('0s')", true],
    ["now() == timestamp('2026-11-26T08:00:00Z')", true],
  ])('%s', (source, expected) => {
    if (expected === Error) expect(() => value(source)).toThrow();
    else expect(value(source)).toBe(expected);
  });
});

describe('are regular expressions those of RE2, and quick?', () => {
  it.each<[string, boolean]>([
    ["'PASSWORD'.matches('(?i)^pass')", true],
    ["'a-b'.matches('^[[:alpha:]]+$')", false],
    ["'abc'.matches('b')", true],
    ["'x'.find('y') == ''", true],
    ["'a1b22'.findAll('[0-9]+') == ['1', '22']", true],
    ["'a1b22'.findAll('[0-9]+', 1) == ['1']", true],
  ])('%s', (source, expected) => expect(value(source)).toBe(expected));

  it('a pattern on which JavaScript takes longer than the sun shines', async () => {
    const look = (length: number): void =>
      expect(value("object.x.matches('^(a+)+$')", { x: `${'a'.repeat(length)}!` })).toBe(false);
    // Short ones first: whoever goes back takes two thousand times as long of the longer, and comes to an end.
    expect(await growth(look, 11, 2)).toBeLessThan(10);
    expect(await growth(look, 625, 8)).toBeLessThan(40);
  });
});

describe('is JavaScript out of reach?', () => {
  it.each([
    'object.constructor',
    'object.toString',
    "object['__proto__']",
    'object.metadata.constructor',
    'object.?constructor.value()',
  ])('%s', (source) => expect(() => value(source, { metadata: {} })).toThrow(/No such key|not present/));

  it.each([
    "'constructor' in object.metadata.labels",
    "object.metadata.labels.constructor == 'x'",
    "object.metadata.labels['__proto__'] == 'y'",
  ])('labels of such names are labels: %s', (source) => {
    const hostile = JSON.parse(
      '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"b","labels":{"constructor":"x","__proto__":"y"}}}',
    ) as Record<string, unknown>;
    const other = clusterOf({ name: 'hostile', objects: [hostile] });
    const [object] = other.list('Pod');
    const expression = compile(source, ['Pod'], 'bool');
    expect(over(other, () => expression.evaluate({ object: other.views.seen(object) }))).toBe(true);
  });
});

describe('are the kinds that an expression reads found?', () => {
  it.each([
    ["objects('NetworkPolicy').exists(p, true)", ['NetworkPolicy']],
    ["object.x.all(o, inNamespace('Service', o).size() == 0)", ['Service']],
    ["objectsBy('Backup', 'spec.includedNamespaces', 'x').size() == 0", ['Backup']],
  ])('%s', (source, kinds) => {
    expect([...compile(source, ['Pod'], 'bool').kinds]).toEqual(kinds);
  });

  it('a variable that a loop binds is not the variable of that name', () => {
    expect([...compile('object.list.all(cluster, cluster.provider == 1)', ['Pod'], 'bool').variables]).toEqual([
      'object',
    ]);
  });
});

describe('do lists, sets and texts answer as CEL does?', () => {
  it.each<[string, unknown]>([
    ["sets.contains(['a', 'b'], ['b'])", true],
    ["sets.contains(['a'], ['a', 'b'])", false],
    ['sets.contains([1], [1.0])', true],
    ['sets.equivalent([1, 2, 2], [2, 1])', true],
    ["sets.intersects(object.l, ['y'])", false],
    ['[3, 1, 2].min()', 1n],
    ["['b', 'a'].max()", 'b'],
    ['object.none.max()', Error],
    ['[1, 2, 3].sum()', 6n],
    ['object.none.sum()', 0n],
    ['[1, 2, 2].isSorted()', true],
    ["['b', 'a'].isSorted()", false],
    ["['a', 'b', 'a'].indexOf('a')", 0n],
    ["['a', 'b', 'a'].lastIndexOf('a')", 2n],
    ["'a-b-c'.replace('-', '+')", 'a+b+c'],
    ["'a-b-c'.replace('-', '+', 1)", 'a+b-c'],
    ["'a-b-c'.replace('', 'x').size() < 100", true],
    ["'abc'.charAt(1)", 'b'],
    ["'abc'.charAt(3)", ''],
    ["'abc'.charAt(4)", Error],
    ["'%s has %d'.format(['a', 3])", 'a has 3'],
    ["'%s'.format([])", Error],
    ["'%d'.format(['a'])", Error],
    ['flatten([[1], [2, 3]])', [1n, 2n, 3n]],
    ["distinct(['a', 'b', 'a'])", ['a', 'b']],
    ["['a', 'b'].join(', ')", 'a, b'],
  ])('%s', (source, expected) => {
    const evaluated = () => value(source, { l: ['x'], none: [] });
    if (expected === Error) expect(evaluated).toThrow();
    else expect(evaluated()).toEqual(expected);
  });

  it('a text does not grow without end', () => {
    expect(() => value("object.x.replace('a', object.x).replace('a', object.x)", { x: 'a'.repeat(2000) })).toThrow(
      /1 MiB/,
    );
  });
});

describe('are the values of Kubernetes compared as there?', () => {
  it.each([
    "quantity('1Gi').isGreaterThan(quantity('1000Mi'))",
    "quantity('0.5') == quantity('500m')",
    "quantity('2').asInteger() == 2",
    "semver('1.34.1').isGreaterThan(semver('1.9.0'))",
    "semver('v1.34', true).minor() == 34",
    "ip('::1').isLoopback() && ip('10.0.0.1').family() == 4",
    "cidr('10.0.0.0/8').containsIP('10.1.2.3') && !cidr('10.0.0.0/8').containsCIDR(cidr('0.0.0.0/0'))",
    "ip.isCanonical('2001:db8::1')",
    "url('https://db.example.org:5432/x').getHostname() == 'db.example.org'",
    "url('https://e.org/?a=1').getQuery()['a'] == ['1']",
    "isQuantity('1x') == false && isIP('a') == false && isCIDR('10.0.0.0') == false && isURL('x') == false && isSemver('1') == false",
    "image('nginx').registry == 'docker.io' && image('nginx').tag == 'latest' && image('r.io/a@sha256:' + object.hex).digest.startsWith('sha256:')",
    "selects({'matchLabels': {'a': 'b'}}, {'a': 'b', 'c': 'd'}) && !selects(null, {}) && selects({}, {'a': 'b'})",
  ])('%s', (source) => expect(value(source, { hex: 'a'.repeat(64) })).toBe(true));
});

describe('is the longest time between two runs of a schedule found?', () => {
  it.each([
    ['0 3 * * *', '24h'],
    ['*/15 * * * *', '15m'],
    ['0 3 * * 1-5', '72h'],
    ['30 2,14 * * *', '12h'],
    ['0 0 1 * *', '744h'],
    ['0 0 1 1 *', '8784h'],
    ['0 0 29 2 *', '35064h'],
    ['0 0 1 * MON', '168h'],
    ['5/20 * * * *', '20m'],
    ['@every 6h', '6h'],
    ['@weekly', '168h'],
    ['CRON_TZ=Europe/Berlin 0 3 * * *', '24h'],
  ])('%s', (schedule, length) => {
    expect(value(`cronGap('${schedule}') == duration('${length}')`)).toBe(true);
  });

  it.each([
    '',
    '* * * *',
    '60 * * * *',
    '* * * * 7',
    '0 0 31 2 *',
    '*/0 * * * *',
    '5-1 * * * *',
    'nonsense',
    '@every 0s',
    '@reboot',
  ])('refuses %s', (schedule) => {
    expect(() => value(`cronGap('${schedule}')`)).toThrow(/cronGap|duration/);
  });
});
