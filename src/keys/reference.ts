/** Providers whose keys reports tell of: of the facts `key`, and of `certificate`. */
export const SEEN_PROVIDERS = ['aws-kms', 'gcp-kms', 'azure-key-vault', 'vault-transit', 'cert-manager'] as const;
export type SeenProvider = (typeof SEEN_PROVIDERS)[number];

const ALIASES: ReadonlyMap<string, SeenProvider> = new Map([
  ['aws', 'aws-kms'],
  ['gcp', 'gcp-kms'],
  ['google-cloud-kms', 'gcp-kms'],
  ['azure-keyvault', 'azure-key-vault'],
  ['vault', 'vault-transit'],
  ['openbao', 'vault-transit'],
]);

/** Of what people write: «AWS KMS» is aws-kms. Formats of reports are called otherwise than the providers in their facts. */
export function normalProvider(provider: string): string {
  const said = provider
    .trim()
    .toLowerCase()
    .replaceAll(/[\s_]+/g, '-');
  return ALIASES.get(said) ?? said;
}

const AWS_ARN = /^arn:aws[a-z-]*:kms:([a-z0-9-]{1,50}):\d{12}:key\/([A-Za-z0-9-]{1,100})$/;
const AZURE_ID = /^(?:https:\/\/)?([a-z0-9.-]{1,253})(?::443)?\/(?:keys\/)?([a-z0-9-]{1,127})(?:\/[a-z0-9]{1,64})?$/;
const GCP_SERVICE = /^(?:https:)?\/\/cloudkms\.googleapis\.com\/(?:v1\/)?/;

/**
 * One spelling of the reference to a key, so that what people write and what the answers of a provider say can be compared: an ARN and the id in it, the id of a
 * key and that of one of its versions. Nothing in it is material.
 */
export function normalReference(provider: string, keyId: string): string {
  const said = keyId.trim();
  switch (normalProvider(provider)) {
    case 'aws-kms': {
      // The id is a UUID, whatever account it is of; that of a multi-region key is one in each region.
      const [, region, id] = AWS_ARN.exec(said) ?? [];
      return id === undefined || region === undefined ? said : id.startsWith('mrk-') ? `${region}/${id}` : id;
    }
    case 'gcp-kms':
      return said.replace(GCP_SERVICE, '').replace(/\/cryptoKeyVersions\/\d{1,9}$/, '');
    case 'azure-key-vault': {
      const [, host, name] = AZURE_ID.exec(said.toLowerCase()) ?? [];
      return host === undefined || name === undefined ? said : `${host}/${name}`;
    }
    case 'vault-transit':
      return said.replace(/^([^/]+)\/keys\//, '$1/');
    default:
      return said;
  }
}

/** One spelling of the version of a key: the last part of its path, `v3` is 3, letters are small. */
export function normalVersion(version: string): string {
  const last = version.trim().toLowerCase().split('/').at(-1) ?? '';
  return last.replace(/^v(?=\d)/, '');
}
