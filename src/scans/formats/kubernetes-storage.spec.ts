import { describe, expect, it } from 'vitest';
import { fixture, fixtureNames, golden, parsed } from '../../../test/fixtures/reports/load.js';

const storageClass = (parameters: unknown) => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'a' },
  provisioner: 'ebs.csi.aws.com',
  parameters,
});
const snapshot = (status: unknown, kind = 'VolumeSnapshot') => ({
  apiVersion: 'snapshot.storage.k8s.io/v1',
  kind,
  metadata: { name: 'a', namespace: kind === 'VolumeSnapshot' ? 'clinic' : undefined },
  spec: {},
  status,
});
const value = (document: unknown) => parsed(document).facts[0]?.value;

describe('Kubernetes storage', () => {
  it.each(fixtureNames('kubernetes-storage'))('does %s give its golden facts, and no message of a driver?', (name) => {
    const report = parsed(fixture(name), 'cluster/cluster');
    expect(report).toEqual(golden(name, report));
    expect(JSON.stringify(report)).not.toContain('not-to-be-kept');
  });

  it('does a class that does not say whether it encrypts say neither?', () => {
    for (const parameters of [undefined, null, {}, { type: 'gp3' }, { encrypted: '' }, { encrypted: 'maybe' }]) {
      expect(value(storageClass(parameters))).toMatchObject({ encrypted: null, kmsKeyId: null });
    }
    expect(value(storageClass({ encrypted: 'true' }))).toMatchObject({ encrypted: true });
    expect(value(storageClass({ Encrypted: 'False' }))).toMatchObject({ encrypted: false });
    expect(value(storageClass({ 'disk-encryption-kms-key': 'k' }))).toMatchObject({ encrypted: null, kmsKeyId: 'k' });
    expect(parsed(storageClass({ encrypted: true })).rejects).toMatchObject([{ pointer: '/parameters/encrypted' }]);
  });

  it('is the time of a content, in nanoseconds that JSON rounds, right to the millisecond?', () => {
    const at = (creationTime: unknown) => value(snapshot({ creationTime }, 'VolumeSnapshotContent'));
    expect(at(Number('1780279200123456789'))).toMatchObject({ createdAt: '2026-06-01T02:00:00.123Z' });
    for (const creationTime of [undefined, null, 0]) expect(at(creationTime)).toMatchObject({ createdAt: null });
    for (const creationTime of [-1, 1e300, '1780279200123456789', '2026-06-01T02:00:00Z']) {
      expect(parsed(snapshot({ creationTime }, 'VolumeSnapshotContent')).rejects).toMatchObject([
        { pointer: '/status/creationTime' },
      ]);
    }
  });

  it('are quantities bytes?', () => {
    const size = (restoreSize: unknown) => value(snapshot({ restoreSize }));
    const sizes = { '1Ti': 2 ** 40, '1.5Gi': 1.5 * 2 ** 30, '500M': 5e8, '10k': 1e4, '1e9': 1e9, '1E': 1e18, 7: 7 };
    for (const [written, bytes] of Object.entries(sizes)) {
      if (Number.isSafeInteger(bytes)) expect(size(written), written).toMatchObject({ restoreSizeBytes: bytes });
      else expect(parsed(snapshot({ restoreSize: written })).rejects).toHaveLength(1);
    }
    expect(size(1024)).toMatchObject({ restoreSizeBytes: 1024 });
    expect(size(undefined)).toMatchObject({ restoreSizeBytes: null });
    for (const restoreSize of ['1 Gi', '-1Gi', '1KB', '1e9Gi', 'many', -1, 1.5]) {
      expect(parsed(snapshot({ restoreSize })).rejects, String(restoreSize)).toMatchObject([
        { pointer: '/status/restoreSize' },
      ]);
    }
  });

  it('is a snapshot with any error failed, and without a status neither ready nor failed?', () => {
    for (const error of [{}, { message: 'x' }, 'x']) expect(value(snapshot({ error }))).toMatchObject({ failed: true });
    for (const status of [undefined, {}, { error: null }]) {
      expect(value(snapshot(status))).toMatchObject({ ready: null, failed: false, createdAt: null });
    }
  });
});
