import { describe, expect, it } from 'vitest';
import { json, ORGANIZATION, safeguard, serve, SYSTEM } from './support.js';

const POSTURE = {
  asOf: '2026-11-01T00:00:00Z',
  knownAt: '2026-11-02T00:00:00Z',
  catalog: { version: '2026.1', digest: 'sha256:00' },
  counts: { controls: { evidenced: 1, failing: 1, missing: 1 } },
  controls: [
    {
      id: '164.312(a)(1)',
      title: 'Access control',
      status: 'failing',
      reason: '2 checks fail',
      practices: ['rbac-least'],
    },
    {
      id: '164.312(b)',
      title: 'Audit controls',
      status: 'evidenced',
      reason: 'all practices are',
      practices: [{ id: 'audit-log' }],
    },
    { id: '164.310(a)(1)', title: 'Facility access', status: 'missing', reason: 'no record', practices: [] },
  ],
  practices: [
    { id: 'rbac-least', summary: 'Least privilege', status: 'failing', reason: 'cluster-admin is bound' },
    { id: 'audit-log', summary: 'Audit log is on', status: 'evidenced', reason: 'passed' },
  ],
};
const path = `/v1/organizations/${ORGANIZATION}/systems/${SYSTEM}/posture`;

async function posture(args: string[], answer: object = POSTURE): Promise<Awaited<ReturnType<typeof safeguard>>> {
  const server = await serve({ [`GET ${path}`]: (_request, response) => json(response, 200, answer) });
  return safeguard(['posture', '--server', server, '--system', 'production', ...args]);
}

describe('safeguard posture', () => {
  it('are controls, practices, counts and instants shown, aligned and without colour in a pipe?', async () => {
    const run = await posture([]);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const lines = run.stdout.split('\n');
    const column = lines[0]!.indexOf('REASON');
    expect(lines[1]!.slice(column)).toBe('2 checks fail');
    expect(lines[3]!.slice(column)).toBe('no record');
    expect(run.stdout).toContain('1 failing, 1 missing, 1 evidenced');
    expect(run.stdout).toContain('as of 2026-11-01T00:00:00Z, as known at 2026-11-02T00:00:00Z, catalogue 2026.1');
    expect(run.stdout).toContain('This is what is evidenced, not a statement of compliance.');
    expect(run.stdout).not.toContain('\u001b');
  });

  it('are past instants passed on, and is JSON the answer as it came?', async () => {
    const asked: string[] = [];
    const server = await serve({
      [`GET /v1/organizations/${ORGANIZATION}/posture`]: (_request, response, url) => {
        asked.push(url.search);
        json(response, 200, { ...POSTURE, newer: 1 });
      },
    });
    const run = await safeguard(['posture', '--server', server, '--json', '--as-of', '2026-11-01T00:00:00Z', '--known-at', '2026-11-02T01:00:00+01:00']); // prettier-ignore
    expect(run).toMatchObject({ code: 0 });
    expect(asked).toEqual(['?asOf=2026-11-01T00%3A00%3A00Z&knownAt=2026-11-02T00%3A00%3A00.000Z']);
    expect(JSON.parse(run.stdout)).toEqual({ ...POSTURE, newer: 1 });
  });

  it('does one control show its own practices only?', async () => {
    const run = await posture(['--control', '164.312(b)']);
    expect(run.stdout).toContain('audit-log');
    expect(run.stdout).not.toContain('rbac-least');
    expect(await posture(['--control', '164.999'])).toMatchObject({ code: 1 });
  });

  it.each([
    [['--fail-on', 'failing'], 3],
    [['--fail-on', 'stale,missing'], 3],
    [['--fail-on', 'stale'], 0],
    [['--fail-on', 'failing', '--control', '164.312(b)'], 0],
    [['--fail-on', 'failing', '--control', '164.312(a)(1)'], 3],
    // What is shown is not what is asked.
    [['--fail-on', 'failing', '--status', 'evidenced'], 3],
    [['--fail-on', 'fialing'], 2],
  ])('does %j end with %d?', async (args, code) => {
    expect(await posture(args)).toMatchObject({ code });
  });

  it('does a status that this program does not know pass no gate, nor an answer that says nothing?', async () => {
    const odd = { ...POSTURE, controls: [{ ...POSTURE.controls[1], status: 'novel' }] };
    expect(await posture(['--fail-on', 'stale'], odd)).toMatchObject({ code: 3 });
    const empty = { ...POSTURE, controls: [], practices: [] };
    expect(await posture(['--fail-on', 'failing'], empty)).toMatchObject({ code: 1 });
  });
});
