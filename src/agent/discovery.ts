import { z } from 'zod';
import type { Kind } from '../checks/kinds.js';
import { ApiFault, type ApiServer } from './api-server.js';

/** A kind that may be there, as far as a list needs to know it. */
export type Wanted = Pick<Kind, 'group' | 'versions' | 'resource' | 'kind' | 'listed' | 'without'>;

/** One list that the API server is asked for. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly of: Pick<Kind, 'listed' | 'without'>;
}

/** How a list ended; see docs/agent.md. */
export type Outcome = 'complete' | 'absent' | 'refused' | 'failed';

/** A resource, and why it need not be asked for, where that is known already. */
export interface Planned extends Resource {
  readonly end: { readonly outcome: Exclude<Outcome, 'complete'>; readonly reason: string | null } | null;
}

const groupSchema = z.looseObject({ versions: z.array(z.looseObject({ version: z.string() })) });
const resourcesSchema = z.looseObject({
  resources: z.array(z.looseObject({ name: z.string(), kind: z.string(), verbs: z.array(z.string()).nullish() })),
});
type Served = z.infer<typeof resourcesSchema>['resources'];

/** What is known of the versions of a group, or of the resources of a version. Null: the API server does not know it. */
type Known<T> = T | null | ApiFault;

/**
 * Which lists to ask for, in which version. Only the API server's own word makes a kind absent: that there is no such group, or no such resource in any of its versions.
 * Where it does not say so (refused, down, a version that is not known here), the kind is refused or failed.
 */
export async function discover(api: ApiServer, kinds: readonly Wanted[], signal: AbortSignal): Promise<Planned[]> {
  const groups = new Map<string, Promise<Known<string[]>>>();
  const versions = new Map<string, Promise<Known<Served>>>();
  const versionsOf = (group: string): Promise<Known<string[]>> =>
    remembered(groups, group, () => askGroup(api, group, signal));
  const resourcesOf = (group: string, version: string): Promise<Known<Served>> =>
    remembered(versions, `${group}/${version}`, () => askVersion(api, group, version, signal));
  const planned: Planned[] = [];
  // One after the other: an API server that is busy is not made busier.
  for (const kind of kinds) planned.push(...(await plan(kind, versionsOf, resourcesOf)));
  return planned;
}

/** The path of a group's version, or of a list in it. */
export function pathOf({
  group,
  version,
  resource,
}: Pick<Resource, 'group' | 'version'> & { resource?: string }): string {
  return [group === '' ? '/api' : `/apis/${group}`, version, ...(resource === undefined ? [] : [resource])].join('/');
}

async function plan(
  kind: Wanted,
  versionsOf: (group: string) => Promise<Known<string[]>>,
  resourcesOf: (group: string, version: string) => Promise<Known<Served>>,
): Promise<Planned[]> {
  const [best = ''] = kind.versions;
  const at = (version: string, end: Planned['end'], found = { name: kind.resource, kind: kind.kind }): Planned => ({
    group: kind.group,
    version,
    resource: found.name,
    kind: found.kind,
    of: kind,
    end,
  });
  const ended = (outcome: Exclude<Outcome, 'complete'>, reason: string | null): Planned[] => [
    at(best, { outcome, reason }),
  ];
  const served = await versionsOf(kind.group);
  if (served === null) return ended('absent', null);
  if (served instanceof ApiFault) return ended(served.isRefusal ? 'refused' : 'failed', `discovery: ${served.message}`);
  const known = kind.versions.filter((version) => served.includes(version));
  for (const version of [...known, ...served.filter((version) => !known.includes(version))]) {
    const resources = await resourcesOf(kind.group, version);
    if (resources === null) continue;
    if (resources instanceof ApiFault) {
      return ended(resources.isRefusal ? 'refused' : 'failed', `discovery: ${resources.message}`);
    }
    const found = resources.filter(({ name }) => isOf(kind, name));
    if (found.length === 0) continue;
    return found.map((one) => at(version, whyNot(one, version, known.includes(version)), one));
  }
  return ended('absent', null);
}

/** Why what is there is not asked for. */
function whyNot({ verbs }: Served[number], version: string, isKnown: boolean): Planned['end'] {
  if (!isKnown) return { outcome: 'failed', reason: `is served as ${version} only, which is not known here` };
  return verbs?.includes('list') === true ? null : { outcome: 'failed', reason: 'cannot be listed' };
}

/** Names of resources come from the API server and become paths: letters, digits and `-`, no subresources. */
function isOf(kind: Wanted, name: string): boolean {
  return kind.resource === '*' ? /^[a-z0-9-]+$/.test(name) : name === kind.resource;
}

async function askGroup(api: ApiServer, group: string, signal: AbortSignal): Promise<Known<string[]>> {
  if (group === '') return ['v1'];
  const said = await ask(api, `/apis/${group}`, groupSchema, signal);
  if (said === null || said instanceof ApiFault) return said;
  return said.versions.map(({ version }) => version).filter((version) => /^[a-z0-9]+$/.test(version));
}

async function askVersion(api: ApiServer, group: string, version: string, signal: AbortSignal): Promise<Known<Served>> {
  const said = await ask(api, pathOf({ group, version }), resourcesSchema, signal);
  return said === null || said instanceof ApiFault ? said : said.resources;
}

async function ask<T>(api: ApiServer, path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<Known<T>> {
  try {
    const parsed = schema.safeParse(await api.get(path, { signal }));
    return parsed.success ? parsed.data : new ApiFault(null, `${path} is not what an API server says`);
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error;
    return error.status === 404 ? null : error;
  }
}

function remembered<T>(known: Map<string, Promise<T>>, name: string, ask: () => Promise<T>): Promise<T> {
  const before = known.get(name);
  if (before !== undefined) return before;
  const asked = ask();
  known.set(name, asked);
  return asked;
}
