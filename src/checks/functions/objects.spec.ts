import { describe, expect, it } from 'vitest';
import { compile, over } from '../environment.js';
import { clusterOf } from '../examples.js';

const backup = (name: string, includedNamespaces: unknown) => ({
  apiVersion: 'velero.io/v1',
  kind: 'Backup',
  metadata: { name, namespace: 'velero' },
  spec: { includedNamespaces },
});

const cluster = clusterOf({
  name: 'backups',
  objects: [
    backup('one', ['clinic']),
    backup('twice', ['clinic', 'clinic', 'shop']),
    backup('all', ['*']),
    backup('empty', []),
    backup('null', null),
    { apiVersion: 'velero.io/v1', kind: 'Backup', metadata: { name: 'bare', namespace: 'velero' } },
  ],
});

const valueOf = (source: string): unknown => over(cluster, () => compile(source, ['Pod'], 'any').evaluate({}));

describe('does objectsBy() find objects by what a field says?', () => {
  it.each([
    ['clinic', ['one', 'twice']],
    ['shop', ['twice']],
    ['*', ['all']],
    ['', ['empty', 'null', 'bare']],
    ['other', []],
    ['constructor', []],
  ])('%j', (value, expected) => {
    expect(valueOf(`objectsBy('Backup', 'spec.includedNamespaces', '${value}').map(b, b.metadata.name)`)).toEqual(
      expected,
    );
  });

  it('by a text too', () => {
    expect(valueOf("objectsBy('Backup', 'metadata.namespace', 'velero').size()")).toBe(6n);
  });

  it('and is what is neither a text nor a list of them an error?', () => {
    expect(() => valueOf("objectsBy('Backup', 'metadata', 'x')")).toThrow(/neither a text nor a list of texts/);
  });

  it.each([
    ["objectsBy(object.kind, 'spec', 'x').size()", /must be a literal text/],
    ["objectsBy(1, 'spec', 'x').size()", /must be a literal text/],
  ])('and is a kind that is not written out refused: %s?', (source, reason) => {
    expect(() => valueOf(source)).toThrow(reason);
  });
});
