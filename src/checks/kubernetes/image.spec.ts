import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { growth } from '../../../test/support/growth.js';
import { parseImage } from './image.js';
import { MalformedError } from './objects.js';

const SHA256 = `sha256:${'0a'.repeat(32)}`;

describe('parseImage', () => {
  it.each([
    ['nginx', 'docker.io', 'library/nginx', 'latest', ''],
    ['nginx:1.29', 'docker.io', 'library/nginx', '1.29', ''],
    [`nginx@${SHA256}`, 'docker.io', 'library/nginx', '', SHA256],
    [`nginx:1.29@${SHA256}`, 'docker.io', 'library/nginx', '1.29', SHA256],
    ['bitnami/redis', 'docker.io', 'bitnami/redis', 'latest', ''],
    ['docker.io/nginx', 'docker.io', 'library/nginx', 'latest', ''],
    ['index.docker.io/nginx', 'docker.io', 'library/nginx', 'latest', ''],
    ['index.docker.io/bitnami/redis', 'docker.io', 'bitnami/redis', 'latest', ''],
    ['localhost/app', 'localhost', 'app', 'latest', ''],
    ['localhost:5000/app', 'localhost:5000', 'app', 'latest', ''],
    ['registry:5000/app:1', 'registry:5000', 'app', '1', ''],
    ['host:5000', 'docker.io', 'library/host', '5000', ''],
    ['[2001:db8::1]:5000/app:1', '[2001:db8::1]:5000', 'app', '1', ''],
    ['registry.k8s.io/kube-apiserver:v1.34.1', 'registry.k8s.io', 'kube-apiserver', 'v1.34.1', ''],
    ['Uppercase/app', 'Uppercase', 'app', 'latest', ''],
    ['a.b/c/d/e:t', 'a.b', 'c/d/e', 't', ''],
    ['evil.test/docker.io/library/nginx', 'evil.test', 'docker.io/library/nginx', 'latest', ''],
    ['a__b/c--d.e_f', 'docker.io', 'a__b/c--d.e_f', 'latest', ''],
  ])('reads %s?', (text, registry, repository, tag, digest) => {
    expect(parseImage(text)).toEqual({ registry, repository, tag, digest });
  });

  it.each([
    '',
    ' nginx',
    'nginx\n',
    'NGINX',
    'docker.io/NGINX',
    'nginx:',
    'nginx:-a',
    `nginx:${'a'.repeat(129)}`,
    'nginx@',
    'nginx@sha256:00',
    `nginx@sha256:${'A0'.repeat(32)}`,
    `nginx@md5:${'0a'.repeat(16)}`,
    `nginx@${SHA256}@${SHA256}`,
    'a.b/',
    '/nginx',
    'a//b',
    'a.b//c',
    'a...b/c:1',
    'https://a.b/c',
    'a_-b',
    'nginx_',
    '-a.b/c',
    'a.b:port/c',
    'a.b:80:80/c',
    '0a'.repeat(32),
    `a.b/${'c'.repeat(255)}`,
    'a'.repeat(2000),
  ])('refuses %j?', (text) => {
    expect(() => parseImage(text)).toThrow(MalformedError);
  });

  it.each([null, undefined, 1, {}, ['nginx']])('refuses %s, which is no text?', (value) => {
    expect(() => parseImage(value)).toThrow(MalformedError);
  });

  it('reads again what it gave?', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,5}([._-][a-z0-9]{1,3})?$/);
    const references = fc
      .record({
        parts: fc.array(part, { minLength: 1, maxLength: 3 }),
        tag: fc.option(fc.stringMatching(/^\w[\w.-]{0,9}$/)),
        digest: fc.option(fc.constant(SHA256)),
      })
      .map(
        ({ parts, tag, digest }) =>
          `${parts.join('/')}${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`,
      );
    fc.assert(
      fc.property(references, (text) => {
        const image = parseImage(text);
        const { registry, repository, tag, digest } = image;
        expect(parseImage(`${registry}/${repository}${tag && `:${tag}`}${digest && `@${digest}`}`)).toEqual(image);
      }),
    );
  });

  it.each<[string, (length: number) => string]>([
    ['letters', (length) => `${'a'.repeat(length)}!`],
    ['hyphens in a registry', (length) => `${'a-'.repeat(length / 2)}/x`],
    ['underscores', (length) => 'a_'.repeat(length / 2)],
    ['points', (length) => `${'a.'.repeat(length / 2)}!/b`],
  ])('is done with hostile text of %s in a time that grows with it?', async (_, hostile) => {
    const look = (length: number): void => {
      const text = hostile(length);
      for (let time = 0; time < 50; time++) expect(() => parseImage(text)).toThrow(MalformedError);
    };
    // Short ones first: whoever goes back again and again comes to an end.
    expect(await growth(look, 10, 2)).toBeLessThan(10);
    expect(await growth(look, 100, 8)).toBeLessThan(40);
  });
});
