import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, parsed } from '../../../test/fixtures/reports/load.js';
import { parseReport } from './index.js';

const policy = (name: string, namespace?: string) => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  metadata: { name, namespace },
  spec: { mtls: { mode: 'STRICT' } },
});
const listOf = (...items: unknown[]) => ({ apiVersion: 'v1', kind: 'List', items });
const other = { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata: { name: 'a' } };
const extents = (document: unknown, ...targets: string[]) =>
  parsed(document, ...targets).coverage.map(({ target, extent }) => [target.name, extent]);

describe('facts about Kubernetes objects', () => {
  it('is an object the same, bare, in documents, in a List and in a typed list?', () => {
    const object = policy('a', 'clinic');
    const { metadata, spec } = object;
    const typed = { apiVersion: 'security.istio.io/v1', kind: 'PeerAuthenticationList', items: [{ metadata, spec }] };
    const { facts } = parsed(object);
    expect(facts).toMatchObject([
      {
        target: { kind: 'cluster', name: 'cluster' },
        source: 'istio/PeerAuthentication',
        subject: 'clinic/PeerAuthentication.security.istio.io/a',
        namespace: 'clinic',
      },
    ]);
    for (const document of [[object], listOf(object), typed, [listOf(object)], [typed]]) {
      expect(parsed(document).facts).toEqual(facts);
    }
    const yaml = `---\n---\n${JSON.stringify(object)}\n---\n${JSON.stringify(policy('b'))}\n`;
    expect(parseReport(Buffer.from(yaml), { declared: declared() }).facts).toHaveLength(2);
  });

  it('do they close something only where the poster says what was read?', () => {
    const document = listOf(policy('a', 'clinic'), policy('b'));
    expect(extents(document)).toEqual([['cluster', 'partial']]);
    expect(extents(document, 'cluster/cluster')).toEqual([['cluster', 'complete']]);
    expect(extents(document, 'namespace/clinic')).toEqual([
      ['clinic', 'complete'],
      ['cluster', 'partial'],
    ]);
    expect(faultOf(bytesOf(document), declared('namespace/other'))).toBe('target-mismatch');
    expect(faultOf(bytesOf(document), declared('cluster/other'))).toBe('target-mismatch');
    expect(faultOf(bytesOf(document), declared('cluster/cluster', 'namespace/clinic'))).toBe('target-mismatch');
    expect(faultOf(bytesOf(document), declared('account/a'))).toBe('target-mismatch');
  });

  it('does a list of one kind say nothing of another?', () => {
    const { coverage } = parsed(fixture('velero/backups.yaml'), 'cluster/cluster');
    expect(coverage.map(({ source }) => source)).toEqual([
      'velero/Backup',
      'velero/Restore',
      'velero/Schedule',
      'velero/BackupStorageLocation',
    ]);
  });

  it('does one page of a longer list close nothing?', () => {
    const page = { ...listOf(policy('a')), metadata: { continue: 'token', remainingItemCount: 3 } };
    expect(extents(page, 'cluster/cluster')).toEqual([['cluster', 'partial']]);
    expect(extents({ ...page, metadata: { continue: '' } }, 'cluster/cluster')).toEqual([['cluster', 'complete']]);
    expect(parsed(page).notes).toEqual([
      'A list is one page of a longer one (metadata.continue), so it closes nothing.',
    ]);
  });

  it('does what may be the last page of a longer list close nothing?', () => {
    const { metadata, spec } = policy('a');
    const page = {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthenticationList',
      metadata: { resourceVersion: '7' },
      items: [{ metadata, spec }],
    };
    for (const document of [page, [page], [listOf(policy('b')), page], { ...page, metadata: {} }]) {
      expect(extents(document, 'cluster/cluster')).toEqual([['cluster', 'partial']]);
    }
    expect(parsed(page).notes).toMatchObject([expect.stringContaining('kubectl get -o json')]);
    // So kubectl writes it, of all pages.
    const whole = { ...listOf(policy('a')), metadata: { resourceVersion: '' } };
    expect(extents(whole, 'cluster/cluster')).toEqual([['cluster', 'complete']]);
  });

  it('are other kinds of the group noted, wherever they stand?', () => {
    for (const document of [listOf(other, policy('a')), [policy('a'), other]]) {
      const report = parsed(document, 'cluster/cluster');
      expect(report).toMatchObject({ facts: [{}], rejects: [], coverage: [{ extent: 'complete' }] });
      expect(report.notes).toEqual(['Objects of other kinds than PeerAuthentication are not read.']);
    }
    expect(() => parsed(listOf(other))).toThrow(/^empty-report: .*PeerAuthentication.* none of these/);
  });

  it('is an object of another group a reject, which leaves everything open?', () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } };
    const report = parsed(listOf(policy('a'), pod, 7, null, { kind: 'Pod' }), 'cluster/cluster');
    expect(report.rejects.map(({ pointer }) => pointer)).toEqual([
      '/items/1/apiVersion',
      '/items/2',
      '/items/3',
      '/items/4/apiVersion',
    ]);
    expect(report).toMatchObject({ facts: [{}], coverage: [{ extent: 'partial' }] });
  });

  it('is an object without a name a reject, and one that cannot be read told with its place?', () => {
    const report = parsed(
      [policy(''), { ...policy('b'), spec: { portLevelMtls: { 80: { mode: 'strict' } } } }, policy('c')],
      'cluster/cluster',
    );
    expect(report.rejects.map(({ pointer }) => pointer)).toEqual(['/0/metadata/name', '/1/spec/portLevelMtls/80/mode']);
    expect(report).toMatchObject({ facts: [{}], coverage: [{ extent: 'partial' }] });
  });
});
