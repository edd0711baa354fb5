import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedError } from './objects.js';
import { Url } from './url.js';

const url = (text: string): Url => Url.parse(text);

describe('Url', () => {
  it.each([
    '',
    '../relative-path',
    'relative',
    'example.com/path',
    '#fragment',
    '?query',
    ':80/',
    'https://a:b:c/',
    'https://example.com:port/',
    'https://example.com:80:80/',
    'https://exa mple.com/',
    'https://example.com/%',
    'https://example.com/%zz',
    'https://[::1/',
    'https://[127.0.0.1]/',
    'https://[::1]x/',
    'https://a[::1]/',
    'https://user name@example.com/',
    'https://exam%70le.com/',
    'https://example.com/\n',
    'https://example.com/\u007f',
    'https://example.com/\ud800',
  ])('refuses %j?', (text) => {
    expect(Url.is(text)).toBe(false);
    expect(() => url(text)).toThrow(MalformedError);
  });

  it.each([null, undefined, 1, {}, []])('refuses %s, which is no text?', (value) => {
    expect(() => Url.parse(value)).toThrow(MalformedError);
  });

  // scheme, host, hostname, port, path
  it.each([
    [
      'https://user:pass@example.com:80/path?query=val#fragment',
      'https',
      'example.com:80',
      'example.com',
      '80',
      '/path',
    ],
    ['/absolute-path', '', '', '', '', '/absolute-path'],
    ['HTTPS://Example.com', 'https', 'Example.com', 'Example.com', '', ''],
    ['https://[::1]:80/', 'https', '[::1]:80', '::1', '80', '/'],
    ['https://[fe80::1%25eth0]/', 'https', '[fe80::1%eth0]', 'fe80::1%eth0', '', '/'],
    ['https://example.com/path with spaces/', 'https', 'example.com', 'example.com', '', '/path%20with%20spaces/'],
    ['https://example.com/a%2Fb', 'https', 'example.com', 'example.com', '', '/a%2Fb'],
    ['https://example.com/ü', 'https', 'example.com', 'example.com', '', '/%C3%BC'],
    ['https://example.com@evil.test/', 'https', 'evil.test', 'evil.test', '', '/'],
    ['https://example.com\\@evil.test/', undefined, '', '', '', ''],
    ['//example.com/x', '', 'example.com', 'example.com', '', '/x'],
    ['///x', '', '', '', '', '///x'],
    ['mailto:a@b', 'mailto', '', '', '', ''],
    ['unix:///run/x.sock', 'unix', '', '', '', '/run/x.sock'],
    ['https:example.com', 'https', '', '', '', ''],
    ['*', '', '', '', '', '*'],
  ])('reads %s?', (text, scheme, host, hostname, port, path) => {
    if (scheme === undefined) {
      expect(() => url(text)).toThrow(MalformedError);
      return;
    }
    const read = url(text);
    expect([read.getScheme(), read.getHost(), read.getHostname(), read.getPort(), read.getEscapedPath()]).toEqual([
      scheme,
      host,
      hostname,
      port,
      path,
    ]);
  });

  it('reads queries?', () => {
    const query = (text: string) => Object.fromEntries(url(`https://example.com/path${text}`).getQuery());
    expect(query('?k1=a&k2=b&k2=c')).toEqual({ k1: ['a'], k2: ['b', 'c'] });
    expect(query('?key with spaces=value with spaces')).toEqual({ 'key with spaces': ['value with spaces'] });
    expect(query('?a+b=%C3%BC%26&c=d=e&f')).toEqual({ 'a b': ['ü&'], c: ['d=e'], f: [''] });
    expect(query('?a;b=1&%zz=1&c=%&ok=1')).toEqual({ ok: ['1'] });
    expect(query('?')).toEqual({});
    expect(query('')).toEqual({});
  });

  it('is equal to what is written alike?', () => {
    expect(url('https://a/b?c#d').equals(url('HTTPS://a/b?c#d'))).toBe(true);
    expect(url('https://a/b').equals(url('https://a/c'))).toBe(false);
    expect(url('https://a/b#d').equals(url('https://a/b'))).toBe(false);
  });

  it('answers or refuses any text, and throws nothing else?', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
      fc
        .array(
          fc.constantFrom(
            'http',
            ':',
            '/',
            '//',
            '@',
            '[',
            ']',
            '::1',
            '%',
            '%25',
            '%41',
            '?',
            '#',
            'a',
            '80',
            '*',
            ' ',
          ),
          { maxLength: 10 },
        )
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        // A fragment, and a host without scheme, can be wrong where the request's target, which takes them for part of the path, is right.
        if (!Url.is(text)) expect(() => url(text)).toThrow(MalformedError);
        else {
          try {
            expect(url(text).getHost()).toBeTypeOf('string');
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedError);
            expect(text).toMatch(/#|^\/\//);
          }
        }
      }),
    );
  });
});
