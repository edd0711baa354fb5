import { describe, expect, it } from 'vitest';
import { flagValue, flagValues } from './flags.js';
import { MalformedError } from './objects.js';

const apiServer = (...args: unknown[]) => ({ name: 'kube-apiserver', command: ['kube-apiserver'], args });

describe('flags', () => {
  it.each([
    [['--anonymous-auth=false'], 'false'],
    [['--anonymous-auth', 'false'], 'false'],
    [['-anonymous-auth=false'], 'false'],
    [['--anonymous_auth=false'], 'false'],
    [['--anonymous-auth'], ''],
    [['--anonymous-auth='], ''],
    [['--anonymous-auth', '--profiling=false'], ''],
    [['--anonymous-auth=false', '--anonymous-auth=true'], 'true'],
    [['--anonymous-auth=a=b,c=d'], 'a=b,c=d'],
    [['--anonymous-auth=a\nb'], 'a\nb'],
    [['--anonymous-auth=$$(A)'], '$$(A)'],
    [['--anonymous-auth-x=1', '--x-anonymous-auth=1', 'anonymous-auth=1', '---anonymous-auth=1'], null],
    [['--', '--anonymous-auth=false'], null],
    [['--other=$(POD_IP)'], null],
    [[], null],
  ])('has %j as %j?', (args, value) => {
    expect(flagValue(apiServer(...args), 'anonymous-auth')).toBe(value);
    expect(flagValue({ command: ['/usr/bin/kube-apiserver', ...args] }, '--anonymous-auth')).toBe(value);
    expect(flagValue({ args }, 'anonymous_auth')).toBe(value);
  });

  it('gives all values of a flag that is a list?', () => {
    const container = apiServer(
      '--enable-admission-plugins=NodeRestriction',
      '--enable-admission-plugins',
      'PodSecurity',
    );
    expect(flagValues(container, 'enable-admission-plugins')).toEqual(['NodeRestriction', 'PodSecurity']);
    expect(flagValues(container, 'disable-admission-plugins')).toEqual([]);
  });

  it('lets no later value hide an earlier one of a list?', () => {
    const container = apiServer(
      '--authorization-mode=AlwaysAllow',
      '--feature-gates',
      'A=true',
      '--authorization_mode=Node,RBAC',
      '--feature-gates=B=false',
    );
    expect(flagValue(container, 'authorization-mode')).toBe('AlwaysAllow,Node,RBAC');
    expect(flagValue(container, '--feature_gates')).toBe('A=true,B=false');
  });

  it.each([
    ['a shell', { command: ['/bin/sh', '-c', 'exec kube-apiserver --anonymous-auth=false'] }],
    ['a shell without path', { command: ['bash', '-ec'], args: ['kube-apiserver'] }],
    ['a shell in args', { args: ['sh', '-c', 'x'] }],
    ['a line of several words', apiServer('kube-apiserver --anonymous-auth=false')],
    ['words in one word', apiServer('--profiling=false --anonymous-auth=true')],
    ['a value of the environment', apiServer('--anonymous-auth=$(ANONYMOUS)')],
    ['a word of the environment', apiServer('$(EXTRA)')],
    ['a word that begins with the environment', apiServer('--$(FLAG)=false')],
    ['a word after the flag from the environment', apiServer('--anonymous-auth', '$(ANONYMOUS)')],
    ['a number among its args', apiServer(1)],
    ['args that are no list', { args: '--anonymous-auth=false' }],
    ['no map', null],
  ])('guesses nothing of a container with %s?', (_, container) => {
    expect(() => flagValue(container, 'anonymous-auth')).toThrow(MalformedError);
  });

  it.each(['', '-', '--'])('knows no flag by the name %j?', (name) => {
    expect(() => flagValue(apiServer(), name)).toThrow(MalformedError);
  });
});
