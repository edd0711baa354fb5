import { hasSecretForm, tellsSecret } from '../checks/secret-text.js';
import { DROPPED, dropValue, stripWord } from './command-line.js';
import { isItem, type Item } from './list.js';

/** What is taken out, in the words of a snapshot's head. */
export const STRIPPED: readonly string[] = [
  'metadata.managedFields: all but who changed which outermost field when',
  'annotations that repeat an object (last-applied-configuration and the like)',
  'Secret: all but metadata and type',
  'ConfigMap.data, ConfigMap.binaryData, and data of Secrets and ConfigMaps that stand in other objects: values',
  "env.value, httpHeaders.value, and the value of any other pair whose name is a secret's",
  'container messages of states (termination logs)',
  'command, args: values, but switches, levels and settings of TLS, and but of the control plane',
  'texts with the form of a secret, in labels too; members named password, token and the like; options of mounts that tell one',
  'values of HelmRelease, Application and Kustomization; fake data of SecretStore; SealedSecret.encryptedData; literals of ExternalSecret templates; SQL of a Cluster of CloudNativePG',
  'mail addresses of Issuer and ClusterIssuer',
];

/** Annotations in which tools keep the whole object, with all that is taken out of it. */
const COPIES: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'objectset.rio.cattle.io/applied',
  'banzaicloud.com/last-applied',
  'kapp.k14s.io/original',
  'kapp.k14s.io/original-diff',
]);

/** Longer is a document, not a setting: no check reads it, and nobody knows what is in it. */
const LONGEST_ANNOTATION = 4_096;

/**
 * Names whose text is a secret: by what they end with (`adminPassword`, `X-Api-Key`), or whole, where the same end is also that of names of Secrets (`existingSecret: db`). What
 * ends otherwise (`secretName`, `tokenSecretRef`) says where one is.
 */
const SECRET_ENDS = /(?:password|passwd|passphrase|token|apikey|secretkey|privatekey|accesskey|sharedkey)$/;
const SECRET_NAMES: ReadonlySet<string> = new Set([
  ...['secret', 'clientsecret', 'credentials', 'authorization', 'cookie', 'pwd'],
  // Heketi's, of StorageClass.parameters: https://kubernetes.io/docs/concepts/storage/storage-classes/
  'restuserkey',
]);

function isSecretName(name: string): boolean {
  const plain = name.toLowerCase().replaceAll(/[-_.]/g, '');
  return SECRET_NAMES.has(plain) || SECRET_ENDS.test(plain);
}

/** By kind: members whose texts go, all of them, wherever they stand below spec. */
const FREE_TEXT: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    // Values of charts: what is passed to an application, passwords included.
    HelmRelease: ['values', 'valuesInline'],
    Application: ['values', 'valuesObject', 'parameters', 'plugin'],
    Kustomization: ['substitute', 'patches', 'patch'],
    SecretStore: ['fake'],
    ClusterSecretStore: ['fake'],
    ExternalSecret: ['templateFrom', 'template'],
    SealedSecret: ['encryptedData'],
    Issuer: ['email'],
    ClusterIssuer: ['email'],
    // CloudNativePG: `CREATE ROLE … PASSWORD '…'`.
    Cluster: ['postInitSQL', 'postInitApplicationSQL', 'postInitTemplateSQL'],
  }).map(([kind, members]) => [kind, new Set(members)]),
);

/** JSON of the API is not as deep as this; what is deeper is nothing that a check reads. */
const DEEPEST = 100;

/**
 * Takes out of an object, in place, what must not leave the cluster. `without`: paths of fields that are of no use (`status.images`, `webhooks[].clientConfig.caBundle`).
 */
export function strip(object: Item, without: readonly string[]): void {
  const kind = typeof object['kind'] === 'string' ? object['kind'] : '';
  for (const path of without) removeAt(object, path.split('.'));
  const metadata = isItem(object['metadata']) ? object['metadata'] : {};
  if (kind === 'Secret' && object['apiVersion'] === 'v1') keepOnly(object, ['apiVersion', 'kind', 'type', 'metadata']);
  if (kind === 'ConfigMap' && object['apiVersion'] === 'v1') {
    for (const member of DATA) dropTexts(object[member]);
  }
  const walk = new Walk(isControlPlane(kind, metadata), FREE_TEXT.get(kind) ?? NONE);
  walk.object(object, '', 0);
}

/** Of an object in which a scanner keeps its report: only what it says of itself, and the texts in which it found secrets. */
export function stripReport(object: Item): void {
  if (isItem(object['metadata'])) {
    delete object['metadata']['managedFields'];
    stripMetadata(object['metadata']);
  }
  const { report } = object;
  if (object['kind'] !== 'ExposedSecretReport' || !isItem(report) || !Array.isArray(report['secrets'])) return;
  for (const secret of report['secrets'])
    if (isItem(secret) && secret['match'] !== undefined) secret['match'] = DROPPED;
}

const DATA = ['data', 'stringData', 'binaryData'] as const;

const NONE: ReadonlySet<string> = new Set();

class Walk {
  constructor(
    private readonly keepsCommands: boolean,
    private readonly freeText: ReadonlySet<string>,
  ) {}

  object(object: Item, name: string, depth: number): void {
    if (name === 'metadata') stripMetadata(object);
    // A policy that makes one, a manifest that is carried.
    if (depth > 0 && (object['kind'] === 'Secret' || object['kind'] === 'ConfigMap'))
      for (const member of DATA) dropTexts(object[member], depth);
    // `{name: X-Api-Key, value: …}`, and `password: {value: …}`.
    if (isSecretName(name) || (typeof object['name'] === 'string' && isSecretName(object['name'])))
      object['value'] &&= DROPPED;
    for (const [member, value] of Object.entries(object)) {
      if (typeof value === 'number' && isSecretName(member)) object[member] = DROPPED;
      else if (typeof value === 'string') {
        if (isSecretName(member) ? value !== '' : hasSecretForm(value)) object[member] = DROPPED;
        else if (ADDRESSES.has(member) && tellsSecret(value)) object[member] = DROPPED;
        else if (this.freeText.has(member) || (member === 'message' && (name === 'terminated' || name === 'waiting')))
          object[member] = DROPPED;
      } else if (this.freeText.has(member)) {
        object[member] = dropTexts(value);
      } else if (typeof value === 'object' && value !== null) {
        if (depth >= DEEPEST) object[member] = DROPPED;
        else if (Array.isArray(value)) this.list(value, member, depth + 1);
        else if (!(name === 'metadata' && MAPS.has(member))) this.object(value as Item, member, depth + 1);
      }
    }
  }

  private list(list: unknown[], name: string, depth: number): void {
    // Of env and httpHeaders names and references stay, as of a probe's path and of a container's image.
    if (name === 'env' || name === 'httpHeaders') {
      for (const item of list) {
        if (isItem(item) && item['value'] !== undefined && item['value'] !== '') item['value'] = DROPPED;
      }
    }
    const isCommand = name === 'command' || name === 'args';
    list.forEach((value, at) => {
      if (typeof value === 'string') {
        if (isCommand) list[at] = this.word(value, name === 'command' && at === 0);
        else if (tellsSecret(value)) list[at] = DROPPED;
      } else if (depth >= DEEPEST) list[at] = DROPPED;
      else if (Array.isArray(value)) this.list(value, name, depth + 1);
      else if (isItem(value)) this.object(value, name, depth + 1);
    });
  }

  /** A word of a command line. */
  private word(word: string, isProgram: boolean): string {
    if (this.keepsCommands) return tellsSecret(word) ? dropValue(word) : word;
    return isProgram && /^[\w./-]{1,256}$/.test(word) ? word : stripWord(word);
  }
}

/** What may have a query: `/ready?token=…`. */
const ADDRESSES: ReadonlySet<string> = new Set(['url', 'path', 'uri', 'endpoint', 'server']);

/** Labels and annotations: their members' names are people's, and mean nothing here. */
const MAPS: ReadonlySet<string> = new Set(['labels', 'annotations']);

function stripMetadata(metadata: Item): void {
  const { annotations, labels, managedFields } = metadata;
  if (managedFields !== undefined) metadata['managedFields'] = changesOf(managedFields);
  if (isItem(annotations)) {
    for (const [name, value] of Object.entries(annotations)) {
      if (COPIES.has(name)) Reflect.deleteProperty(annotations, name);
      else if (typeof value === 'string' && mayNotLeave(name, value)) annotations[name] = DROPPED;
    }
  }
  if (isItem(labels)) {
    for (const [name, value] of Object.entries(labels))
      if (typeof value === 'string' && hasSecretForm(value)) labels[name] = DROPPED;
  }
}

/** Of ManagedFieldsEntry: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/ */
const CHANGE = ['manager', 'operation', 'apiVersion', 'time', 'fieldsType', 'subresource'] as const;

/** Who changed an object when, and which of its outermost fields: the names below them are many, and those of labels and of keys in data are people's. */
function changesOf(managedFields: unknown): Item[] {
  if (!Array.isArray(managedFields)) return [];
  return managedFields.filter(isItem).map((entry) => {
    const change: Item = {};
    for (const member of CHANGE) if (typeof entry[member] === 'string') change[member] = entry[member];
    if (isItem(entry['fieldsV1']))
      change['fieldsV1'] = Object.fromEntries(Object.keys(entry['fieldsV1']).map((name) => [name, {}]));
    return change;
  });
}

function mayNotLeave(annotation: string, value: string): boolean {
  return (
    value.length > LONGEST_ANNOTATION ||
    // By its last part: `example.com/db-password`, `example.com/dbPassword`.
    /(?:^|[^a-z])(?:passw(?:or)?d|passphrase|token|secret|api-?key|credentials?)$/i.test(annotation) ||
    isSecretName(annotation) ||
    tellsSecret(value) ||
    COPY.test(value)
  );
}

/** JSON with members that objects of Kubernetes have: a copy that some operator keeps (kopf's `last-handled-configuration`, CloudNativePG's `podSpec`). */
const COPY = /^\s*\{[^]*"(?:data|stringData|spec|containers|template|metadata)"\s{0,8}:/;

/**
 * Pods of the control plane, whose flags are what is checked: in kube-system, or in the namespaces in which OpenShift runs its own, with the labels that kubeadm, RKE2 and
 * OpenShift give them. Whoever can write there is the cluster's administrator; others can not make their command lines look like these.
 */
function isControlPlane(kind: string, metadata: Item): boolean {
  const { namespace, labels } = metadata;
  if (kind !== 'Pod' || typeof namespace !== 'string' || !isItem(labels)) return false;
  const isPlace = namespace === 'kube-system' || /^openshift-(?:kube-[a-z-]+|etcd)$/.test(namespace);
  return (
    isPlace && (labels['tier'] === 'control-plane' || COMPONENTS.has(String(labels['component'] ?? labels['app'])))
  );
}

const COMPONENTS: ReadonlySet<string> = new Set([
  ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd', 'cloud-controller-manager'],
  ...['openshift-kube-apiserver', 'openshift-kube-scheduler', 'kube-controller-manager-operator'],
]);

/** Every text below goes; names, numbers and switches stay. */
function dropTexts(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value === '' ? '' : DROPPED;
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEEPEST) return DROPPED;
  const members = value as Item;
  for (const [name, member] of Object.entries(members)) members[name] = dropTexts(member, depth + 1);
  return value;
}

function keepOnly(object: Item, names: readonly string[]): void {
  for (const name of Object.keys(object)) if (!names.includes(name)) Reflect.deleteProperty(object, name);
}

function removeAt(node: unknown, [first = '', ...rest]: readonly string[]): void {
  if (!isItem(node)) return;
  const isList = first.endsWith('[]');
  const name = isList ? first.slice(0, -2) : first;
  const below = node[name];
  if (rest.length === 0) Reflect.deleteProperty(node, name);
  else if (!isList) removeAt(below, rest);
  else if (Array.isArray(below)) for (const one of below) removeAt(one, rest);
}
