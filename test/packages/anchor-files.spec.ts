import { expect, it } from 'vitest';
import type { AnchorFiles } from '../../src/audit/anchor/anchor.service.js';
import { anchorFiles, anchorKeys } from '../../src/packages/anchor-files.js';

const ANCHORS: AnchorFiles = {
  tenantCheckpoint: Buffer.from('the head of the log'),
  proof: Buffer.from('the proof'),
  checkpoint: Buffer.from('the head of the anchor log'),
  timeStamp: Buffer.from('the stamp'),
  policy: 'quorum none\n',
  key: 'anchor+00000000+AA==',
  witnesses: ['w1+00000000+AA==', 'w2+00000000+AA=='],
  head: { origin: 'anchor', size: 1, root: Buffer.alloc(32) },
};

const written = (anchors: AnchorFiles | null): Record<string, string> =>
  Object.fromEntries(
    anchorFiles(anchors).map(({ path, content }) => [
      path,
      Buffer.concat([...(content as Iterable<Buffer>)]).toString(),
    ]),
  );
const keys = (anchors: AnchorFiles | null): Record<string, string> =>
  Object.fromEntries(anchorKeys(anchors).map(({ path, content }) => [path, content.toString()]));

it('are the anchors written as their verifiers read them?', () => {
  expect(written(ANCHORS)).toEqual({
    'anchor/checkpoint': 'the head of the anchor log',
    'anchor/checkpoint.tsr': 'the stamp',
    'anchor/policy.txt': 'quorum none\n',
    'anchor/tenant-checkpoint': 'the head of the log',
    'anchor/tenant-checkpoint.tlog-proof': 'the proof',
  });
  expect(keys(ANCHORS)).toEqual({
    'anchor.vkey': 'anchor+00000000+AA==',
    'witnesses.vkey': 'w1+00000000+AA==\nw2+00000000+AA==\n',
  });
});

it('is there no stamp and no witness where there is none, and nothing of a log without anchors?', () => {
  const bare = { ...ANCHORS, timeStamp: null, witnesses: [] };
  expect(Object.keys(written(bare))).not.toContain('anchor/checkpoint.tsr');
  expect(Object.keys(keys(bare))).toEqual(['anchor.vkey']);
  expect([written(null), keys(null)]).toEqual([{}, {}]);
});
