import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Demo } from './demo.js';
import { whatIs } from './provider-users.js';

const STATUSES = ['failing', 'missing', 'stale', 'partial', 'excepted', 'evidenced', 'not_applicable'] as const;
const counts = z.record(z.string(), z.int());
const posture = z.object({
  counts: z.object({ controls: counts, practices: counts }),
  practices: z.array(z.object({ id: z.string(), status: z.string(), reason: z.string() })),
});
type Posture = z.output<typeof posture>;

/** Where everything is, how the posture stands, and what to try next. */
export async function tell(demo: Demo): Promise<void> {
  const { server, dataDirectory, provider, organizationId, nights, officer } = demo;
  const path = `/v1/organizations/${organizationId}`;
  const now = await officer.get(posture, `${path}/posture`);
  const lastWeek = await officer.get(posture, `${path}/posture?asOf=${nights.lastWeek.toISOString()}`);
  const variables = await keepVariables(demo);
  process.stdout.write(`
Safeguard serves at ${server}
  API reference    ${server}/docs   (log in below; the contract itself: ${server}/openapi.yaml)
  Log in           ${server}/login   pick a user; this development provider asks for no password
${provider.users.map((user) => `    ${user.subject.padEnd(24)} ${whatIs(user)}`).join('\n')}
  Agent            client ${provider.clients.agents[0]?.clientId ?? ''}; its secret, and all ids for the lines below: ${variables}

Posture of "Lakeside Clinic": what is evidenced, never whether the law is met
${table(lastWeek, now, nights.lastWeek)}

What changed since then
${changes(lastWeek, now)}

Try (in another terminal, in this folder)
  . '${variables}'
  npx safeguard login --server ${server}
  npx safeguard posture --status failing
  npx safeguard posture --status failing --as-of $LAST_WEEK
  npx safeguard package --id ${demo.package.id} --output package.zip
  TOKEN=$(curl -s -u "$AGENT:$AGENT_SECRET" -d grant_type=client_credentials $TOKEN_ENDPOINT | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -s -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' --data-binary @demo/today/kube-bench-worker-1.json \\
    "$SERVER/v1/organizations/$ORGANIZATION/systems/$SYSTEM/scans?targets=node/worker-2&observedAt=$(date -u +%Y-%m-%dT%H:%M:%SZ)"

First audit package  ${server}${path}/packages/${demo.package.id}/content
                     ${demo.package.size ?? 0} bytes, sha256 ${demo.package.sha256 ?? ''}
Data                 ${dataDirectory}   (Postgres, evidence, keys, the provider's secrets)
Stop                 Ctrl-C
Begin anew           stop, then: rm -rf '${dataDirectory}'
`);
}

function table(lastWeek: Posture, now: Posture, at: Date): string {
  const day = at.toISOString().slice(0, 10);
  const cell = (value: string | number) => String(value).padStart(12);
  const row = (name: string, cells: (string | number)[]) => `  ${name.padEnd(16)}${cells.map(cell).join('')}`.trimEnd();
  return [
    row('', ['controls', '', 'practices', '']),
    row('', [day, 'now', day, 'now']),
    ...STATUSES.filter((status) =>
      [lastWeek, now].some(({ counts: { controls, practices } }) => controls[status] || practices[status]),
    ).map((status) =>
      row(
        status.replace('_', ' '),
        (['controls', 'practices'] as const).flatMap((of) => [
          lastWeek.counts[of][status] ?? 0,
          now.counts[of][status] ?? 0,
        ]),
      ),
    ),
  ].join('\n');
}

function changes(lastWeek: Posture, now: Posture): string {
  const before = new Map(lastWeek.practices.map(({ id, status }) => [id, status]));
  const lines = now.practices
    .filter(({ id, status }) => before.get(id) !== status)
    .map(({ id, status }) => `  ${id.padEnd(32)} ${(before.get(id) ?? '').padEnd(10)} → ${status}`);
  return lines.length === 0 ? '  nothing' : lines.join('\n');
}

/** For a POSIX shell: `. .data/demo.env`. It holds a secret, so only its owner reads it. */
async function keepVariables({
  server,
  dataDirectory,
  provider,
  organizationId,
  systemIds,
  nights,
}: Demo): Promise<string> {
  const file = join(dataDirectory, 'demo.env');
  const [agent] = provider.clients.agents;
  const variables = {
    SERVER: server,
    ORGANIZATION: organizationId,
    SYSTEM: systemIds.get('emr-production') ?? '',
    LAST_WEEK: nights.lastWeek.toISOString(),
    TOKEN_ENDPOINT: `${provider.issuer}/token`,
    AGENT: agent?.clientId ?? '',
    AGENT_SECRET: agent?.clientSecret ?? '',
  };
  const lines = Object.entries(variables).map(([name, value]) => `${name}='${value}'\n`);
  await writeFile(file, lines.join(''), { mode: 0o600 });
  return file;
}
