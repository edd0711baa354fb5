import { expect, it } from 'vitest';
import { Client, path, serverUrl } from '../../src/bin/client/http.js';

it.each([
  ['https://safeguard.example', '//evil.example/x', 'https://safeguard.example//evil.example/x'],
  ['https://safeguard.example', '/\\evil.example/x', 'https://safeguard.example//evil.example/x'],
  ['https://safeguard.example/base/', 'https://evil.example/', 'https://safeguard.example/basehttps://evil.example/'],
  ['https://safeguard.example/base', '/v1/a?b#c', 'https://safeguard.example/base/v1/a%3Fb%23c'],
  ['https://safeguard.example/base', path('v1', 'a/b', 'c d'), 'https://safeguard.example/base/v1/a%2Fb/c%20d'],
])('does a call at %s never leave it, whatever the path (%s)?', (server, at, address) => {
  expect(new Client(serverUrl(server, false), null, 0).url(at).href).toBe(address);
});

it('does a query go with the call and not stay at the server?', () => {
  const client = new Client(serverUrl('https://safeguard.example', false), null, 0);
  expect(client.url('/v1/a', { b: ['1', '2'], c: undefined }).href).toBe('https://safeguard.example/v1/a?b=1&b=2');
  expect(client.url('/v1/a').href).toBe('https://safeguard.example/v1/a');
});
