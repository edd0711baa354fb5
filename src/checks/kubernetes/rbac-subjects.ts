import { described, Fields, MalformedError } from './objects.js';

/** Whom a binding names. The namespace is that of a service account, else empty. */
export interface Subject {
  readonly kind: 'ServiceAccount' | 'User' | 'Group';
  readonly name: string;
  readonly namespace: string;
}

const SERVICE_ACCOUNTS = 'system:serviceaccounts';

/** `ServiceAccount/namespace/name`, `User/name`, `Group/name` (names of people and groups may have slashes), or a subject as bindings have it. */
export function parseSubject(value: unknown): Subject {
  if (typeof value !== 'string') return subjectOf(Fields.of(value, 'the subject'), '');
  const [, kind, name = ''] = /^(ServiceAccount|User|Group)\/(.+)$/s.exec(value) ?? [];
  if (kind === 'User') return userOf(name);
  if (kind === 'Group') return { kind, name, namespace: '' };
  const [, namespace, account] = /^([^/]+)\/([^/]+)$/.exec(name) ?? [];
  if (kind === undefined || namespace === undefined || account === undefined) {
    throw new MalformedError(
      `${described(value)} is not a subject: ServiceAccount/namespace/name, User/name or Group/name`,
    );
  }
  return { kind: 'ServiceAccount', name: account, namespace };
}

/** @param namespace of the binding: a service account without one is of there */
export function subjectOf(fields: Fields, namespace: string): Subject {
  const kind = fields.needText('kind');
  const name = fields.needText('name');
  switch (kind) {
    case 'ServiceAccount':
      return { kind, name, namespace: fields.text('namespace') || namespace };
    case 'User':
      return userOf(name);
    case 'Group':
      return { kind, name, namespace: '' };
    default:
      throw new MalformedError(`${fields.path}.kind is ${described(kind)}, not a kind of subject`);
  }
}

/** A service account is a user by the name `system:serviceaccount:namespace:name`; the two are one. */
function userOf(name: string): Subject {
  const [, namespace, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name) ?? [];
  return namespace === undefined || account === undefined
    ? { kind: 'User', name, namespace: '' }
    : { kind: 'ServiceAccount', name: account, namespace };
}

/** In the words that `parseSubject` reads. */
export function subjectName({ kind, name, namespace }: Subject): string {
  return kind === 'ServiceAccount' ? `${kind}/${namespace}/${name}` : `${kind}/${name}`;
}

/**
 * The subjects that a subject is: itself, and the groups that the API server puts it in of its own accord. Groups that come with a person's token are in
 * no object: to know what a person may do one has to ask for each of them. What is asked of a group is what each of its members may do.
 */
export function identitiesOf(subject: Subject): Subject[] {
  return [subject, ...impliedGroups(subject).map((name): Subject => ({ kind: 'Group', name, namespace: '' }))];
}

function impliedGroups({ kind, name, namespace }: Subject): string[] {
  const authenticated = 'system:authenticated';
  switch (kind) {
    case 'ServiceAccount':
      return [SERVICE_ACCOUNTS, `${SERVICE_ACCOUNTS}:${namespace}`, authenticated];
    case 'User':
      if (name === 'system:anonymous') return ['system:unauthenticated'];
      return name.startsWith('system:node:') ? ['system:nodes', authenticated] : [authenticated];
    case 'Group':
      if (name === 'system:unauthenticated' || name === authenticated) return [];
      return name.startsWith(`${SERVICE_ACCOUNTS}:`) ? [SERVICE_ACCOUNTS, authenticated] : [authenticated];
  }
}
