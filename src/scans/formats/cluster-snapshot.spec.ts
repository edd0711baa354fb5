import { describe, expect, it } from 'vitest';
import { declared, fixture, fixtureNames, golden } from '../../../test/fixtures/reports/load.js';
import { DEFINITIONS, RULES } from '../../../test/fixtures/reports/rules.js';
import { DEFAULT_PHI_LABELS } from '../../checks/phi.js';
import { rulesOf, type SnapshotRules } from '../../checks/snapshot-rules.js';
import { NO_SETTINGS } from '../../organizations/organization.schema.js';
import type { Declared, Report } from '../report.js';
import { ReportFault } from '../report.js';
import { parseReport } from './index.js';

type Line = Record<string, unknown>;

const LINES: readonly Line[] = fixture('cluster-snapshot/clinic.ndjson')
  .toString('utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Line);
const copy = (): Line[] => structuredClone(LINES) as Line[];
const [HEAD, END] = [0, LINES.length - 1];

const read = (bytes: Buffer, rules: SnapshotRules = RULES, by: Declared = declared()): Report =>
  parseReport(bytes, { declared: by, rules: () => rules });
const bytesOf = (lines: readonly unknown[]): Buffer =>
  Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
const reread = (change: (lines: Line[]) => unknown, rules: SnapshotRules = RULES): Report => {
  const lines = copy();
  change(lines);
  return read(bytesOf(lines), rules);
};
const statuses = ({ results }: Report): Record<string, string[]> => {
  const of: Record<string, string[]> = {};
  for (const { check, resource, status } of results) (of[check] ??= []).push(`${resource} ${status}`);
  return of;
};
const passes = ({ results }: Report): number => results.filter(({ status }) => status === 'pass').length;
const completeSources = ({ coverage }: Report): string[] =>
  coverage.filter(({ extent }) => extent === 'complete').map(({ source }) => source);
const listOf = (lines: Line[], kind: string): Line =>
  (lines.at(-1)?.['lists'] as Line[]).find((one) => one['kind'] === kind)!;
const objectOf = (lines: Line[], kind: string, name: string): Line & { metadata: Line } =>
  lines.find((line) => line['kind'] === kind && (line['metadata'] as Line)['name'] === name) as Line & {
    metadata: Line;
  };

describe('a snapshot of a cluster', () => {
  it.each(fixtureNames('cluster-snapshot'))('does %s give its golden report?', (name) => {
    const report = read(fixture(name));
    expect(report).toEqual(golden(name, report));
  });

  it.each([
    ['major and minor', { major: '1', minor: '34', gitVersion: 'v1.34.1' }, '1.34'],
    ['a minor of a provider', { major: '1', minor: '34+', gitVersion: 'v1.34.1-eks-3025e55' }, '1.34'],
    ['the version of its sources alone', { gitVersion: 'v1.34.1+k3s1' }, '1.34'],
    ['nothing that is a version', { major: 'one', minor: '34', gitVersion: 'latest' }, undefined],
    ['nothing', {}, undefined],
  ])('does the cluster’s version come from %s?', (_, serverVersion, version) => {
    expect(reread((lines) => (lines[HEAD]!['serverVersion'] = serverVersion)).clusterVersion).toBe(version);
  });

  it('does it judge what is there, once for each that people wrote?', () => {
    const report = read(bytesOf(LINES));
    expect(statuses(report)).toEqual({
      'workload-non-root': ['web/Pod/debug pass', 'emr/Deployment/portal fail', 'emr/StatefulSet/database pass'].sort(
        (a, b) => statuses(report)['workload-non-root']!.indexOf(a) - statuses(report)['workload-non-root']!.indexOf(b),
      ),
      'phi-namespace-enforced': ['Namespace/emr pass'],
      'no-roles': ['cluster error'],
      'backed-up': ['cluster pass'],
      throws: ['emr/ServiceAccount/portal error'],
    });
    expect(report).toMatchObject({
      tool: 'safeguard-checks',
      toolVersion: '2026.11.9',
      observedAt: '2026-06-01T08:00:00.000Z',
      clusterName: 'clinic-prod',
    });
    // What is said of a namespace counts among what lies in it.
    expect(report.results.find(({ resource }) => resource === 'Namespace/emr')?.namespace).toBe('emr');
  });

  it('are checks covered whose kinds are all there, and no others?', () => {
    const { coverage } = read(bytesOf(LINES));
    const ours = coverage.filter(({ source }) => source === 'safeguard-checks');
    expect(ours).toMatchObject([{ target: { kind: 'cluster', name: 'cluster' }, extent: 'complete', silentPass: [] }]);
    expect(ours[0]?.checks?.toSorted()).toEqual(['backed-up', 'phi-namespace-enforced', 'throws', 'workload-non-root']);
    // Where nothing is left out, what no check speaks of any more is closed with the rest.
    const all = reread((lines) => Object.assign(listOf(lines, 'Role'), { outcome: 'complete', reason: null }));
    expect(all.coverage.find(({ source }) => source === 'safeguard-checks')).toMatchObject({ checks: null });
  });

  it('are facts those of the lists that kubectl gives, complete where the list was, also where there are none?', () => {
    const report = read(bytesOf(LINES));
    const list = parseReport(
      Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: LINES.slice(1, 4) })),
      { declared: declared('cluster/cluster') },
    );
    const namespaces = ({ facts }: Report) => facts.filter(({ source }) => source === 'kubernetes/Namespace');
    expect(namespaces(report)).toEqual(namespaces(list));
    expect(report.facts.map(({ subject }) => subject)).toContain(
      'emr/Schedule.velero.io/nightly'.replace('emr', 'velero'),
    );
    const complete = completeSources(report);
    // Absent is known to be none; refused is not known.
    expect(complete).toContain('istio/PeerAuthentication');
    expect(complete).toContain('kubernetes/Deployment');
    expect(complete).not.toContain('kubernetes/Role');
    expect(report.notes.join(' ')).toContain(
      'Of Role (rbac.authorization.k8s.io) not everything is known: the list was refused',
    );
  });

  it('are Pods and ReplicaSets of a controller left out of the facts?', () => {
    const subjects = read(bytesOf(LINES)).facts.map(({ subject }) => subject);
    expect(subjects.filter((subject) => /\/(Pod|ReplicaSet|Job)\//.test(subject))).toEqual(['web/Pod/debug']);
  });

  it('do fewer kinds than checks read give errors, and never a pass?', () => {
    const report = reread((lines) => {
      const lists = lines[END]!['lists'] as Line[];
      lines[END]!['lists'] = lists.filter(({ kind }) => kind !== 'Schedule' && kind !== 'CronJob');
      lines.splice(lines.indexOf(objectOf(lines, 'Schedule', 'nightly')), 1);
    });
    const { 'backed-up': backedUp, 'workload-non-root': workloads } = statuses(report);
    expect(backedUp).toEqual(['cluster error']);
    expect(workloads).toEqual(['emr/Deployment/portal fail', 'cluster error']);
    expect(report.results.find(({ check }) => check === 'backed-up')?.message).toContain('Schedule was not asked for');
  });
});

/** What makes all of it partial. */
const TRAPS: Readonly<Record<string, (lines: Line[]) => unknown>> = {
  'without its end': (lines) => lines.pop(),
  'cut in the middle': (lines) => lines.splice(8),
  'with two heads': (lines) => lines.splice(3, 0, structuredClone(lines[HEAD]!)),
  'of another cluster than its head says': (lines) =>
    (objectOf(lines, 'Namespace', 'kube-system').metadata['uid'] = 'other'),
  'whose kube-system does not say which it is': (lines) =>
    delete objectOf(lines, 'Namespace', 'kube-system').metadata['uid'],
  'without kube-system': (lines) => {
    lines.splice(1, 1);
    listOf(lines, 'Namespace')['count'] = 2;
  },
  'with fewer objects than it says': (lines) => lines.splice(2, 1),
  'with more objects than it says': (lines) =>
    lines.splice(2, 0, { ...structuredClone(lines[3]!), metadata: { name: 'more', uid: 'more' } }),
  'with one object twice under two uids': (lines) => {
    const twin = structuredClone(objectOf(lines, 'Namespace', 'web'));
    twin.metadata['uid'] = 'other';
    lines.splice(2, 0, twin);
    listOf(lines, 'Namespace')['count'] = 4;
  },
  'with an object of a kind that it says is absent': (lines) => {
    const object = {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'a', namespace: 'emr', uid: 'a' },
    };
    lines.splice(5, 0, object);
  },
  'with something after its end': (lines) => lines.push(structuredClone(lines[3]!)),
  'with a line that is no object': (lines) => lines.splice(3, 0, [] as unknown as Line),
  'with an object that does not say its kind': (lines) => delete lines[4]!['kind'],
  'with a line of ours that is not known': (lines) =>
    lines.splice(3, 0, { apiVersion: 'safeguard.dev/v9', kind: 'Extra' }),
  'with an outcome that is not known': (lines) => (listOf(lines, 'Role')['outcome'] = 'partial'),
  'with a count that is no number': (lines) => (listOf(lines, 'Role')['count'] = '0'),
  'without the count of a list that is complete': (lines) => {
    delete listOf(lines, 'NetworkPolicy')['count'];
    lines.splice(
      lines.findIndex(({ kind }) => kind === 'NetworkPolicy'),
      1,
    );
  },
  'that ends before it began': (lines) => (lines[END]!['finishedAt'] = '2026-05-31T00:00:00Z'),
  'with an object of two megabytes': (lines) =>
    (objectOf(lines, 'ConfigMap', 'settings')['list'] = Array.from({ length: 60_000 }, () => 'x'.repeat(40))),
};

describe('a snapshot that cannot be the whole of one cluster', () => {
  it.each(Object.entries(TRAPS))(
    'does one %s pass nothing, close nothing, keep its failures and say why?',
    (_, change) => {
      const intact = read(bytesOf(LINES));
      const report = reread(change);
      expect(passes(intact)).toBe(4);
      expect(passes(report)).toBe(0);
      expect(completeSources(report)).toEqual([]);
      expect(report.notes.filter((note) => !intact.notes.includes(note))).not.toEqual([]);
      const failed = intact.results.filter(({ status }) => status === 'fail');
      expect(report.results).toEqual(expect.arrayContaining(failed));
    },
  );

  it('does it say of which kinds not everything is known, though no list says that it failed?', () => {
    const { notes } = reread((lines) => {
      (lines[END]!['lists'] as Line[]).splice(
        (lines[END]!['lists'] as Line[]).findIndex(({ kind }) => kind === 'Namespace'),
        1,
      );
      objectOf(lines, 'NetworkPolicy', 'default-deny')['apiVersion'] = 'networking.k8s.io/v7';
    });
    expect(notes.join(' ')).toMatch(/Of [^:]*Namespace[^:]* not everything is known: each was not asked for\./);
    expect(notes).toContain(
      'Of NetworkPolicy not everything is known: it holds an object of version v7, which checks do not know.',
    );
  });

  it('does an unknown version of a kind take that kind alone?', () => {
    const report = reread(
      (lines) => (objectOf(lines, 'NetworkPolicy', 'default-deny')['apiVersion'] = 'networking.k8s.io/v7'),
    );
    expect(completeSources(report)).not.toContain('kubernetes/NetworkPolicy');
    expect(completeSources(report)).toContain('kubernetes/Namespace');
  });

  it('is a kind that every API server has, said to be absent, not known to have no objects?', () => {
    for (const kind of ['Job', 'CronJob']) {
      const report = reread((lines) => {
        lines.splice(0, lines.length, ...lines.filter((line) => line['kind'] !== kind));
        Object.assign(listOf(lines, kind), { outcome: 'absent', count: 0 });
      });
      expect(statuses(report)['workload-non-root']).toEqual(['emr/Deployment/portal fail', 'cluster error']);
    }
  });

  it('is a kind that was looked for in a version that is not known not known to be absent?', () => {
    expect(completeSources(read(bytesOf(LINES)))).toContain('istio/PeerAuthentication');
    const report = reread((lines) => (listOf(lines, 'PeerAuthentication')['version'] = 'v7'));
    expect(completeSources(report)).not.toContain('istio/PeerAuthentication');
  });

  it('does a poster who says partial keep it from passing?', () => {
    const report = read(bytesOf(LINES), RULES, { targets: [], partial: true });
    expect([passes(report), completeSources(report)]).toEqual([0, []]);
  });

  it.each([
    ['of another version', { apiVersion: 'safeguard.dev/v2' }],
    ['without its time', { startedAt: undefined }],
    ['with a time without a zone', { startedAt: '2026-06-01T08:00:00' }],
    ['without its cluster', { cluster: {} }],
  ])('is one %s refused?', (_, change) => {
    const lines = copy();
    Object.assign(lines[HEAD]!, change);
    expect(() => read(bytesOf(lines))).toThrow(ReportFault);
    expect(() => read(bytesOf(lines))).toThrow(/^malformed-report/);
  });

  it('is a head alone nothing?', () => {
    expect(() => parseReport(bytesOf(LINES.slice(0, 1)), { declared: declared() })).toThrow(/^empty-report/);
    expect(passes(read(bytesOf(LINES.slice(0, 1))))).toBe(0);
  });

  it('is a target that somebody declares refused?', () => {
    expect(() => read(bytesOf(LINES), RULES, declared('cluster/cluster'))).toThrow(/^target-mismatch/);
  });
});

describe('the rules', () => {
  it('do organisations begin with the labels by which examples are judged?', () => {
    expect(NO_SETTINGS.phiLabels).toEqual(DEFAULT_PHI_LABELS);
  });

  const changed = (...changes: Parameters<typeof rulesOf>[0]['changes']) =>
    rulesOf({ catalogue: '2026.11.9', definitions: DEFINITIONS, changes, program: 'test', phi: RULES.phi });

  it('is a check that was switched off neither judged nor left open?', () => {
    const report = read(bytesOf(LINES), changed({ id: 'workload-non-root', version: 3, definition: null }));
    expect(statuses(report)).not.toHaveProperty('workload-non-root');
    expect(report.coverage.find(({ source }) => source === 'safeguard-checks')?.checks).toContain('workload-non-root');
  });

  it('does the version say that the organisation has changed them, and how?', () => {
    const own = { ...DEFINITIONS[0]!, id: 'org/own', pass: 'true' };
    const one = read(bytesOf(LINES), changed({ id: own.id, version: 1, definition: own }));
    expect(one.toolVersion).toMatch(/^2026\.11\.9\+[0-9a-f]{12}$/);
    expect(statuses(one)['org/own']).toHaveLength(3);
    const other = changed({ id: own.id, version: 2, definition: { ...own, pass: 'false' } });
    expect(other.version).not.toBe(one.toolVersion);
    expect(other.digest).not.toBe(changed({ id: own.id, version: 1, definition: own }).digest);
  });

  it('does the scan name the version of each check that the organisation has changed, and none otherwise?', () => {
    const own = { ...DEFINITIONS[0]!, id: 'org/own' };
    const rules = changed(
      { id: own.id, version: 2, definition: own },
      // Switched off: nothing is said by it.
      { id: 'workload-non-root', version: 3, definition: null },
    );
    expect(read(bytesOf(LINES), rules).notes).toContain(
      'Checks as the organisation has changed them: org/own version 2.',
    );
    expect(read(bytesOf(LINES)).notes.join('\n')).not.toContain('the organisation has changed');
    // A version of the same content judges the same, and nothing is judged anew for it.
    expect(changed({ id: own.id, version: 9, definition: own }).digest).toBe(
      changed({ id: own.id, version: 2, definition: own }).digest,
    );
  });

  it('is one that does not compile any more an error, and the others judge?', () => {
    const broken = { ...DEFINITIONS[0]!, id: 'org/broken', pass: 'nobody(object)' };
    const report = read(bytesOf(LINES), changed({ id: broken.id, version: 1, definition: broken }));
    expect(statuses(report)['org/broken']).toEqual(['cluster error']);
    expect(passes(report)).toBe(4);
    expect(report.coverage.find(({ source }) => source === 'safeguard-checks')?.checks).not.toContain('org/broken');
  });

  it('are members of a definition in another order the same rules?', () => {
    const [first, ...rest] = DEFINITIONS;
    const turned = Object.fromEntries(Object.entries(first!).reverse()) as typeof first & object;
    expect(
      rulesOf({ catalogue: '2026.11.9', definitions: [turned, ...rest], changes: [], program: 'test', phi: RULES.phi }),
    ).toMatchObject({
      version: RULES.version,
      digest: RULES.digest,
    });
  });
});
