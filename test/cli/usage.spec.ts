import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { describeCommands } from '../../src/bin/describe.js';
import { json, safeguard, serve } from './support.js';

describe('safeguard', () => {
  it.each([
    [[], 2],
    [['pusch'], 2],
    [['push'], 2],
    [['push', 'a.json'], 2],
    [['push', '--system', '', 'a.json'], 2],
    [['push', '--system', 's', '--targets', 'production', 'a.json'], 2],
    [['push', '--system', 's', '--observed-at', '2026-11-01', 'a.json'], 2],
    [['whoami', '--retry-for', 'long'], 2],
    [['whoami', '--server', 'http://example.org'], 2],
    [['whoami', '--server', 'https://user:pass@example.org'], 2],
    [['whoami', '--token', 'x'], 2],
    [['migrate'], 2],
    [['log', 'new-origin'], 2],
    [['log'], 2],
    [['--help'], 0],
    [['push', '--help'], 0],
    [['--version'], 0],
  ])('does %j end with %d?', async (args, code) => {
    const run = await safeguard(args);
    expect(run).toMatchObject({ code });
    expect(run.stderr).not.toMatch(/ at .*\.js:/);
  });

  it('does whoami print who one is, cleaned of what a terminal would obey?', async () => {
    const server = await serve({
      'GET /v1/me': (_request, response) =>
        json(response, 200, {
          kind: 'user',
          id: 'u',
          subject: 'anna\u001b]0;x\u0007',
          role: 'admin',
          permissions: ['a', 'b'],
          organizations: [{ id: 'o', name: 'Lakeside', role: 'viewer', permissions: ['posture:read', 'c'] }],
        }),
    });
    const run = await safeguard(['whoami', '--server', server]);
    expect(run).toMatchObject({ code: 0 });
    expect(run.stdout).toContain('permissions   a b');
    expect(run.stdout).toContain('organisation  Lakeside (o) as viewer\nthere         posture:read c');
    expect(run.stdout).toContain('anna ]0;x');
  });

  it('does it run on the Node that npm has brought along, where it is called by an older one?', async () => {
    const older = 'data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"20.19.0"}})';
    const program = fileURLToPath(new URL('../../src/bin/safeguard.js', import.meta.url));
    const called = (args: readonly string[]): Promise<string> =>
      promisify(execFile)(process.execPath, ['--import', older, program, ...args]).then(({ stdout }) => stdout);
    expect(await called(['--version'])).toMatch(/^\d+\.\d+\.\d+\n$/);
    await expect(called(['pusch'])).rejects.toMatchObject({ code: 2 });
  });

  it('does an empty variable count as not set?', async () => {
    const server = await serve({ 'GET /v1/me': (_request, response) => json(response, 200, { kind: 'user' }) });
    const run = await safeguard(['whoami'], {
      SAFEGUARD_SERVER: server,
      SAFEGUARD_TOKEN_FILE: '',
      SAFEGUARD_ORGANIZATION: '',
    });
    expect(run).toMatchObject({ code: 0 });
  });
});

describe('describeCommands', () => {
  const text = describeCommands();

  it('does it name every command, option, default and variable?', () => {
    for (const name of [
      'serve',
      'migrate',
      'log new-origin',
      'login',
      'logout',
      'whoami',
      'token',
      'push',
      'posture',
      'package',
      'agent',
    ]) {
      expect(text).toContain(`## safeguard ${name}\n`);
    }
    expect(text).toContain(
      '| `--retry-for <duration>` | how long to try when the server cannot be reached or is busy | 5m |  |',
    );
    expect(text).toContain('`SAFEGUARD_SYSTEM`');
    expect(text).toContain('| 4 | the server could not be reached, retries included |');
  });

  it('is the word that the service never says absent?', () => {
    expect(text).not.toMatch(/compliant/i);
  });
});
