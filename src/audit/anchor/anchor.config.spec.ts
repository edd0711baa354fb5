import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatVerifierKey, verifierKey } from '../note.js';
import { anchorSettings } from './anchor.config.js';

const { publicKey } = generateKeyPairSync('ed25519');
const witness = (name: string): string => formatVerifierKey(verifierKey(name, publicKey, 'cosignature'));
const settings = (witnesses?: string, store?: string) =>
  anchorSettings({ host: 'safeguard.example', intervalSeconds: 60, witnesses, store });

describe('are the outside parties of a configuration read?', () => {
  it('are there none where none is named?', () => {
    expect(settings()).toEqual({ host: 'safeguard.example', interval: 60_000, witnesses: [], copies: null });
  });

  it('are witnesses taken from YAML and from JSON, each by its key?', () => {
    const vkey = witness('w.example/1');
    for (const text of [
      `- url: https://w.example/prefix/\n  vkey: ${vkey}`,
      JSON.stringify([{ url: 'https://w.example/prefix/', vkey }]),
    ]) {
      expect(settings(text)).toMatchObject({
        witnesses: [{ url: 'https://w.example/prefix', key: { name: 'w.example/1' } }],
      });
    }
  });

  it.each([
    ['{', 'neither JSON nor YAML'],
    ['[]', 'a list of 1 to 16'],
    ['- url: ftp://w.example\n  vkey: x', 'a list of 1 to 16'],
    [`- url: https://w.example\n  vkey: ${witness('w')}\n  quorum: 1`, 'a list of 1 to 16'],
    ['- url: https://w.example\n  vkey: nonsense', 'the vkey of https://w.example: not the vkey'],
    [
      `- url: https://w.example\n  vkey: ${formatVerifierKey(verifierKey('log', publicKey))}`,
      'of a log, not of a witness',
    ],
    [
      `- url: https://a.example\n  vkey: ${witness('w')}\n- url: https://b.example\n  vkey: ${witness('w')}`,
      'named twice',
    ],
  ])('is %j said to be wrong, by its variable?', (text, fault) => {
    expect(settings(text)).toEqual({ fault: expect.stringContaining(`ANCHOR_WITNESSES: `) });
    expect(settings(text)).toEqual({ fault: expect.stringContaining(fault) });
  });

  it.each([
    ['file:/mnt/anchors', { kind: 'directory', path: '/mnt/anchors' }],
    ['file:///mnt/with%20space', { kind: 'directory', path: '/mnt/with space' }],
    ['s3://bucket', { kind: 's3', bucket: 'bucket', prefix: '' }],
    ['s3://bucket/a/b/', { kind: 's3', bucket: 'bucket', prefix: 'a/b/' }],
    [
      's3://bucket/a?endpoint=https://minio.example:9000',
      { kind: 's3', bucket: 'bucket', prefix: 'a/', endpoint: 'https://minio.example:9000' },
    ],
  ])('is %s where copies go?', (text, copies) => {
    expect(settings(undefined, text)).toMatchObject({ copies });
  });

  it.each([
    '/mnt/anchors',
    'file://host/mnt',
    'file:///mnt/%zz',
    's3:bucket',
    's3://bucket?lock=no',
    's3://bucket?endpoint=x',
    'https://bucket',
  ])('is %s said to be wrong?', (text) => {
    expect(settings(undefined, text)).toEqual({ fault: expect.stringMatching(/^ANCHOR_STORE: «file:» and/) });
  });
});
