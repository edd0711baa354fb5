/** A DNS label and a DNS subdomain (RFC 1123), as Kubernetes names namespaces and service accounts. */
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const NAMESPACE = new RegExp(`^${LABEL}$`);
const ACCOUNT = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
const PREFIX = 'system:serviceaccount:';

interface ServiceAccount {
  namespace: string;
  name: string;
}

function segments(text: string): ServiceAccount | null {
  if (!text.startsWith(PREFIX)) return null;
  const [namespace, name, ...rest] = text.slice(PREFIX.length).split(':');
  return namespace === undefined || name === undefined || rest.length > 0 ? null : { namespace, name };
}

/**
 * Why a subject pattern cannot be taken; null when it can. `system:serviceaccount:<namespace>:<name>`, where `*` may stand for the whole namespace
 * or the whole name: not for both, which would make every pod of the cluster an agent.
 */
export function refuseKubernetesPattern(pattern: string): string | null {
  const account = segments(pattern);
  if (account === null) return 'Write system:serviceaccount:<namespace>:<name>.';
  const { namespace, name } = account;
  if (namespace === '*' && name === '*') return 'Name the namespace or the service account: both as * is every pod.';
  if (namespace !== '*' && !NAMESPACE.test(namespace)) return 'That is no namespace: a DNS label, or * alone.';
  if (name !== '*' && (name.length > 253 || !ACCOUNT.test(name))) {
    return 'That is no service account name: a DNS subdomain, or * alone.';
  }
  return null;
}

/** Whether a token's subject is meant by a trust. A subject that is no service account meets no pattern, whatever characters it has. */
export function subjectMatches(kind: 'client_credentials' | 'kubernetes', pattern: string, subject: string): boolean {
  if (kind === 'client_credentials') return subject === pattern;
  const asked = segments(subject);
  const meant = segments(pattern);
  if (asked === null || meant === null || !NAMESPACE.test(asked.namespace) || !ACCOUNT.test(asked.name)) return false;
  return (
    (meant.namespace === '*' || meant.namespace === asked.namespace) &&
    (meant.name === '*' || meant.name === asked.name)
  );
}
