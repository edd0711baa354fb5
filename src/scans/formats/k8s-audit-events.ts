import type { SecurityEvent } from '../../events/event.js';
import type { Format } from '../report.js';
import { ReportFault } from '../report.js';
import { readEmbeddedJson } from '../text/embedded-json.js';
import { isList, type List } from '../text/lazy-list.js';
import type { Draft } from './draft.js';
import type { Fields } from './fields.js';
import {
  field,
  fieldsIn,
  fieldsOf,
  firstOf,
  has,
  instant,
  isFields,
  list,
  optionalNumber,
  optionalText,
  step,
  text,
  texts,
  Unreadable,
} from './fields.js';
import type { AuditedObject, AuditedRequest, Outcome } from './kubernetes-audit.js';
import { categoryOf, isLongRunning, objectAt, resourceOf } from './kubernetes-audit.js';
import { CLUSTER } from './targets.js';

const SOURCE = 'kubernetes-audit';
const SCOPE = { target: CLUSTER, source: SOURCE };
const GROUP = 'audit.k8s.io';
const VERSIONS = ['v1', 'v1beta1', 'v1alpha1'];

/** The audit log of API servers, and what clouds wrap it in. */
export const k8sAuditEvents: Format = {
  slug: 'k8s-audit-events',
  title: 'Kubernetes audit log',
  tool: 'kube-apiserver',
  description:
    'Audit events of audit.k8s.io (v1, v1beta1): one alone, one a line, an array, an EventList of a webhook, or in what clouds wrap them in: Azure ' +
    'diagnostic logs (AKS), CloudWatch Logs (EKS), Cloud Audit Logs (GKE). Kept is an index of what concerns security: commands into workloads, reads of ' +
    'Secrets, changes of RBAC and of policies, refusals, and what nobody in particular was let do; all else is counted in a note. A request counts ' +
    'when it is over; one that lasts (exec, watch) counts from its beginning, and its two entries give one event. Bodies of requests and answers are never ' +
    'read. A log never shows that nothing else happened, so nothing is closed. The report is as of its newest entry.',
  yields: ['events'],
  targets: [],

  detect(document) {
    const first = isList(document) ? firstOf(document) : document;
    return isFields(first) && wrapOf(first) !== null;
  },

  read(document, draft) {
    const log = new Log(draft);
    if (isList(document)) log.entries(document, '');
    else draft.attempt('', SCOPE, (at) => log.entry(fieldsOf(document), at));
    log.finish();
  },
};

/** What an entry is, or what it wraps. */
type Wrap = 'event' | 'event-list' | 'azure' | 'azure-records' | 'cloudwatch' | 'cloudwatch-events' | 'google';

function wrapOf(entry: Fields): Wrap | null {
  const [kind, apiVersion] = [field(entry, 'kind'), field(entry, 'apiVersion')];
  const isOfGroup = typeof apiVersion === 'string' && apiVersion.startsWith(`${GROUP}/`);
  if (isOfGroup && kind === 'EventList') return isList(field(entry, 'items')) ? 'event-list' : null;
  if (isOfGroup && kind === 'Event') return 'event';
  // Items of an EventList do not repeat what it says of them.
  if (apiVersion === undefined && typeof field(entry, 'auditID') === 'string' && has(entry, 'stage')) return 'event';
  if (isAzure(entry)) return 'azure';
  const records = field(entry, 'records');
  if (isList(records)) return isAzure(firstOf(records)) ? 'azure-records' : null;
  if (isAuditText(field(entry, 'message'))) return 'cloudwatch';
  const events = field(entry, 'events') ?? field(entry, 'logEvents');
  if (isList(events)) {
    const first = firstOf(events);
    return isFields(first) && isAuditText(field(first, 'message')) ? 'cloudwatch-events' : null;
  }
  const payload = field(entry, 'protoPayload');
  return isFields(payload) && field(payload, 'serviceName') === 'k8s.io' ? 'google' : null;
}

function isAzure(entry: unknown): boolean {
  if (!isFields(entry)) return false;
  const [category, operation] = [field(entry, 'category'), field(entry, 'operationName')];
  const properties = field(entry, 'properties');
  if (typeof category !== 'string' || !isFields(properties) || !has(properties, 'log')) return false;
  return category.startsWith('kube-audit') || (typeof operation === 'string' && AKS_OPERATION.test(operation));
}

/** Of whatever log of a control plane. */
const AKS_OPERATION = /^microsoft\.containerservice\/managedclusters\//i;

/** Go writes the kind and version of an event first; agents that sort keys put bodies behind them too. */
function isAuditText(message: unknown): boolean {
  return typeof message === 'string' && /^\s*\{/.test(message) && message.slice(0, 4_096).includes(`"${GROUP}/`);
}

class Log {
  private requests = 0;
  private kept = 0;
  private unfinished = 0;
  private others = 0;
  private newest = '';
  /** By cloud, the name of its cluster. */
  private readonly clusters = new Map<string, string>();

  constructor(private readonly draft: Draft) {}

  entries(entries: List, pointer: string): void {
    this.draft.rows(entries, pointer, SCOPE, (entry, at) => this.entry(entry, at));
  }

  entry(entry: Fields, at: string): void {
    switch (wrapOf(entry)) {
      case 'event':
        this.event(entry);
        break;
      case 'event-list':
        this.draft.rows(list(entry, 'items'), `${at}/items`, SCOPE, (item) => this.event(item));
        break;
      case 'azure':
        this.azure(entry);
        break;
      case 'azure-records':
        this.entries(list(entry, 'records'), `${at}/records`);
        break;
      case 'cloudwatch':
        this.cloudWatch(entry);
        break;
      case 'cloudwatch-events': {
        const name = has(entry, 'events') ? 'events' : 'logEvents';
        this.cluster('aws', /^\/aws\/eks\/([^/]+)\/cluster$/.exec(optionalText(entry, 'logGroup'))?.[1] ?? '');
        this.draft.rows(list(entry, name), `${at}/${name}`, SCOPE, (line) => this.cloudWatch(line));
        break;
      }
      case 'google':
        this.google(entry);
        break;
      case null:
        throw new Unreadable('', 'is no audit event');
    }
  }

  finish(): void {
    const { draft, requests, kept, unfinished, others } = this;
    if (requests + unfinished + others === 0) return;
    draft.observedAt = this.newest === '' ? null : this.newest;
    draft.cover({ ...SCOPE, extent: 'partial', checks: null, silentPass: [] });
    draft.note(`Entries that concern security: ${kept} of ${requests}. The others are counted and not kept.`);
    if (unfinished > 0) draft.note(`Entries that say only that a request came in: ${unfinished}.`);
    if (others > 0) draft.note(`Entries of other logs, which were not read: ${others}.`);
  }

  /** Entries of the control plane's other logs come the same way. */
  private azure(entry: Fields): void {
    const [, name] = /\/managedclusters\/([^/]+)$/i.exec(optionalText(entry, 'resourceId')) ?? [];
    this.cluster('azure', name ?? '');
    if (!text(entry, 'category').startsWith('kube-audit')) this.others++;
    else this.embedded(fieldsIn(entry, 'properties'), 'log', '/properties');
  }

  private cloudWatch(line: Fields): void {
    if (isAuditText(field(line, 'message'))) this.embedded(line, 'message', '');
    else if (typeof field(line, 'message') === 'string') this.others++;
    else throw new Unreadable('/message', 'must be a text');
  }

  /** An event, or the JSON of one as a text. */
  private embedded(fields: Fields, name: string, within: string): void {
    const value = field(fields, name);
    const at = within + step(name);
    try {
      this.event(fieldsOf(typeof value === 'string' ? readEmbeddedJson(value) : value));
    } catch (error) {
      if (error instanceof ReportFault) throw new Unreadable(at, `holds no JSON that can be read (${error.code})`);
      if (error instanceof Unreadable) throw new Unreadable(at + error.at, error.reason);
      throw error;
    }
  }

  /** Clouds export the logs of all their clusters together: what happened in one of them would be told of another. */
  private cluster(cloud: string, name: string): void {
    if (name === '') return;
    this.draft.clusterName ??= name;
    const before = this.clusters.get(cloud);
    if (before === undefined) this.clusters.set(cloud, name.toLowerCase());
    else if (before !== name.toLowerCase()) {
      throw new ReportFault('target-mismatch', 'The log is of several clusters: post one report per cluster.');
    }
  }

  private event(event: Fields): void {
    const apiVersion = optionalText(event, 'apiVersion');
    if (apiVersion !== '' && !VERSIONS.some((version) => apiVersion === `${GROUP}/${version}`)) {
      throw new Unreadable('/apiVersion', 'is no version of audit events that is known here');
    }
    const auditId = text(event, 'auditID');
    const stage = text(event, 'stage');
    if (!STAGES.includes(stage)) throw new Unreadable('/stage', 'is no stage that is known here');
    const written = instantOf(event, 'stageTimestamp', 'timestamp');
    const request = requestOf(event, stage);
    this.noteBodies(event, request);
    const lasts = isLongRunning(request);
    this.request(written, stage === 'ResponseComplete' || stage === 'Panic' || (stage === 'ResponseStarted' && lasts), {
      // Of a request that lasts, the policy may leave out either entry, or the log ends before it does: both give the same event.
      id: `${auditId}/${lasts ? 'ResponseStarted' : stage}`,
      at: instantOf(event, 'requestReceivedTimestamp', 'stageTimestamp', 'timestamp'),
      request,
      statusCode: statusOf(fieldsIn(event, 'responseStatus')),
      // All but the last may be set by the client as it likes (Kubernetes, audit Event v1, sourceIPs).
      sourceIp: texts(event, 'sourceIPs').at(-1) ?? '',
    });
  }

  private google(entry: Fields): void {
    this.cluster('google', optionalText(fieldsIn(fieldsIn(entry, 'resource'), 'labels'), 'cluster_name'));
    const payload = fieldsIn(entry, 'protoPayload');
    const code = statusOf(fieldsIn(payload, 'status')) ?? 0;
    const at = instantOf(entry, 'timestamp');
    this.request(at, true, {
      id: text(entry, 'insertId'),
      at,
      request: googleRequestOf(entry, payload, code),
      statusCode: code >= 100 ? code : null,
      sourceIp: optionalText(fieldsIn(payload, 'requestMetadata'), 'callerIp'),
    });
  }

  private request(
    written: string,
    counts: boolean,
    said: Pick<SecurityEvent, 'id' | 'at' | 'statusCode' | 'sourceIp'> & { request: AuditedRequest },
  ): void {
    const { request, ...event } = said;
    if (written > this.newest) this.newest = written;
    if (!counts) {
      this.unfinished++;
      return;
    }
    this.requests++;
    const category = categoryOf(request);
    if (category === null) return;
    this.draft.event({
      ...event,
      source: SOURCE,
      category,
      // The log judges nothing.
      severity: 'unknown',
      actor: request.user,
      action: request.verb,
      resource: resourceOf(request),
      namespace: request.object?.namespace || null,
    });
    this.kept++;
  }

  private noteBodies(event: Fields, { object }: AuditedRequest): void {
    if (object?.resource !== 'secrets' || object.group !== '') return;
    if (!has(event, 'requestObject') && !has(event, 'responseObject')) return;
    this.draft.note(
      'The log holds bodies of Secrets, which were not read: let the audit policy log secrets at the level Metadata.',
    );
  }
}

const STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'];

/** The first of these fields that is there. */
function instantOf(fields: Fields, ...names: readonly string[]): string {
  const name = names.find((one) => has(fields, one)) ?? names[0] ?? '';
  const at = instant(field(fields, name));
  if (at === null) throw new Unreadable(step(name), 'must be an instant with its zone');
  return at;
}

function statusOf(status: Fields): number | null {
  const code = optionalNumber(status, 'code');
  if (code === null || (Number.isInteger(code) && code >= 0 && code < 1_000)) return code;
  throw new Unreadable('', 'holds a status that is none');
}

function requestOf(event: Fields, stage: string): AuditedRequest {
  const user = fieldsIn(event, 'user');
  const username = optionalText(user, 'username');
  const [path = ''] = optionalText(event, 'requestURI').split('?');
  return {
    verb: text(event, 'verb'),
    object: (field(event, 'objectRef') ?? null) === null ? objectOfPath(path) : objectOf(fieldsIn(event, 'objectRef')),
    path,
    user: username,
    isAnonymous: username === 'system:anonymous' || texts(user, 'groups').includes('system:unauthenticated'),
    outcome: outcomeOf(event, stage),
  };
}

function objectOf(reference: Fields): AuditedObject {
  return {
    group: optionalText(reference, 'apiGroup'),
    resource: text(reference, 'resource'),
    subresource: optionalText(reference, 'subresource'),
    namespace: optionalText(reference, 'namespace'),
    name: optionalText(reference, 'name'),
  };
}

/** `/api/v1/…` of the core group, `/apis/group/version/…` of the others. */
function objectOfPath(path: string): AuditedObject | null {
  const [, root, ...parts] = path.split('/');
  if (root === 'api') return objectAt(['', ...parts]);
  return root === 'apis' ? objectAt(parts) : null;
}

/** Admission webhooks choose their own status; policies refuse with 422. Only that the message says so is looked at. */
const ADMISSION_REFUSED = /\bdenied (the )?request\b/;

function outcomeOf(event: Fields, stage: string): Outcome {
  const status = fieldsIn(event, 'responseStatus');
  const code = statusOf(status);
  const decision = field(fieldsIn(event, 'annotations'), 'authorization.k8s.io/decision');
  if (decision === 'forbid' || code === 401 || code === 403) return 'refused';
  if (code === null || code < 400) return 'done';
  if (ADMISSION_REFUSED.test(optionalText(status, 'message'))) return 'refused';
  // A server that fails may have done it all the same.
  return code < 500 && stage !== 'Panic' ? 'failed' : 'done';
}

/** What a Cloud Audit Log says of a request: the verb last in its method, the object as a path, and a status of gRPC or HTTP. */
function googleRequestOf(entry: Fields, payload: Fields, code: number): AuditedRequest {
  const path = text(payload, 'resourceName');
  const method = text(payload, 'methodName');
  const user = optionalText(fieldsIn(payload, 'authenticationInfo'), 'principalEmail');
  const [group = '', ...parts] = path.split('/');
  return {
    verb: method.split('.').at(-1) ?? '',
    // `io.k8s.get` is of a path that is no resource.
    object: /^io\.k8s\.\w+$/.test(method) ? null : objectAt([group === 'core' ? '' : group, ...parts]),
    path: `/${path}`,
    user,
    isAnonymous: user === 'system:anonymous',
    outcome: googleOutcomeOf(entry, payload, code),
  };
}

/** google.rpc.Code: PERMISSION_DENIED and UNAUTHENTICATED; INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, OUT_OF_RANGE, UNIMPLEMENTED. */
const RPC_REFUSED = [7, 16, 401, 403];
const RPC_FAILED = [3, 5, 6, 9, 11, 12];

function googleOutcomeOf(entry: Fields, payload: Fields, code: number): Outcome {
  const decision = field(fieldsIn(entry, 'labels'), 'authorization.k8s.io/decision');
  const isRefused = Array.from(list(payload, 'authorizationInfo')).some(
    (info) => isFields(info) && field(info, 'granted') === false,
  );
  if (decision === 'forbid' || isRefused || RPC_REFUSED.includes(code)) return 'refused';
  return RPC_FAILED.includes(code) || (code >= 400 && code < 500) ? 'failed' : 'done';
}
