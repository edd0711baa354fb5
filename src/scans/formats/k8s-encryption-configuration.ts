import type { FactValue } from '../../results/fact.js';
import type { CheckResult, Format } from '../report.js';
import { ReportFault } from '../report.js';
import type { Draft } from './draft.js';
import { membersOf, nullableText, textList, within } from './fact-fields.js';
import { field, fieldsOf, has, text, Unreadable, type Fields } from './fields.js';
import { detectObjects, eachObject, type KubernetesObject } from './kubernetes.js';
import { clusterScope } from './targets.js';

const SLUG = 'k8s-encryption-configuration';
const KIND = 'EncryptionConfiguration';

/** Whether the API server encrypts Secrets before it stores them, and with what. */
export const k8sEncryptionConfiguration: Format = {
  slug: SLUG,
  title: 'Kubernetes encryption configuration',
  tool: 'kubernetes',
  description:
    'EncryptionConfiguration of apiserver.config.k8s.io/v1, as JSON or YAML: the file that the API server is started with. Names and order of its providers; ' +
    'its keys are never read, and do not belong into a report: leave `secret` out. Its results say whether Secrets are encrypted, and by a KMS; that the API server was ' +
    'started with this file they do not show. It does not say when it was in force: pass observedAt.',
  yields: ['results', 'facts'],
  targets: ['cluster'],

  detect(document) {
    return detectObjects(document, isConfiguration);
  },

  read(document, draft) {
    const { target, extent } = clusterScope(draft.declared, SLUG, null).targetOf(null);
    const scope = { target, source: `kubernetes/${KIND}` };
    let found = false;
    eachObject(draft, document, (of) => {
      if (!isConfiguration(of)) throw new Unreadable('/kind', `must be ${KIND} of apiserver.config.k8s.io`);
      if (found) {
        throw new ReportFault('malformed-report', `There are several ${KIND}s; which of them is in force is not said.`);
      }
      found = true;
      draft.cover({ ...scope, extent, checks: null, silentPass: [] });
      draft.attempt(of.pointer, scope, () => {
        const value = configuration(of.object, draft);
        draft.fact({ ...scope, kind: 'encryption-configuration', subject: KIND, namespace: null, value });
        for (const check of checksOf(value)) draft.add({ ...scope, resource: KIND, namespace: null, ...check });
      });
    });
  },
};

function isConfiguration({ group, kind }: KubernetesObject): boolean {
  return group === 'apiserver.config.k8s.io' && kind === KIND;
}

type Value = FactValue<'encryption-configuration'>;
type Entry = Value['entries'][number];

function configuration(object: Fields, draft: Draft): Value {
  const entries = membersOf(object, 'resources', (member) => entryOf(fieldsOf(member), draft));
  if (entries.length === 0) throw new Unreadable('/resources', 'must hold an entry');
  return { encryptsSecretsWith: providerOfSecrets(entries)?.type ?? null, entries };
}

/** What encrypts Secrets: the first provider of the first entry that is about them. Null: no entry is. */
function providerOfSecrets(entries: readonly Entry[]): Entry['providers'][number] | null {
  return entries.find(({ resources }) => resources.some((name) => SECRETS.includes(name)))?.providers[0] ?? null;
}

function checksOf({ entries }: Value): Pick<CheckResult, 'check' | 'title' | 'severity' | 'status' | 'message'>[] {
  const provider = providerOfSecrets(entries);
  const name = [provider?.type, provider?.apiVersion].filter((part) => typeof part === 'string').join(' ');
  const message = provider === null ? 'No entry is about Secrets.' : `The first provider for Secrets is ${name}.`;
  return [
    {
      check: 'secrets-encrypted-first',
      title: 'Secrets are encrypted before they are stored',
      severity: 'critical',
      status: provider === null || provider.type === 'identity' ? 'fail' : 'pass',
      message,
    },
    {
      check: 'secrets-kms-v2-first',
      title: 'Secrets are encrypted by a KMS of version 2',
      severity: 'high',
      status: provider?.type === 'kms' && provider.apiVersion === 'v2' ? 'pass' : 'fail',
      message,
    },
  ];
}

/** What an entry may call Secrets: by their name, with the empty name of their group or without, all of that group, all. The first entry that does decides. */
const SECRETS: readonly string[] = ['secrets', 'secrets.', '*.', '*.*'];

function entryOf(fields: Fields, draft: Draft): Entry {
  const resources = textList(fields, 'resources');
  const providers = membersOf(fields, 'providers', (member) => providerOf(fieldsOf(member), draft));
  if (resources.length === 0) throw new Unreadable('/resources', 'must name a resource');
  if (providers.length === 0) throw new Unreadable('/providers', 'must hold a provider');
  return { resources, providers };
}

const PROVIDERS: readonly string[] = ['identity', 'aescbc', 'aesgcm', 'secretbox', 'kms'];

/** A provider is an object with one key that is set, its type. */
function providerOf(fields: Fields, draft: Draft): Entry['providers'][number] {
  const [type, second] = Object.keys(fields).filter((name) => field(fields, name) !== null);
  if (type === undefined || second !== undefined || !PROVIDERS.includes(type)) {
    throw new Unreadable('', `must be one of ${PROVIDERS.join(', ')}`);
  }
  return within(fields, type, (provider) => ({
    type,
    name: nullableText(provider, 'name'),
    apiVersion: type === 'kms' ? (nullableText(provider, 'apiVersion') ?? 'v1') : null,
    keyNames: membersOf(provider, 'keys', (member) => keyName(fieldsOf(member), draft)),
  }));
}

/** Whether the key is there is seen; its value is not looked at. */
function keyName(key: Fields, draft: Draft): string {
  if (has(key, 'secret')) {
    draft.note(
      'The configuration was sent with its keys. They are not kept, but they have left the cluster: replace them.',
    );
  }
  return text(key, 'name');
}
