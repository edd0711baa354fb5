import { namedListSchema, type NamedList } from './answers.js';
import { exitCode, Failure } from './failure.js';
import { type Client, path } from './http.js';
import { Refused } from './problem.js';
import { printable } from './text.js';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The organisation named, or the caller's only one. */
export async function organizationOf(client: Client, given: string | undefined): Promise<string> {
  if (given !== undefined) return given;
  const { value } = await client.read(namedListSchema, { method: 'GET', path: '/v1/organizations' });
  const [only] = value.items;
  if (only !== undefined && value.items.length === 1 && (value.next ?? null) === null) return only.id;
  throw only === undefined
    ? new Failure(
        exitCode.refused,
        'you belong to no organisation',
        'ask an owner of yours to add you; see `safeguard whoami`',
      )
    : new Failure(
        exitCode.usage,
        `you belong to several organisations: ${names(value)}`,
        'say which with --organization ID',
      );
}

/** The id of a system given by id or by name. */
export async function systemOf(client: Client, organization: string, given: string): Promise<string> {
  if (uuid.test(given)) return given.toLowerCase();
  const { value } = await client.read(namedListSchema, {
    method: 'GET',
    path: path('v1', 'organizations', organization, 'systems'),
    query: { name: given },
  });
  const found = value.items.find(({ name }) => name === given);
  if (found !== undefined) return found.id;
  throw await unknownSystem(client, organization, given);
}

/** Runs what names a system; a 404 becomes the list of the systems that there are. */
export async function explaining<T>(
  client: Client,
  organization: string,
  system: string | null,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (system !== null && error instanceof Refused && error.status === 404) {
      throw await unknownSystem(client, organization, system);
    }
    throw error;
  }
}

/** No such system here, or none that the caller may see. */
export class UnknownSystem extends Failure {}

async function unknownSystem(client: Client, organization: string, given: string): Promise<UnknownSystem> {
  const { value } = await client.read(namedListSchema, {
    method: 'GET',
    path: path('v1', 'organizations', organization, 'systems'),
  });
  return new UnknownSystem(
    exitCode.refused,
    `no system ${printable(given, 200)} here${value.items.length === 0 ? ': there are none yet' : `; there are: ${names(value)}`}`,
    'name one of these with --system; an admin of the organisation adds systems',
  );
}

function names({ items, next }: NamedList): string {
  const shown = items.slice(0, 20).map(({ id, name }) => `${printable(name, 100)} (${printable(id, 40)})`);
  const more = items.length > 20 || (next ?? null) !== null;
  return shown.join(', ') + (more ? ', and more' : '');
}
