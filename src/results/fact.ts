import { z } from 'zod';

/**
 * What a report says is so, where it judges nothing: the state of a key, a certificate, a backup, a package inside of an image. A fact never makes a pass by
 * itself: people, checks and ledgers ask for it. One zod object per kind gives type, check, OpenAPI and documentation. Nothing in a fact is a secret: names,
 * times, versions and states only.
 */

/** RFC 3339 in UTC with milliseconds; null where the source does not say. */
const instant = z.iso.datetime({ precision: 3 }).nullable();
const text = z.string().max(1_000);
const nullableText = text.nullable();
const texts = z.array(text).max(500);
const count = z.int().nonnegative().nullable();
const flag = z.boolean().nullable();

const rotationOfKey = z.object({
  at: z.iso.datetime({ precision: 3 }).describe('When the new version came into force.'),
  type: z.enum(['automatic', 'on-demand', 'unknown']),
  version: nullableText.describe('The new version, as in `versions`.'),
});

const versionOfKey = z.object({
  version: text.describe('Number or name that the provider gives the version.'),
  createdAt: instant,
  state: nullableText.describe('As the provider writes it: ENABLED, DESTROY_SCHEDULED …'),
});

/** A verification by configured keys; `unverified` where there are none or it was not tried, never taken as good. */
const verification = z.object({
  state: z.enum(['verified', 'unverified', 'failed']),
  by: nullableText.describe('Name of the configured trust that verified it.'),
  reason: text.describe('Why it is not verified; empty where it is.'),
});

export const FACT_KINDS = {
  'encryption-configuration': z
    .object({
      encryptsSecretsWith: nullableText.describe(
        'First provider of the first entry that matches secrets. Stored in clear: identity, and null, where no entry matches.',
      ),
      entries: z
        .array(
          z.object({
            resources: texts,
            providers: z
              .array(
                z.object({
                  type: text.describe('identity, aescbc, aesgcm, secretbox or kms.'),
                  name: nullableText.describe('Name of a KMS plugin.'),
                  apiVersion: nullableText.describe('v1 or v2, of a KMS plugin.'),
                  keyNames: texts.describe('Names of the keys; never the keys.'),
                }),
              )
              .max(50)
              .describe('In order: the first encrypts, the others only decrypt.'),
          }),
        )
        .max(200),
    })
    .describe('EncryptionConfiguration of an API server (apiserver.config.k8s.io/v1).'),
  'audit-policy': z
    .object({
      omitStages: texts,
      rules: z
        .array(
          z.object({
            level: text.describe('None, Metadata, Request or RequestResponse.'),
            users: texts.describe(
              "Names that begin with system:; anybody else is (other), for people's names are not kept.",
            ),
            userGroups: texts,
            verbs: texts,
            resources: z
              .array(
                z.object({
                  group: text.describe('Empty: the core group.'),
                  resources: texts.describe('Empty: all of the group. pods/exec is a subresource, * all of them.'),
                  names: texts.describe('The rule is about objects of these names only; empty: of any name.'),
                }),
              )
              .max(200),
            namespaces: texts,
            nonResourceUrls: texts,
            omitStages: texts,
          }),
        )
        .max(500)
        .describe('In order: the first that matches decides; what none matches is not logged.'),
    })
    .describe('Audit Policy of an API server (audit.k8s.io/v1).'),
  'storage-class': z
    .object({
      provisioner: text,
      encrypted: flag.describe('Null: the class does not say; the provider may encrypt all the same.'),
      kmsKeyId: nullableText.describe('Key or disk encryption set that the class names.'),
      reclaimPolicy: nullableText,
      default: z.boolean().describe('Volumes that name no class are of this one.'),
    })
    .describe('StorageClass (storage.k8s.io/v1).'),
  'volume-snapshot': z
    .object({
      ready: flag,
      createdAt: instant,
      restoreSizeBytes: count,
      failed: z.boolean(),
      source: nullableText.describe('PersistentVolumeClaim, or handle of the volume, that it is of.'),
      class: nullableText,
      content: nullableText.describe('VolumeSnapshotContent of a VolumeSnapshot.'),
      handle: nullableText.describe('What the storage provider calls it.'),
    })
    .describe('VolumeSnapshot or VolumeSnapshotContent (snapshot.storage.k8s.io/v1).'),
  'volume-snapshot-class': z
    .object({ driver: text, deletionPolicy: nullableText })
    .describe('VolumeSnapshotClass (snapshot.storage.k8s.io/v1).'),
  backup: z
    .object({
      phase: nullableText,
      succeeded: flag.describe('Null while it is under way.'),
      startedAt: instant,
      completedAt: instant,
      expiresAt: instant,
      includedNamespaces: texts.describe('Empty or *: all.'),
      excludedNamespaces: texts,
      includedResources: texts.describe('Empty or *: all.'),
      excludedResources: texts,
      includesClusterResources: flag.describe('Null: those that what it holds needs, or all if all namespaces are in.'),
      selective: z.boolean().describe('A label selector narrows it.'),
      storageLocation: nullableText,
      schedule: nullableText,
      snapshotsVolumes: flag,
      copiesVolumes: flag.describe('Whether volumes are backed up as files if nothing else is said of them.'),
      volumeSnapshotsAttempted: count,
      volumeSnapshotsCompleted: count,
      itemsTotal: count,
      itemsDone: count,
      warnings: count,
      errors: count,
    })
    .describe('One run of a backup (velero.io/v1 Backup).'),
  restore: z
    .object({
      backup: nullableText,
      schedule: nullableText,
      phase: nullableText,
      succeeded: flag,
      startedAt: instant,
      completedAt: instant,
      includedNamespaces: texts,
      itemsTotal: count,
      itemsDone: count,
      warnings: count,
      errors: count,
    })
    .describe('One run of a restore (velero.io/v1 Restore).'),
  'backup-schedule': z
    .object({
      schedule: text.describe('Cron expression as written.'),
      paused: z.boolean(),
      phase: nullableText,
      lastBackupAt: instant,
      includedNamespaces: texts.describe('Empty or *: all.'),
      excludedNamespaces: texts,
      selective: z.boolean().describe('A label selector narrows it.'),
      snapshotsVolumes: flag,
      copiesVolumes: flag,
      retention: nullableText.describe('ttl of its backups, as written.'),
      storageLocation: nullableText,
    })
    .describe('Velero Schedule (velero.io/v1).'),
  'backup-storage-location': z
    .object({
      provider: text,
      bucket: nullableText,
      region: nullableText,
      kmsKeyId: nullableText,
      serverSideEncryption: nullableText.describe(
        'As written; null: it does not say, the bucket may encrypt all the same.',
      ),
      phase: nullableText,
      accessMode: nullableText,
      default: z.boolean(),
    })
    .describe('Velero BackupStorageLocation (velero.io/v1).'),
  certificate: z
    .object({
      secretName: nullableText,
      issuer: nullableText.describe('kind/name.'),
      dnsNames: texts,
      algorithm: nullableText,
      keySize: count,
      rotationPolicy: nullableText.describe('Always or Never: whether a renewal makes a new private key.'),
      duration: nullableText.describe('As written.'),
      renewBefore: nullableText.describe('As written.'),
      ready: flag.describe('Null: it has no Ready condition yet.'),
      reason: nullableText,
      issuedAt: instant.describe('notBefore of the certificate in force.'),
      expiresAt: instant.describe('notAfter of the certificate in force.'),
      renewalAt: instant,
      revision: count.describe('How often it was issued.'),
      issuing: z.boolean().describe('One is being issued: the first, or a renewal.'),
      failedAt: instant.describe('When issuing last failed; null: it did not, or has not since the last success.'),
    })
    .describe('Certificate (cert-manager.io).'),
  'mutual-tls-policy': z
    .object({
      mode: text.describe('STRICT, PERMISSIVE, DISABLE or UNSET (inherits).'),
      selector: z.record(z.string().max(320), text).describe('matchLabels; empty: all workloads of the namespace.'),
      portModes: z.record(z.string().max(10), text),
      createdAt: instant.describe('Of several for the same workloads the oldest counts.'),
    })
    .describe('PeerAuthentication (security.istio.io).'),
  'external-secret': z
    .object({
      store: nullableText.describe('kind/name of the store.'),
      target: nullableText.describe('Name of the Secret that it makes.'),
      refreshInterval: nullableText.describe('As written; 0 is once.'),
      refreshPolicy: nullableText,
      ready: flag,
      reason: nullableText,
      refreshedAt: instant,
      entries: count.describe('How many remote entries it names; their names and values are not kept.'),
    })
    .describe('ExternalSecret (external-secrets.io).'),
  'secret-store': z
    .object({ provider: nullableText.describe('vault, aws, azurekv …'), ready: flag, reason: nullableText })
    .describe('SecretStore or ClusterSecretStore (external-secrets.io).'),
  'secret-provider': z
    .object({
      provider: nullableText,
      secretObjects: texts.describe('Names of Secrets that it copies into the cluster.'),
    })
    .describe('SecretProviderClass (secrets-store.csi.x-k8s.io).'),
  'secret-mount': z
    .object({
      pod: nullableText,
      providerClass: nullableText.describe('SecretProviderClass.'),
      mounted: flag,
      objects: z
        .array(z.object({ id: text, version: nullableText }))
        .max(500)
        .describe('Names and versions; never what is in them.'),
    })
    .describe('SecretProviderClassPodStatus (secrets-store.csi.x-k8s.io).'),
  key: z
    .object({
      provider: z.enum(['aws-kms', 'gcp-kms', 'azure-key-vault', 'vault-transit']),
      keyId: text.describe('Name or ARN that the provider gives it.'),
      state: nullableText.describe('As the provider writes it.'),
      enabled: flag,
      purpose: nullableText,
      algorithm: nullableText,
      managedBy: z.enum(['customer', 'provider', 'unknown']),
      origin: nullableText.describe('Where its material came from, as the provider writes it.'),
      createdAt: instant,
      expiresAt: instant.describe('From when on it cannot be used.'),
      deletedAt: instant.describe('When it is or was to be deleted.'),
      rotation: z.object({
        enabled: flag.describe('Whether it rotates by itself; null: the answer does not say, or the key cannot.'),
        supported: flag.describe('False: keys of this sort cannot rotate by themselves.'),
        periodDays: z.number().nonnegative().nullable().describe('A month counts 30 days, a year 365.'),
        nextAt: instant,
      }),
      latestVersion: nullableText.describe('The version in force.'),
      lastRotatedAt: instant.describe('Null: the answer does not say, or it never was.'),
      versions: z.array(versionOfKey).max(50).describe('The newest 50, newest first.'),
      rotations: z.array(rotationOfKey).max(50).describe('The last 50, last first.'),
      complete: z
        .boolean()
        .describe(
          'Whether these lists are all there is of what they list. False: the answer gives no list, or it was cut.',
        ),
      exportable: flag.describe('Whether its material may leave the service.'),
    })
    .describe('State of a key in a key management service, as of one answer of it; never its material.'),
  'image-component': z
    .object({
      name: text,
      version: nullableText,
      type: nullableText.describe('library, operating-system, application …'),
      purl: nullableText,
      licenses: z.array(text).max(50),
    })
    .describe('A package inside of an image or repository, or a part of a cluster (CycloneDX, SPDX).'),
  signature: z
    .object({
      digest: text.describe('sha256:… of what is signed.'),
      reference: nullableText.describe('Image reference that the signature names.'),
      identity: nullableText.describe('Who signed, as the certificate or key says; not proven where unverified.'),
      issuer: nullableText.describe('Who vouched for that identity.'),
      signedAt: instant,
      logIndex: nullableText.describe('Index in a transparency log.'),
      verification,
    })
    .describe('A signature over an artifact.'),
  attestation: z
    .object({
      digest: text.describe('sha256:… of what it is about.'),
      reference: nullableText.describe('What the statement calls it.'),
      predicateType: text,
      builder: nullableText.describe('What built it, as the provenance says.'),
      source: nullableText.describe('What it was built from, as the provenance says.'),
      builtAt: instant,
      identity: nullableText.describe('Who signed, as the certificate or key says; not proven where unverified.'),
      issuer: nullableText.describe('Who vouched for that identity.'),
      signedAt: instant,
      logIndex: nullableText,
      verification,
    })
    .describe('An in-toto statement about an artifact.'),
  'kubernetes-object': z
    .object({
      apiVersion: text,
      kind: text,
      uid: nullableText,
      createdAt: instant,
      podSecurity: z
        .record(z.string().max(100), text)
        .describe('Of a namespace: its labels of pod-security.kubernetes.io, by what follows the slash.'),
      type: nullableText.describe('Of a Secret or Service.'),
      images: texts.describe('Of a workload: as it names them.'),
      imagesByDigest: flag.describe('Of a workload: whether every image is named by its digest.'),
      runningDigests: texts.describe('Of a pod: digests of the images that its containers run.'),
      serviceAccount: nullableText.describe('Of a workload; null: default.'),
      mountsToken: flag.describe('Of a workload or ServiceAccount: automountServiceAccountToken, if it says so.'),
      deniesAll: z
        .array(z.enum(['Ingress', 'Egress']))
        .describe(
          'Of a NetworkPolicy: the directions in which it isolates all pods of its namespace, and allows nothing.',
        ),
      role: nullableText.describe('Of a binding: kind/name of what it grants.'),
      subjects: texts.describe(
        'Of a binding, to whom: ServiceAccount/namespace/name, Group/name, User/system:name; people are User without a name.',
      ),
      versions: z.record(z.string().max(100), text).describe('Of a node: its kubelet, runtime, kernel and system.'),
    })
    .describe('An object of a cluster, by what practices ask of it; the object itself is in the evidence.'),
} as const satisfies Record<string, z.ZodObject>;

export type FactKind = keyof typeof FACT_KINDS;
export type FactValue<Kind extends FactKind = FactKind> = z.infer<(typeof FACT_KINDS)[Kind]>;
