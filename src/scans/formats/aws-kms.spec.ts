import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  declared,
  faultOf,
  fixture,
  fixtureNames,
  golden,
  parsed,
} from '../../../test/fixtures/reports/load.js';

const ID = '11111111-2222-4333-8444-555555555555';
const ARN = `arn:aws:kms:eu-central-1:111122223333:key/${ID}`;
const key = (document: unknown, target = `account/${ARN}`) => parsed(document, target).facts[0]!;
const rotation = (RotationDate: unknown, more: object = {}) => ({ KeyId: ID, RotationDate, ...more });

describe('AWS KMS', () => {
  it.each(fixtureNames('aws-kms'))('does %s give its golden facts?', (name) => {
    const report = parsed(fixture(name), `account/${ARN}`);
    expect(report).toEqual(golden(name, report));
    expect(JSON.stringify(report)).not.toContain('not-to-be-kept');
  });

  it('do answers about one key stand beside each other, and close nothing?', () => {
    const { facts, coverage } = parsed(fixture('aws-kms/several-answers.json'), `account/${ARN}`);
    expect(new Set(facts.map(({ subject }) => subject))).toEqual(new Set([ID]));
    expect(facts.map(({ source }) => source)).toEqual([
      'aws-kms/describe-key',
      'aws-kms/get-key-rotation-status',
      'aws-kms/list-key-rotations',
    ]);
    expect(coverage.map(({ extent }) => extent)).toEqual(['partial', 'partial', 'partial']);
  });

  it.each([
    ['an old rotation status', { KeyRotationEnabled: true }],
    ['an empty list of rotations', { Rotations: [], Truncated: false }],
    ['an error without an ARN', { __type: 'UnsupportedOperationException', message: 'not valid' }],
  ])('has the poster to name the key of %s?', (_what, answer) => {
    expect(faultOf(bytesOf(answer))).toBe('target-unknown');
    expect(faultOf(bytesOf(answer), declared('account/111122223333'))).toBe('target-unknown');
    expect(key(answer)).toMatchObject({ target: { name: '111122223333' }, subject: ID, value: { keyId: ARN } });
    // Of two it would be no telling whose each is.
    expect(faultOf(bytesOf([answer, answer]), declared(`account/${ARN}`))).toBe('target-unknown');
  });

  it('has the poster to name the account of an answer that names an id only?', () => {
    const status = { KeyId: ID, KeyRotationEnabled: true };
    expect(faultOf(bytesOf(status))).toBe('target-unknown');
    expect(key(status, 'account/111122223333')).toMatchObject({ subject: ID, value: { keyId: ID } });
    expect(key(status)).toMatchObject({ subject: ID, value: { keyId: ARN } });
  });

  it('is a multi-region key one key in each region?', () => {
    const of = (region: string) => ({
      KeyId: `arn:aws:kms:${region}:111122223333:key/mrk-1`,
      KeyRotationEnabled: true,
    });
    const { facts } = parsed([of('eu-central-1'), of('us-east-1')]);
    expect(facts.map(({ subject }) => subject)).toEqual(['eu-central-1/mrk-1', 'us-east-1/mrk-1']);
    expect(faultOf(bytesOf({ KeyId: 'mrk-1', KeyRotationEnabled: true }), declared('account/111122223333'))).toBe(
      'target-unknown',
    );
  });

  it.each([
    'account/444455556666',
    'account/arn:aws:kms:eu-central-1:111122223333:key/another',
    `account/arn:aws:kms:us-east-1:111122223333:key/${ID}`,
    'account/arn:aws:kms:eu-central-1:111122223333:alias/phi',
    'account/production',
    'cluster/cluster',
  ])('is the target %s refused?', (target) => {
    expect(faultOf(fixture('aws-kms/describe-key.json'), declared(target))).toBe('target-mismatch');
  });

  it('is a key that cannot rotate not one that does not?', () => {
    expect(key(fixture('aws-kms/rotation-unsupported.json')).value).toMatchObject({
      rotation: { enabled: null, supported: false },
    });
    expect(key({ KeyRotationEnabled: false }).value).toMatchObject({ rotation: { enabled: false, supported: null } });
    for (const KeyRotationEnabled of [null, 'true', 1]) {
      expect(parsed({ KeyId: ARN, KeyRotationEnabled })).toMatchObject({ facts: [], rejects: [{}] });
    }
  });

  it('are the three ways to write a date read, and nothing else?', () => {
    for (const date of ['2026-03-01T01:00:00.5+01:00', 1772323200.5, '1772323200.5']) {
      expect(key({ Rotations: [rotation(date)] }).value).toMatchObject({ lastRotatedAt: '2026-03-01T00:00:00.500Z' });
    }
    for (const date of ['2026-03-01 00:00:00', '2026-03-01T00:00:00', -1, 1e15, true]) {
      const report = parsed({ Rotations: [rotation(1), rotation(date)] }, `account/${ARN}`);
      expect(report.rejects).toMatchObject([{ pointer: '/Rotations/1/RotationDate' }]);
      expect(report.facts[0]?.value).toMatchObject({ complete: false, lastRotatedAt: null });
    }
  });

  it.each([{ Truncated: true }, { NextMarker: 'm' }, { NextToken: 't' }])('is a list cut by %j not all?', (more) => {
    const answer = { Rotations: [rotation(1772323200)], ...more };
    expect(key(answer).value).toMatchObject({ complete: false, lastRotatedAt: null, rotations: [{}] });
  });

  it('are two pages of one list never taken for all of it, in whatever order?', () => {
    const pages = [
      { Rotations: [rotation(1740787200)], Truncated: true },
      { Rotations: [rotation(1772323200)], Truncated: false },
    ];
    for (const document of [pages, pages.toReversed()]) {
      expect(parsed(document, `account/${ARN}`).facts).toMatchObject([
        { value: { complete: false, lastRotatedAt: null } },
      ]);
    }
  });

  it('is a rotation of another key in the list a reject?', () => {
    const report = parsed(
      { Rotations: [rotation(1772323200), { ...rotation(1), KeyId: 'another' }] },
      `account/${ARN}`,
    );
    expect(report.rejects).toMatchObject([{ pointer: '/Rotations/1/KeyId' }]);
    expect(report.facts[0]?.value).toMatchObject({ complete: false });
  });

  it('are the last of very many rotations kept?', () => {
    const rows = Array.from({ length: 1_000 }, (_, day) =>
      rotation(1e9 + day * 86_400, { KeyMaterialId: `${'m'.repeat(60)}${day}`, KeyMaterialState: 'NON_CURRENT' }),
    );
    const { value } = key({ Rotations: rows, Truncated: false });
    expect(value).toMatchObject({ complete: false, lastRotatedAt: '2004-06-04T01:46:40.000Z' });
    expect(value).toHaveProperty('rotations.length', 50);
    expect(value).toHaveProperty('rotations.0.version', `${'m'.repeat(60)}999`);
  });

  it('is another error no answer about a key?', () => {
    expect(faultOf(bytesOf({ Error: { Code: 'AccessDeniedException' } }))).toBe('unknown-format');
    const report = parsed([{ KeyId: ARN, KeyRotationEnabled: true }, { Error: { Code: 'NotFoundException' } }]);
    expect(report.rejects).toMatchObject([{ pointer: '/1' }]);
  });
});
