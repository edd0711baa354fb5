import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { clientToken, DemoCaller } from './demo-client.js';
import { DEMO_REPORTS, loadReport, nightsBefore, observedAt, type DemoReport, type Nights } from './demo-reports.js';
import { tell } from './demo-story.js';
import { API_AUDIENCE, type DevelopmentProvider } from './provider.js';

const CLINIC = 'Lakeside Clinic';
/** The package of so little is made in a second; what takes this long has failed without saying so, in milliseconds. */
const PACKAGE_PATIENCE = 60_000;
const SYSTEMS = {
  'emr-production': { environment: 'production', phi: 'stores', phiNamespaces: ['emr', 'billing'] },
  'emr-staging': { environment: 'staging', phi: 'none', phiNamespaces: [] },
} as const;

const created = z.object({ id: z.uuid() });
const named = z.object({ items: z.array(z.object({ id: z.uuid(), name: z.string() })) });
const organization = z.object({ createdAt: z.iso.datetime() });
const scan = z.object({
  format: z.string(),
  counts: z.object({ total: z.int(), new: z.int(), changed: z.int(), unchanged: z.int(), closed: z.int() }),
});
const auditPackage = z.object({
  id: z.uuid(),
  status: z.enum(['queued', 'ready', 'failed']),
  size: z.int().nullable(),
  sha256: z.string().nullable(),
});
const packageList = z.object({ items: z.array(auditPackage) });
export type AuditPackage = z.output<typeof auditPackage>;

/** What the demo is made of, and where. */
export interface Demo {
  server: string;
  dataDirectory: string;
  provider: DevelopmentProvider;
  officer: DemoCaller;
  organizationId: string;
  /** By name. */
  systemIds: ReadonlyMap<string, string>;
  nights: Nights;
  package: AuditPackage;
}

/**
 * Fills the server with a clinic through its public API, as people and agents would, and tells where everything is. On a server that has the clinic it only
 * tells; one that was interrupted is completed. A failure leaves the server serving.
 */
export async function showDemo(server: string, provider: DevelopmentProvider, dataDirectory: string): Promise<void> {
  try {
    await tell(await fill(server, provider, dataDirectory));
  } catch (error) {
    const why =
      error instanceof Error && !(error instanceof z.ZodError) ? error.message : 'an answer was not as documented';
    process.stderr.write(
      `The demo could not be completed: ${why}\nThe server goes on at ${server}. The next start tries again; ` +
        `to begin anew, stop it and delete ${dataDirectory}.\n`,
    );
  }
}

async function fill(server: string, provider: DevelopmentProvider, dataDirectory: string): Promise<Demo> {
  const as = async (subject: string) => new DemoCaller(server, await provider.tokenFor(subject));
  const admin = await as('dev-admin');
  const officer = await as('dev-compliance-officer');
  const nameOf = (of: string) => provider.users.find(({ subject }) => subject === of)?.name;
  const organizationId = await ensure(admin, '/v1/organizations', { name: CLINIC, adminName: nameOf('dev-admin') });
  const path = `/v1/organizations/${organizationId}`;
  // By the time at which the clinic was registered: the same reports at every start.
  const nights = nightsBefore(new Date((await admin.get(organization, path)).createdAt));

  const { items: members } = await admin.get(named, `${path}/members?limit=500`);
  const hasOfficer = members.some(({ name }) => name === nameOf('dev-compliance-officer'));
  const made = hasOfficer ? (await officer.get(packageList, `${path}/packages?limit=500`)).items : [];
  let first = made.findLast(({ status }) => status === 'ready');
  // What was changed in a demo that is complete stays as it was left.
  if (first === undefined) {
    say(`Filling the server with a demo, "${CLINIC}", through its own API …`);
    await register(admin, path, provider);
    await post(path, await systemsOf(admin, path), nights, server, provider);
    first = await buildPackage(officer, `${path}/packages`);
  }
  const systemIds = await systemsOf(admin, path);
  return { server, dataDirectory, provider, officer, organizationId, systemIds, nights, package: first };
}

/** Who works there, what is in scope, and which machine may report of it. */
async function register(admin: DemoCaller, path: string, { issuer, users, clients }: DevelopmentProvider) {
  for (const { subject, name, role } of users) {
    if (role !== null) await ensure(admin, `${path}/members`, { name, issuer, subject, role });
  }
  for (const [name, system] of Object.entries(SYSTEMS)) {
    const systemId = await ensure(admin, `${path}/systems`, { name, ...system });
    for (const { clientId } of clients.agents) {
      await ensure(admin, `${path}/agents`, {
        name: `scanner of ${name}`,
        systemId,
        kind: 'client_credentials',
        issuer,
        audience: API_AUDIENCE,
        subjectPattern: clientId,
      });
    }
  }
}

/** Ids of systems by name. */
async function systemsOf(admin: DemoCaller, path: string): Promise<Map<string, string>> {
  const { items } = await admin.get(named, `${path}/systems?limit=500`);
  return new Map(items.map(({ id, name }) => [name, id]));
}

/** All reports, as the agent. What was posted before is known by its bytes and changes nothing. */
async function post(
  path: string,
  systemIds: ReadonlyMap<string, string>,
  nights: Nights,
  server: string,
  { issuer, clients }: DevelopmentProvider,
): Promise<void> {
  const [agent] = clients.agents;
  if (agent === undefined) throw new Error('the development provider has no client for agents');
  const scanner = new DemoCaller(server, await clientToken(issuer, agent.clientId, agent.clientSecret));
  for (const report of DEMO_REPORTS) {
    await push(scanner, `${path}/systems/${systemIds.get(report.system) ?? ''}`, report, nights);
  }
}

/** The id of what has that name; it is created where there is none. */
async function ensure(caller: DemoCaller, path: string, body: { name: string; [field: string]: unknown }) {
  const { items } = await caller.get(named, `${path}?limit=500`);
  return (items.find(({ name }) => name === body.name) ?? (await caller.post(created, path, body))).id;
}

async function push(scanner: DemoCaller, system: string, report: DemoReport, nights: Nights): Promise<void> {
  const at = observedAt(report, nights);
  const query = new URLSearchParams(report.targets.map((target): [string, string] => ['targets', target]));
  if (!report.saysWhen) query.set('observedAt', at.toISOString());
  const content = await loadReport(report, at);
  const { format, counts } = await scanner.postReport(scan, `${system}/scans?${query.toString()}`, content);
  say(
    `  ${at.toISOString().slice(0, 10)}  ${format.padEnd(13)} ${report.file.padEnd(32)} ${String(counts.total).padStart(4)} results: ` +
      `${counts.new} new, ${counts.changed} changed, ${counts.unchanged} unchanged, ${counts.closed} closed`,
  );
}

async function buildPackage(officer: DemoCaller, packages: string): Promise<AuditPackage> {
  const { id } = await officer.post(created, packages, { scope: { systemId: null } });
  const until = Date.now() + PACKAGE_PATIENCE;
  for (;;) {
    const found = await officer.get(auditPackage, `${packages}/${id}`);
    if (found.status === 'ready') return found;
    if (found.status === 'failed') throw new Error(`the package ${id} was not built`);
    if (Date.now() > until) throw new Error(`the package ${id} is still ${found.status}`);
    await wait(200);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
