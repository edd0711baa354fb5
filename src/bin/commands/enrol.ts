import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import {
  agentListSchema,
  clusterIssuerSchema,
  clusterKeysSchema,
  enrolmentSchema,
  namedSchema,
  systemListSchema,
  type Enrolment,
} from '../client/answers.js';
import { exitCode, Failure } from '../client/failure.js';
import { type Client, path } from '../client/http.js';
import { Kubectl } from '../client/kubectl.js';
import { Refused } from '../client/problem.js';
import { organizationOf, systemOf } from '../client/scope.js';
import { print, printJson, say } from '../client/terminal.js';
import { printable } from '../client/text.js';
import { openClient, type ScopeOptions } from '../options.js';

export const environments = ['production', 'staging', 'development', 'recovery'] as const;
export const phi = ['stores', 'processes', 'transmits', 'none'] as const;
export const modes = ['cronjob', 'deployment'] as const;
export const keySources = ['auto', 'pinned', 'discovered'] as const;

const AGENT_NAMESPACE = 'safeguard-agent';
/** What the manifest of the other form has and this one's has not. */
const OTHER_FORM = {
  cronjob: ['deployment/safeguard-agent', 'networkpolicy/from-prometheus'],
  deployment: ['cronjob/safeguard-agent'],
} as const satisfies Record<(typeof modes)[number], readonly string[]>;

export interface EnrolOptions extends ScopeOptions {
  environment: (typeof environments)[number];
  phi: (typeof phi)[number];
  phiNamespaces?: string[];
  context?: string;
  mode: (typeof modes)[number];
  withSecrets?: boolean;
  withGatekeeper?: boolean;
  image?: string;
  keys: (typeof keySources)[number];
  signingKey?: string[];
  print?: boolean;
  manifest?: boolean;
}

/** Brings the cluster of kubectl's context under evidence: the system, the trust in its issuer, the agent. What is there already stays. */
export async function enrol(options: EnrolOptions): Promise<void> {
  const { system: name } = options;
  if (name === undefined) {
    throw new Failure(
      exitCode.usage,
      'which system is the cluster?',
      'name it with --system; it is created if it is not there',
    );
  }
  const client = await openClient(options);
  const organization = await organizationOf(client, options.organization);
  if (options.print === true || options.manifest === true) {
    const system = options.print === true ? await foundSystem(client, organization, name) : undefined;
    if (system === null) printFirst(client, organization, name, options);
    else await printOnly(client, organization, system?.id ?? (await systemOf(client, organization, name)), options);
    return;
  }
  const signingKeys = await Promise.all((options.signingKey ?? []).map(publicKeyIn));
  const kubectl = new Kubectl(options.context);
  // First of all: nothing is changed where the cluster cannot be asked.
  const cluster = await clusterOf(kubectl);
  say(`cluster ${printable(await kubectl.cluster(), 200)}, issuer ${printable(cluster.issuer, 500)}`);

  const system = await systemFor(client, organization, name, options);
  const enrolment = await read(client, organization, system, options);
  if (enrolment.image === null) {
    throw new Failure(
      exitCode.usage,
      'the server names no image for agents',
      'name it with --image NAME@sha256:DIGEST, or have the operator set AGENT_IMAGE',
    );
  }
  const keys = await trust(client, organization, system, enrolment, { cluster, keys: options.keys, signingKeys });
  // What is to be known of the keys depends on whose they came to be.
  const { notes } = await read(client, organization, system, { ...options, keys });
  for (const note of notes) say(`note: ${printable(note)}`);
  // Two forms at once would be two agents at one folder.
  await kubectl.delete(AGENT_NAMESPACE, OTHER_FORM[options.mode]);
  await kubectl.apply(enrolment.manifest);
  say(`the agent of ${printable(name, 200)} posts within the hour; see it with: safeguard posture --system ${system}`);
}

/** The other two name the system, which is not there before the first has been run. */
function printFirst(client: Client, organization: string, name: string, options: EnrolOptions): void {
  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const room = client.url(path('v1', 'organizations', organization, 'systems')).href;
  const body = JSON.stringify(systemBody(name, options));
  const command = `curl -fsS -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d ${quoted(body)} ${quoted(room)}`;
  if (options.json) printJson({ commands: [{ step: 'create-system', done: false, command }] });
  else print(printable(command, 20_000));
  say('there is no such system yet: run this command, then print again for the other two');
}

async function printOnly(client: Client, organization: string, system: string, options: EnrolOptions): Promise<void> {
  const enrolment = await read(client, organization, system, options);
  if (options.json) printJson(enrolment);
  // As it is, for a file or a pipe; the server has made it of its own files.
  else if (options.manifest) process.stdout.write(enrolment.manifest);
  else {
    for (const { command, done } of enrolment.commands)
      print(`${done === true ? '# done: ' : ''}${printable(command, 20_000)}`);
  }
  if (!options.json) for (const note of enrolment.notes) say(`note: ${printable(note)}`);
}

async function read(client: Client, organization: string, system: string, options: EnrolOptions): Promise<Enrolment> {
  const { value } = await client.read(enrolmentSchema, {
    method: 'GET',
    path: path('v1', 'organizations', organization, 'systems', system, 'enrolment'),
    query: {
      mode: options.mode,
      secrets: options.withSecrets === true ? 'metadata' : 'none',
      gatekeeper: options.withGatekeeper === true ? 'true' : 'false',
      image: options.image,
      keys: options.keys === 'discovered' ? 'discovered' : 'pinned',
    },
  });
  return value;
}

async function systemFor(client: Client, organization: string, name: string, options: EnrolOptions): Promise<string> {
  const found = await foundSystem(client, organization, name);
  if (found !== null) {
    say(`system ${printable(name, 200)} is there: ${found.id}`);
    const listed = found.phiNamespaces?.toSorted().join(',');
    if (options.phiNamespaces !== undefined && listed !== undefined && sorted(options.phiNamespaces) !== listed)
      say(`note: its PHI namespaces stay as they are (${printable(listed) || 'none'}): changeSystem changes them`);
    return found.id;
  }
  const room = path('v1', 'organizations', organization, 'systems');
  const { id } = await create(client, room, namedSchema, systemBody(name, options));
  say(`system ${printable(name, 200)} created: ${id}`);
  return id;
}

const sorted = (names: readonly string[]): string => [...new Set(names)].sort().join(',');

const systemBody = (name: string, { environment, phi, phiNamespaces = [] }: EnrolOptions): object => ({
  name,
  environment,
  phi,
  phiNamespaces,
});

interface FoundSystem {
  id: string;
  /** Undefined where only the id was given. */
  phiNamespaces?: readonly string[] | undefined;
}

async function foundSystem(client: Client, organization: string, name: string): Promise<FoundSystem | null> {
  if (z.uuid().safeParse(name).success) return { id: name.toLowerCase() };
  const room = path('v1', 'organizations', organization, 'systems');
  const { value } = await client.read(systemListSchema, { method: 'GET', path: room, query: { name } });
  return value.items.find((one) => one.name === name) ?? null;
}

interface Cluster {
  issuer: string;
  keys: z.infer<typeof clusterKeysSchema>['keys'];
}

async function clusterOf(kubectl: Kubectl): Promise<Cluster> {
  const issuer = clusterIssuerSchema.safeParse(await kubectl.raw('/.well-known/openid-configuration'));
  const keys = clusterKeysSchema.safeParse(await kubectl.raw('/openid/v1/jwks'));
  if (!issuer.success || !keys.success) {
    throw new Failure(exitCode.refused, 'the API server does not say who issues its tokens, or by which keys');
  }
  return { issuer: issuer.data.issuer, keys: keys.data.keys };
}

/** By the issuer's own keys where the server can fetch them; else by those that the cluster prints now. Says which. */
async function trust(
  client: Client,
  organization: string,
  system: string,
  { audience, subject }: Enrolment,
  { cluster, keys, signingKeys }: { cluster: Cluster; keys: EnrolOptions['keys']; signingKeys: readonly string[] },
): Promise<'pinned' | 'discovered'> {
  const room = path('v1', 'organizations', organization, 'agents');
  const { value } = await client.read(agentListSchema, {
    method: 'GET',
    path: room,
    query: { systemId: system, limit: '500' },
  });
  const same = value.items.filter(
    (agent) => agent.issuer === cluster.issuer && agent.audience === audience && agent.subjectPattern === subject,
  );
  // Those of a cluster whose own keys have changed stay with it: a trust without would take its reports unsigned.
  const signing = distinct([...same.flatMap((agent) => agent.signingKeys), ...signingKeys]);
  const known = same.find(
    (agent) =>
      (agent.jwks === null ? keys !== 'pinned' : keys !== 'discovered' && hasAll(agent.jwks.keys, cluster.keys)) &&
      distinct([...agent.signingKeys, ...signingKeys]).length === agent.signingKeys.length,
  );
  if (known !== undefined) {
    say(`its agent is trusted: ${known.id}`);
    return known.jwks === null ? 'discovered' : 'pinned';
  }
  const agent = {
    name: 'safeguard agent',
    systemId: system,
    kind: 'kubernetes',
    issuer: cluster.issuer,
    audience,
    subjectPattern: subject,
    ...(signing.length === 0 ? {} : { signingKeys: signing }),
  };
  const pinned = { ...agent, jwks: { keys: cluster.keys } };
  const by = async (whose: 'pinned' | 'discovered'): Promise<typeof whose> => {
    const { id } = await create(client, room, namedSchema, whose === 'pinned' ? pinned : agent);
    const how = whose === 'pinned' ? 'by the keys that it has today' : 'by the keys that its issuer serves';
    say(`its agent is trusted now, ${how}: ${id}`);
    if (signing.length > 0)
      say(`it signs what it sends, by ${signing.length === 1 ? 'a key' : `one of ${signing.length} keys`}`);
    for (const old of same) say(`note: it is trusted by ${old.id}, too: revoke that when it is not needed any more`);
    return whose;
  };
  if (keys === 'pinned') return by('pinned');
  try {
    return await by('discovered');
  } catch (error) {
    const isPrivate = error instanceof Refused && error.problem.type.endsWith('trust-issuer-refused');
    if (keys === 'discovered' || !isPrivate) throw error;
    return by('pinned');
  }
}

/** The file's key, as the server keeps it; the server says whether it is one that can be used. */
async function publicKeyIn(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) throw new Failure(exitCode.usage, `${printable(file)} cannot be read`);
  if (!/^\s*-----BEGIN PUBLIC KEY-----/.test(text)) {
    throw new Failure(
      exitCode.usage,
      `${printable(file)} is no public key in PEM`,
      'make it of the private one with: openssl pkey -in agent.key -pubout',
    );
  }
  return text;
}

/** Keys in PEM, each once however its lines end. */
const distinct = (keys: readonly string[]): string[] => [
  ...new Map(keys.map((pem) => [pem.replaceAll(/\s/g, ''), pem])).values(),
];

const hasAll = (keys: readonly Key[], wanted: readonly Key[]): boolean =>
  wanted.every((key) => keys.some((one) => isSameKey(one, key)));

type Key = Cluster['keys'][number];

/** A key by its parameters: the name alone (`kid`) would let another key pass for it. */
const isSameKey = (one: Key, other: Key): boolean =>
  (['kty', 'kid', 'n', 'e', 'crv', 'x', 'y'] as const).every((member) => one[member] === other[member]);

/** A cut connection makes nothing twice. Another run looks first what is there: under the same key it would be told of a trust that was revoked since. */
async function create<T>(client: Client, room: string, schema: z.ZodType<T>, body: object): Promise<T> {
  const bytes = Buffer.from(JSON.stringify(body));
  const key = randomUUID();
  const { value } = await client.read(schema, {
    method: 'POST',
    path: room,
    headers: {
      'content-type': 'application/json',
      'idempotency-key': key,
    },
    body: { length: bytes.length, open: () => bytes },
  });
  return value;
}
