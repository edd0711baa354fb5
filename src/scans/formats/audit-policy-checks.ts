import type { FactValue } from '../../results/fact.js';
import type { CheckResult } from '../report.js';

type Policy = FactValue<'audit-policy'>;
type Rule = Policy['rules'][number];
type Said = Pick<CheckResult, 'status' | 'message'>;

/** Requests that rules cannot tell apart but by who makes them, and by the namespace and name of what they are about. */
interface Request {
  verb: string;
  /** Null: of a group that no rule names. */
  group: string | null;
  resource: string;
}

const WRITES = ['create', 'update', 'patch', 'delete'];
const VERBS = ['get', 'list', 'watch', ...WRITES, 'deletecollection'];
const BODIES = ['Request', 'RequestResponse'];

const requests = (group: string | null, resources: readonly string[], verbs: readonly string[]): Request[] =>
  resources.flatMap((resource) => verbs.map((verb) => ({ verb, group, resource })));

/** What a token review is asked for is the token itself; nothing else can be done to one. */
const CONTENT = [
  ...requests('', ['secrets', 'configmaps'], VERBS),
  ...requests('authentication.k8s.io', ['tokenreviews'], ['create']),
];
/** What a collection is deleted by names none of its roles: no body says more of it. */
const RBAC_CHANGES = requests(
  'rbac.authorization.k8s.io',
  ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings'],
  WRITES,
);
const OTHERS = requests(null, ['what no rule names'], VERBS);

/**
 * What a policy is held to, by the rules of kube-apiserver (pkg/audit/policy of k8s.io/apiserver): the first rule that matches decides, and what none matches is not
 * logged. A rule about some users, groups, namespaces or names decides of a part, of which nobody here knows how large it is: where it decides otherwise than
 * the rest, people judge.
 */
export function auditPolicyChecks(policy: Policy): Pick<CheckResult, 'check' | 'title' | 'severity' | keyof Said>[] {
  return [
    {
      check: 'audit-secrets-without-content',
      title: 'Requests about Secrets, ConfigMaps and TokenReviews are logged, and not what these hold',
      severity: 'high',
      ...logged(policy, CONTENT, ['Metadata']),
    },
    {
      check: 'audit-rbac-changes',
      title: 'Changes of roles and bindings are logged with what was asked for',
      severity: 'medium',
      ...logged(policy, RBAC_CHANGES, BODIES),
    },
    {
      check: 'audit-no-blanket-none',
      title: 'Requests that no rule names are logged',
      severity: 'high',
      ...logged(policy, OTHERS, ['Metadata', ...BODIES]),
    },
    {
      check: 'audit-stages',
      title: 'No stage but the receipt of a request is left out',
      severity: 'medium',
      ...stages(policy),
    },
  ];
}

function logged(policy: Policy, about: readonly Request[], wanted: readonly string[]): Said {
  let undecided = '';
  for (const request of about) {
    const levels = [...levelsOf(policy, request)];
    const said = `${request.verb} ${request.resource}: ${levels.join(' or ')}`;
    if (!levels.some((level) => wanted.includes(level))) return { status: 'fail', message: `${said}.` };
    if (!levels.every((level) => wanted.includes(level))) undecided ||= said;
  }
  if (undecided === '') return { status: 'pass', message: '' };
  return { status: 'manual', message: `${undecided}, by rules that are about some of these requests only.` };
}

/** The levels that such requests may be logged at: that of the first rule which matches all of them, and of those before it which match some. */
function levelsOf({ rules }: Policy, request: Request): Set<string> {
  const levels = new Set<string>();
  for (const rule of rules) {
    const match = matchOf(rule, request);
    if (match !== 'none') levels.add(rule.level);
    if (match === 'all') return levels;
  }
  return levels.add('None');
}

type Match = 'all' | 'some' | 'none';

function matchOf(rule: Rule, request: Request): Match {
  const { users, userGroups, verbs, resources, namespaces, nonResourceUrls } = rule;
  if (verbs.length > 0 && !verbs.includes(request.verb)) return 'none';
  const matches = resources.map((named) => matchOfNamed(named, request));
  if (resources.length > 0 && matches.every((match) => match === 'none')) return 'none';
  if (resources.length === 0 && namespaces.length === 0 && nonResourceUrls.length > 0) return 'none';
  const isOfSome = users.length + userGroups.length + namespaces.length > 0;
  return isOfSome || (resources.length > 0 && !matches.includes('all')) ? 'some' : 'all';
}

function matchOfNamed({ group, resources, names }: Rule['resources'][number], { group: of, resource }: Request): Match {
  if (group !== of && group !== '*') return 'none';
  if (resources.length > 0 && !['*', resource, `${resource}/*`].some((name) => resources.includes(name))) return 'none';
  // To older API servers a group of * is one of that name.
  return group === '*' || names.length > 0 ? 'some' : 'all';
}

/** How a request ended is logged at ResponseComplete, a failed authentication at ResponseStarted and nowhere else. */
function stages({ omitStages, rules }: Policy): Said {
  const omitted = new Set([...omitStages, ...rules.flatMap((rule) => (rule.level === 'None' ? [] : rule.omitStages))]);
  omitted.delete('RequestReceived');
  if (omitted.size === 0) return { status: 'pass', message: '' };
  return { status: 'fail', message: `Left out: ${[...omitted].join(', ')}.` };
}
