import { condition, nullableText, nullableTime, within } from './fact-fields.js';
import { list, text, Unreadable, type Fields } from './fields.js';
import { objectFormat, type Said } from './object-format.js';

/** Which Secrets come from a store outside of the cluster, and when they were last fetched. */
export const externalSecrets = objectFormat({
  slug: 'external-secrets',
  title: 'External Secrets Operator',
  tool: 'external-secrets',
  description:
    'ExternalSecret, SecretStore and ClusterSecretStore of external-secrets.io (v1, v1beta1, v1alpha1). Remote names, templates and messages are not kept.',
  readers: {
    'external-secrets.io': {
      ExternalSecret: externalSecret,
      SecretStore: secretStore,
      ClusterSecretStore: secretStore,
    },
  },
});

/** Of `data`, `dataFrom` and the template only the number leaves: a template may quote what is secret. */
function externalSecret(object: Fields): Said {
  // The Secret is called like the ExternalSecret where the target does not name it.
  const own = within(object, 'metadata', (metadata) => text(metadata, 'name'));
  return {
    kind: 'external-secret',
    value: {
      ...within(object, 'spec', (spec) => ({
        store: within(spec, 'secretStoreRef', storeOf),
        target: within(spec, 'target', (target) => nullableText(target, 'name')) ?? own,
        refreshInterval: nullableText(spec, 'refreshInterval'),
        refreshPolicy: nullableText(spec, 'refreshPolicy'),
        entries: list(spec, 'data').length + list(spec, 'dataFrom').length,
      })),
      ...within(object, 'status', (status) => ({
        ...readiness(status),
        refreshedAt: nullableTime(status, 'refreshTime'),
      })),
    },
  };
}

/** None where each entry of `dataFrom` names its own. */
function storeOf(reference: Fields): string | null {
  const name = nullableText(reference, 'name');
  return name === null ? null : `${nullableText(reference, 'kind') ?? 'SecretStore'}/${name}`;
}

function secretStore(object: Fields): Said {
  return {
    kind: 'secret-store',
    value: { provider: within(object, 'spec', providerOf), ...within(object, 'status', readiness) },
  };
}

/** The provider is the one key of `provider`; what stands under it is how one logs in. */
function providerOf(spec: Fields): string {
  const [provider, second] = within(spec, 'provider', Object.keys);
  if (provider === undefined || second !== undefined) throw new Unreadable('/provider', 'must name one provider');
  return provider;
}

function readiness(status: Fields): { ready: boolean | null; reason: string | null } {
  const { isTrue, reason } = condition(status, 'Ready');
  return { ready: isTrue, reason };
}
