import { nullableFlag, membersOf, nullableText, within } from './fact-fields.js';
import { fieldsOf, text, type Fields } from './fields.js';
import { objectFormat, type Said } from './object-format.js';

/** Which secrets are mounted from a store outside of the cluster, in which versions. */
export const secretsStoreCsi = objectFormat({
  slug: 'secrets-store-csi',
  title: 'Secrets Store CSI Driver',
  tool: 'secrets-store-csi',
  description:
    'SecretProviderClass and SecretProviderClassPodStatus of secrets-store.csi.x-k8s.io (v1, v1alpha1). The parameters of a class are not kept.',
  readers: {
    'secrets-store.csi.x-k8s.io': {
      SecretProviderClass: secretProviderClass,
      SecretProviderClassPodStatus: podStatus,
    },
  },
});

function secretProviderClass(object: Fields): Said {
  return {
    kind: 'secret-provider',
    value: within(object, 'spec', (spec) => ({
      provider: nullableText(spec, 'provider'),
      secretObjects: membersOf(spec, 'secretObjects', (member) => text(fieldsOf(member), 'secretName')),
    })),
  };
}

function podStatus(object: Fields): Said {
  return {
    kind: 'secret-mount',
    value: within(object, 'status', (status) => ({
      pod: nullableText(status, 'podName'),
      providerClass: nullableText(status, 'secretProviderClassName'),
      mounted: nullableFlag(status, 'mounted'),
      objects: membersOf(status, 'objects', (member) => {
        const mounted = fieldsOf(member);
        return { id: text(mounted, 'id'), version: nullableText(mounted, 'version') };
      }),
    })),
  };
}
