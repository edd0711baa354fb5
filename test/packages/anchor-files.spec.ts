import { expect, it } from 'vitest';
import type { AnchorFiles } from '../../src/audit/anchor/anchor.service.js';
import { anchorFiles, anchorKeyFiles } from '../../src/packages/anchor-files.js';
import type { OutgoingFile } from '../../src/packages/bag.js';

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

const texts = (files: readonly OutgoingFile[]): Record<string, string> =>
  Object.fromEntries(
    files.map(({ path, content }) => [path, Buffer.concat([...(content as Iterable<Buffer>)]).toString()]),
  );

const keysOf = (anchors: AnchorFiles): Record<string, string> =>
  Object.fromEntries(anchorKeyFiles(anchors).map(({ path, content }) => [path, content.toString()]));

it('are the anchors written as their verifiers read them?', () => {
  expect(texts(anchorFiles(ANCHORS))).toEqual({
    'anchor/checkpoint': 'the head of the anchor log',
    'anchor/checkpoint.tsr': 'the stamp',
    'anchor/policy.txt': 'quorum none\n',
    'anchor/tenant-checkpoint': 'the head of the log',
    'anchor/tenant-checkpoint.tlog-proof': 'the proof',
  });
  expect(keysOf(ANCHORS)).toEqual({
    'anchor.vkey': 'anchor+00000000+AA==',
    'witnesses.vkey': 'w1+00000000+AA==\nw2+00000000+AA==\n',
  });
});

it('is there no stamp and no witness where there is none, and nothing of a log without anchors?', () => {
  const bare = { ...ANCHORS, timeStamp: null, witnesses: [] };
  expect(Object.keys(texts(anchorFiles(bare)))).not.toContain('anchor/checkpoint.tsr');
  expect(Object.keys(keysOf(bare))).toEqual(['anchor.vkey']);
  expect([anchorFiles(null), anchorKeyFiles(null)]).toEqual([[], []]);
});
