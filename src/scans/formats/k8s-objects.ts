import type { FactValue } from '../../results/fact.js';
import type { Draft } from './draft.js';
import {
  nullableFlag,
  isNarrow,
  membersOf,
  nullableText,
  textList,
  textMap,
  nullableTime,
  within,
} from './fact-fields.js';
import { field, fieldsOf, has, isFields, list, optionalText, text, Unreadable, type Fields } from './fields.js';
import type { KubernetesObject } from './kubernetes.js';
import { objectFormat, type ObjectReader, type Said } from './object-format.js';

/**
 * Objects of Kubernetes itself, by the little of them that practices ask for. Environment, commands, arguments, annotations and labels are not looked at, and of
 * Secrets and ConfigMaps nothing but that they are there.
 */
export const k8sObjects = objectFormat({
  slug: 'k8s-objects',
  title: 'Kubernetes objects',
  tool: 'kubernetes',
  description:
    'Namespaces, nodes, workloads, services, service accounts, volumes, network policies, RBAC, disruption budgets and admission configuration, as ' +
    '`kubectl get -o json|yaml` writes them. Of Secrets and ConfigMaps it is only kept that they exist: leave their data out before posting.',
  readers: {
    '': {
      Namespace: namespace,
      Node: node,
      Pod: workload('spec'),
      ReplicationController: workload('spec', 'template', 'spec'),
      Service: typed,
      ServiceAccount: serviceAccount,
      Secret: secret,
      ConfigMap: configMap,
      PersistentVolume: plain,
      PersistentVolumeClaim: plain,
      LimitRange: plain,
      ResourceQuota: plain,
    },
    apps: {
      Deployment: workload('spec', 'template', 'spec'),
      StatefulSet: workload('spec', 'template', 'spec'),
      DaemonSet: workload('spec', 'template', 'spec'),
      ReplicaSet: workload('spec', 'template', 'spec'),
    },
    batch: {
      Job: workload('spec', 'template', 'spec'),
      CronJob: workload('spec', 'jobTemplate', 'spec', 'template', 'spec'),
    },
    'networking.k8s.io': { NetworkPolicy: networkPolicy, Ingress: plain, IngressClass: plain },
    'rbac.authorization.k8s.io': {
      Role: plain,
      ClusterRole: plain,
      RoleBinding: binding,
      ClusterRoleBinding: binding,
    },
    policy: { PodDisruptionBudget: plain },
    'admissionregistration.k8s.io': {
      ValidatingWebhookConfiguration: plain,
      MutatingWebhookConfiguration: plain,
      ValidatingAdmissionPolicy: plain,
      ValidatingAdmissionPolicyBinding: plain,
    },
    'apiregistration.k8s.io': { APIService: plain },
  },
  detects: (object) => object.group !== '' || (isOfCore(object) && !isScanResult(object)),
});

/** Any `apiVersion` without a slash is of the core group, and not only Kubernetes has a `kind`: there the kind has to be known. */
const CORE: readonly string[] = [
  ...['Namespace', 'Node', 'Pod', 'ReplicationController', 'Service', 'ServiceAccount', 'Secret', 'ConfigMap'],
  ...['PersistentVolume', 'PersistentVolumeClaim', 'LimitRange', 'ResourceQuota', 'Event', 'Endpoints', 'PodTemplate'],
];

function isOfCore({ version, kind }: KubernetesObject): boolean {
  return version === 'v1' && CORE.includes(kind);
}

/** The Compliance Operator keeps XCCDF results in ConfigMaps: they are that format's. */
function isScanResult({ kind, object }: KubernetesObject): boolean {
  const data = field(object, 'data');
  return kind === 'ConfigMap' && isFields(data) && has(data, 'results');
}

type Value = FactValue<'kubernetes-object'>;

function said({ object, group, version, kind }: KubernetesObject, more: Partial<Value> = {}): Said {
  return {
    kind: 'kubernetes-object',
    value: {
      apiVersion: group === '' ? version : `${group}/${version}`,
      kind,
      ...within(object, 'metadata', (metadata) => ({
        uid: nullableText(metadata, 'uid'),
        createdAt: nullableTime(metadata, 'creationTimestamp'),
      })),
      podSecurity: {},
      type: null,
      images: [],
      imagesByDigest: null,
      runningDigests: [],
      serviceAccount: null,
      mountsToken: null,
      deniesAll: [],
      role: null,
      subjects: [],
      versions: {},
      ...more,
    },
  };
}

function plain(_object: Fields, of: KubernetesObject): Said {
  return said(of);
}

function typed(object: Fields, of: KubernetesObject): Said {
  return said(of, { type: within(object, 'spec', (spec) => nullableText(spec, 'type')) });
}

function secret(object: Fields, of: KubernetesObject, draft: Draft): Said {
  noteData(object, ['data', 'stringData'], draft);
  return said(of, { type: nullableText(object, 'type') });
}

function configMap(object: Fields, of: KubernetesObject, draft: Draft): Said {
  noteData(object, ['data', 'binaryData'], draft);
  return said(of);
}

function noteData(object: Fields, names: readonly string[], draft: Draft): void {
  if (names.some((name) => has(object, name))) draft.note('The data of Secrets and ConfigMaps was dropped.');
}

const POD_SECURITY = 'pod-security.kubernetes.io/';

function namespace(object: Fields, of: KubernetesObject, draft: Draft): Said {
  return within(object, 'metadata', (metadata) => {
    // It lives as long as its cluster, whose name tools write as they like.
    if (optionalText(metadata, 'name') === 'kube-system') draft.clusterUid = nullableText(metadata, 'uid');
    const labels = Object.entries(textMap(metadata, 'labels'))
      .filter(([name]) => name.startsWith(POD_SECURITY))
      .map(([name, value]) => [name.slice(POD_SECURITY.length), value] as const);
    return said(of, { podSecurity: Object.fromEntries(labels) });
  });
}

const VERSIONS: readonly string[] = ['kubeletVersion', 'containerRuntimeVersion', 'kernelVersion', 'osImage'];

function node(object: Fields, of: KubernetesObject): Said {
  const info = within(object, 'status', (status) => textMap(status, 'nodeInfo'));
  const versions = Object.entries(info).filter(([name]) => VERSIONS.includes(name));
  return said(of, { versions: Object.fromEntries(versions) });
}

function serviceAccount(object: Fields, of: KubernetesObject): Said {
  return said(of, { mountsToken: nullableFlag(object, 'automountServiceAccountToken') });
}

/** `path`: where its pod's spec stands in it. */
function workload(...path: readonly string[]): ObjectReader {
  return (object, of) =>
    said(of, {
      ...inside(object, path, podSpec),
      // Only a pod has statuses of containers.
      runningDigests: within(object, 'status', runningDigests),
    });
}

function inside<Read>(fields: Fields, [first, ...rest]: readonly string[], read: (inner: Fields) => Read): Read {
  return first === undefined ? read(fields) : within(fields, first, (inner) => inside(inner, rest, read));
}

function podSpec(spec: Fields) {
  const images = ['containers', 'initContainers', 'ephemeralContainers'].flatMap((name) =>
    membersOf(spec, name, (container) => optionalText(fieldsOf(container), 'image')),
  );
  return {
    images: distinct(images),
    imagesByDigest: images.length === 0 ? null : images.every((image) => DIGEST.test(image)),
    serviceAccount: nullableText(spec, 'serviceAccountName'),
    mountsToken: nullableFlag(spec, 'automountServiceAccountToken'),
  };
}

const DIGEST = /@(sha256:[0-9a-f]{64})$/;

/** An image that never came from a registry has an id and no digest. */
function runningDigests(status: Fields): string[] {
  const statuses = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'];
  const ids = statuses.flatMap((name) => membersOf(status, name, (of) => optionalText(fieldsOf(of), 'imageID')));
  return distinct(ids.map((id) => DIGEST.exec(id)?.[1] ?? ''));
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].filter((text) => text !== '');
}

/** An empty selector is all pods of the namespace. Without policyTypes it is about Ingress, and about Egress if it has rules for it. */
function networkPolicy(object: Fields, of: KubernetesObject): Said {
  const deniesAll = within(object, 'spec', (spec) => {
    if (!isFields(field(spec, 'podSelector'))) throw new Unreadable('/podSelector', 'must be an object');
    if (within(spec, 'podSelector', isNarrow)) return [];
    const types = has(spec, 'policyTypes') ? textList(spec, 'policyTypes') : ['Ingress'];
    const isDenied = (type: string, rules: string) => types.includes(type) && list(spec, rules).length === 0;
    return [
      ...(isDenied('Ingress', 'ingress') ? (['Ingress'] as const) : []),
      ...(isDenied('Egress', 'egress') ? (['Egress'] as const) : []),
    ];
  });
  return said(of, { deniesAll });
}

function binding(object: Fields, of: KubernetesObject): Said {
  return said(of, {
    role: within(object, 'roleRef', (role) => `${text(role, 'kind')}/${text(role, 'name')}`),
    subjects: distinct(membersOf(object, 'subjects', (subject) => subjectOf(fieldsOf(subject)))),
  });
}

/** Names of people stay out; those that begin with system: are Kubernetes' own. */
function subjectOf(subject: Fields): string {
  const kind = text(subject, 'kind');
  const name = text(subject, 'name');
  switch (kind) {
    case 'ServiceAccount':
      return `${kind}/${optionalText(subject, 'namespace')}/${name}`;
    case 'Group':
      return `${kind}/${name}`;
    case 'User':
      return name.startsWith('system:') ? `${kind}/${name}` : kind;
    default:
      throw new Unreadable('/kind', 'must be ServiceAccount, Group or User');
  }
}
