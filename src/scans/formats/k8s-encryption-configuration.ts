import type { FactValue } from '../../results/fact.js';
import type { Format } from '../report.js';
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
    'its keys are never read, and do not belong into a report: leave `secret` out. It does not say when it was in force: pass observedAt.',
  yields: ['facts'],
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
        draft.fact({
          ...scope,
          kind: 'encryption-configuration',
          subject: KIND,
          namespace: null,
          value: configuration(of.object, draft),
        });
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
  const first = entries.find(({ resources }) => resources.some((resource) => SECRETS.includes(resource)));
  return { encryptsSecretsWith: first?.providers[0]?.type ?? null, entries };
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
