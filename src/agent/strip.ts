import { isItem, type Item } from './list.js';
import { hasSecretForm, tellsSecret } from './secret-text.js';

/** What stands for what does not leave the cluster; that something was there is left to see. The server's own redaction writes the same. */
export const DROPPED = '[dropped]';

/** What is taken out, in the words of a snapshot's head. */
export const STRIPPED: readonly string[] = [
  'metadata.managedFields',
  'annotations that repeat the object (last-applied-configuration and the like)',
  'Secret: all but metadata and type',
  'ConfigMap.data, ConfigMap.binaryData: values',
  'env.value, httpHeaders.value',
  'container messages of states (termination logs)',
  'command, args: values, but of the control plane',
  'texts with the form of a secret; members named password, token and the like',
  'values of HelmRelease, Application and Kustomization; fake data of SecretStore; SealedSecret.encryptedData; literals of ExternalSecret templates',
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

/** Members whose text is a secret by their name alone. What ends otherwise (`secretName`, `tokenSecretRef`) says where one is. */
const SECRET_NAMES: ReadonlySet<string> = new Set([
  ...['password', 'passwd', 'passphrase', 'secret', 'token', 'bearertoken', 'accesstoken', 'refreshtoken', 'authtoken'],
  ...['apikey', 'apitoken', 'clientsecret', 'secretkey', 'privatekey', 'secretaccesskey', 'sharedkey', 'credentials'],
  // Heketi's, of StorageClass.parameters: https://kubernetes.io/docs/concepts/storage/storage-classes/
  'restuserkey',
]);

/** By kind: members whose texts go, all of them, wherever they stand below spec. */
const FREE_TEXT: Readonly<Record<string, ReadonlySet<string>>> = {
  // Values of charts: what is passed to an application, passwords included.
  HelmRelease: new Set(['values', 'valuesInline']),
  Application: new Set(['values', 'valuesObject', 'parameters', 'plugin']),
  Kustomization: new Set(['substitute', 'patches', 'patch']),
  SecretStore: new Set(['fake']),
  ClusterSecretStore: new Set(['fake']),
  ExternalSecret: new Set(['templateFrom', 'template']),
  SealedSecret: new Set(['encryptedData']),
  Issuer: new Set(['email']),
  ClusterIssuer: new Set(['email']),
};

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
    for (const member of ['data', 'binaryData']) dropTexts(object[member], 0);
  }
  const walk = new Walk(isControlPlane(kind, metadata), FREE_TEXT[kind] ?? NONE);
  walk.object(object, '', 0);
}

/** Of an object in which a scanner keeps its report: only what it says of itself, and the texts in which it found secrets. */
export function stripReport(object: Item): void {
  if (isItem(object['metadata'])) stripMetadata(object['metadata']);
  const { report } = object;
  if (object['kind'] !== 'ExposedSecretReport' || !isItem(report) || !Array.isArray(report['secrets'])) return;
  for (const secret of report['secrets'])
    if (isItem(secret) && secret['match'] !== undefined) secret['match'] = DROPPED;
}

const NONE: ReadonlySet<string> = new Set();

class Walk {
  constructor(
    private readonly keepsCommands: boolean,
    private readonly freeText: ReadonlySet<string>,
  ) {}

  object(object: Item, name: string, depth: number): void {
    if (name === 'metadata') stripMetadata(object);
    for (const [member, value] of Object.entries(object)) {
      if (typeof value === 'string') {
        if (SECRET_NAMES.has(member.toLowerCase()) ? value !== '' : hasSecretForm(value)) object[member] = DROPPED;
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
        else if (hasSecretForm(value)) list[at] = DROPPED;
      } else if (depth >= DEEPEST) list[at] = DROPPED;
      else if (Array.isArray(value)) this.list(value, name, depth + 1);
      else if (isItem(value)) this.object(value, name, depth + 1);
    });
  }

  /** A word of a command line. */
  private word(word: string, isProgram: boolean): string {
    if (this.keepsCommands) return tellsSecret(word) ? dropValue(word) : word;
    if (isProgram && /^[\w./-]{1,256}$/.test(word)) return word;
    return HARMLESS_WORD.test(word) ? word : dropValue(word);
  }
}

/** What may have a query: `/ready?token=…`. */
const ADDRESSES: ReadonlySet<string> = new Set(['url', 'path', 'uri', 'endpoint', 'server']);

/** Labels and annotations: their members' names are people's, and mean nothing here. */
const MAPS: ReadonlySet<string> = new Set(['labels', 'annotations']);

/** A flag without a value, or whose value is a switch or a setting of TLS. */
const HARMLESS_WORD = /^--?[A-Za-z][\w.-]{0,127}(?:=(?:true|false|VersionTLS1[0-3]|TLS_[A-Z0-9_,]{1,2000}))?$/;

/** `--flag=[dropped]`, or nothing but that something was there. */
function dropValue(word: string): string {
  const flag = /^--?[A-Za-z][\w.-]{0,127}(?==)/.exec(word)?.[0];
  return flag === undefined ? DROPPED : `${flag}=${DROPPED}`;
}

function stripMetadata(metadata: Item): void {
  delete metadata['managedFields'];
  const annotations = metadata['annotations'];
  if (!isItem(annotations)) return;
  for (const [name, value] of Object.entries(annotations)) {
    if (COPIES.has(name)) Reflect.deleteProperty(annotations, name);
    else if (
      typeof value === 'string' &&
      (value.length > LONGEST_ANNOTATION || tellsSecret(value) || isSecretName(name))
    ) {
      annotations[name] = DROPPED;
    }
  }
}

/** By its last part: `example.com/db-password`. */
function isSecretName(annotation: string): boolean {
  return /(?:^|[^a-z])(?:passw(?:or)?d|passphrase|token|secret|api-?key|credentials?)$/i.test(annotation);
}

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
