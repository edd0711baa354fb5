import type { CheckStatus, Coverage, Format, Target } from '../report.js';
import { BOUNDS, ReportFault } from '../report.js';
import type { Draft } from './draft.js';
import { Evaluated } from './evaluated.js';
import type { Fields } from './fields.js';
import {
  field,
  fieldsIn,
  fieldsOf,
  firstOf,
  has,
  isFields,
  list,
  OldestOf,
  optionalText,
  resourceName,
  text,
  Unreadable,
} from './fields.js';
import { detectFindings, eachFinding, productOf, severityOf, timeIn } from './ocsf-finding.js';
import { withoutPeople } from './people.js';
import { accountScope, clusterScope, type ClusterScope } from './targets.js';

const SLUG = 'prowler-ocsf';
const TOOL = 'prowler';
/** OCSF Detection Finding, which is what Prowler takes for the results of its checks. */
const DETECTION = 2004;

/** Findings of Prowler 4 and 5 about clusters and cloud accounts. */
export const prowler: Format = {
  slug: SLUG,
  title: 'Prowler',
  tool: TOOL,
  description:
    'OCSF of `prowler … --output-formats json-ocsf` (Prowler 4 and 5), of a cluster or of accounts. A check is `provider/check`, for ids repeat across providers. ' +
    'The report does not say whether it was restricted: it closes nothing unless the poster declares the account (targets=account/ID), the cluster or namespaces as ' +
    'targets, and then only the checks that it lists. Runs with filters (`--region`, `--resource-arn`, `--resource-tag`, `--severity`, `--status`, `--namespaces`) ' +
    'have to be posted with partial=true, or without targets. Muted findings are warnings: exceptions are approved in Safeguard. Prowler 4.2 writes a time without a ' +
    'zone: pass observedAt.',

  yields: ['results'],
  targets: ['account', 'cluster', 'namespace'],

  detect(document) {
    return detectFindings(document, (classUid, finding) => classUid === DETECTION && isOfProwler(finding));
  },

  read(document, draft) {
    const targetOf = targets(draft);
    const evaluated = new Evaluated();
    const made = new OldestOf();
    eachFinding(draft, document, (finding) => {
      if (field(finding, 'class_uid') !== DETECTION || !isOfProwler(finding)) {
        throw new Unreadable('/class_uid', "must be a Detection Finding of Prowler's");
      }
      const provider = providerOf(finding);
      const check = `${provider}/${text(fieldsIn(finding, 'metadata'), 'event_code')}`;
      const { name: resource, namespace, isPerson } = resourceOf(finding, provider);
      const { target, extent } = targetOf(finding, provider, namespace);
      const scope = { target, source: `${TOOL}/${provider}` };
      draft.toolVersion ??= optionalText(productOf(finding), 'version') || null;
      draft.add({
        ...scope,
        check,
        resource,
        namespace,
        title: optionalText(fieldsIn(finding, 'finding_info'), 'title') || check,
        status: statusOf(finding),
        severity: severityOf(finding),
        // Of a person it begins with the name.
        message: isPerson ? '' : withoutAddresses(optionalText(finding, 'status_detail')),
      });
      made.add(timeIn(finding, 'time'));
      evaluated.add(scope, extent, check);
    });
    draft.observedAt = made.instant;
    evaluated.cover(draft);
    assertUsed(draft, evaluated);
  },
};

function isOfProwler(finding: Fields): boolean {
  const metadata = field(finding, 'metadata');
  const product = isFields(metadata) ? field(metadata, 'product') : undefined;
  return isFields(product) && field(product, 'name') === 'Prowler';
}

const KUBERNETES = 'kubernetes';
/** Providers whose «account» is a path, an image or a model. */
const NO_ACCOUNTS: readonly string[] = ['iac', 'image', 'llm'];

/** Older versions say it of clouds by the account's provider alone, while findings of Kubernetes name a namespace and no cloud. */
function providerOf(finding: Fields): string {
  const provider = (
    optionalText(fieldsIn(finding, 'unmapped'), 'provider') || optionalText(fieldsIn(finding, 'cloud'), 'provider')
  ).toLowerCase();
  if (provider === '' && !has(finding, 'cloud') && has(resourceIn(finding), 'namespace')) return KUBERNETES;
  if (!/^[a-z0-9]{1,50}$/.test(provider)) throw new Unreadable('/cloud/provider', 'must name a provider');
  if (NO_ACCOUNTS.includes(provider)) throw new Unreadable('/cloud/provider', 'is about no account and no cluster');
  return provider;
}

function resourceIn(finding: Fields): Fields {
  const resources = list(finding, 'resources');
  if (resources.length !== 1) throw new Unreadable('/resources', 'must hold one resource');
  return fieldsOf(firstOf(resources));
}

interface Resource {
  name: string;
  namespace: string | null;
  /** Whether it is the account of a person, as far as its type or name tells. */
  isPerson: boolean;
}

function resourceOf(finding: Fields, provider: string): Resource {
  const resource = resourceIn(finding);
  const uid = optionalText(resource, 'uid');
  if (provider !== KUBERNETES) {
    // What has no region of its own is found once in each region that is in use, under the same name.
    const region = optionalText(resource, 'region');
    const written = uid || text(resource, 'name');
    const name = withoutPeople(written);
    return {
      name: region === '' || name.includes(region) ? name : `${region}/${name}`,
      namespace: null,
      isPerson: name !== written || /user/i.test(optionalText(resource, 'type')),
    };
  }
  const namespace = text(resource, 'namespace');
  const within = namespace === 'cluster-wide' ? null : namespace;
  // The uid of a pod is another one tomorrow.
  const name = resourceName(within, '', text(resource, 'type'), optionalText(resource, 'name') || uid);
  return { name, namespace: within, isPerson: false };
}

interface Place {
  target: Target;
  extent: Coverage['extent'];
}

/** Where findings belong: those of clouds to their account, those of Kubernetes to the cluster, of which a report may hold one. */
function targets(draft: Draft): (finding: Fields, provider: string, namespace: string | null) => Place {
  const { declared } = draft;
  const accountOf = accountScope(declared);
  let cluster: ClusterScope | null = null;
  return (finding, provider, namespace) => {
    if (provider !== KUBERNETES) return accountOf(text(fieldsIn(fieldsIn(finding, 'cloud'), 'account'), 'uid'));
    const name = optionalText(fieldsIn(finding, 'unmapped'), 'provider_uid') || null;
    if (cluster === null) {
      draft.clusterName = name;
      const inCluster = declared.targets.filter(({ kind }) => kind !== 'account');
      cluster = clusterScope({ ...declared, targets: inCluster }, SLUG, name);
    }
    if (name !== draft.clusterName) throw new Unreadable('/unmapped/provider_uid', 'is another cluster than before');
    return cluster.targetOf(namespace);
  };
}

/** Refuses a declaration of an account where the report is about a cluster, and the other way round. */
function assertUsed(draft: Draft, evaluated: Evaluated): void {
  if (draft.size === 0) return;
  for (const { kind } of draft.declared.targets) {
    const isAccount = kind === 'account';
    if (evaluated.has(({ target }) => (target.kind === 'account') === isAccount)) continue;
    throw new ReportFault('target-mismatch', `The report holds no results about a ${kind}.`);
  }
}

const STATUSES: Readonly<Record<string, CheckStatus>> = { PASS: 'pass', FAIL: 'fail', MANUAL: 'manual' };

/** `status` says whether it was muted; `status_id` does not: 4.2 writes that of a muted one with each. */
function statusOf(finding: Fields): CheckStatus {
  const code = text(finding, 'status_code');
  const status = Object.hasOwn(STATUSES, code) ? STATUSES[code] : undefined;
  if (!status) throw new Unreadable('/status_code', 'must be PASS, FAIL or MANUAL');
  switch (text(finding, 'status')) {
    case 'New':
      return status;
    case 'Suppressed':
      return 'warn';
    default:
      throw new Unreadable('/status', 'must be New or Suppressed');
  }
}

/** Prowler names users and members of groups by their addresses: of people it is enough that the resource is known. */
function withoutAddresses(message: string): string {
  if (!message.includes('@')) return message;
  return message
    .slice(0, BOUNDS.message)
    .split(' ')
    .map((word) => (/@[^@]*\.[a-z]/i.test(word.slice(word.lastIndexOf('@'))) ? '(address)' : word))
    .join(' ');
}
