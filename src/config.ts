import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { anchorSettings, type AnchorSettings } from './audit/anchor/anchor.config.js';
import { authConfig, type AuthConfig } from './auth/auth.config.js';
import { parsePackageKey, type PackageKey } from './kernel/crypto/signing/package-key.js';
import type { SigningOptions } from './kernel/crypto/signing/signing-keys.js';
import type { TimeStampSettings } from './kernel/crypto/time-stamp/authority.js';
import { parseChain } from './kernel/crypto/time-stamp/time-stamp.js';
import { MAX_SILENCE, type ContentLimits } from './kernel/http/content.js';
import { saysMissing } from './kernel/missing.js';
import { signingTrusts, type SigningTrust } from './scans/signing-trust.js';

const flag = z.enum(['true', 'false']).transform((text) => text === 'true');
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);
const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/**
 * Every environment variable that the server reads, and nothing else reads any. Each may be given as NAME_FILE instead: the path of a file with its value,
 * as mounted secrets are. docs/configuration.md is made of this.
 */
export const VARIABLES = z.object({
  DATABASE_URL: z.string().startsWith('postgres').meta({
    description:
      'Postgres 18, as the server’s role: a member of `safeguard_app` that owns nothing and bypasses no row-level security.',
  }),
  DATABASE_POOL: whole(2, 200)
    .default(20)
    .meta({ description: 'Connections at most; half of them for reports that are being stored.' }),
  PUBLIC_URL: z.url().meta({ description: 'Where browsers and agents reach the service: an https origin.' }),
  HOST: z.string().default('0.0.0.0').meta({ description: 'Address to listen on.' }),
  PORT: whole(0, 65_535).default(8080).meta({ description: 'Port to listen on.' }),
  EVIDENCE_DIRECTORY: z
    .string()
    .meta({ description: 'Where encrypted evidence lies; a directory of the service’s own, mode 0700.' }),
  KEY_FILE: z.string().meta({ description: 'The key-encryption key file (docs/operations.md); mode 0600.' }),
  KEY_FILE_CREATE: flag.default(false).meta({
    description:
      'Make the key file and the signing keys when they are absent. For development and first installations only.',
  }),
  SIGNING_KEY_DIRECTORY: z.string().meta({
    description:
      'Directory of the keys that sign (docs/operations.md): `log.pem`, `receipt.pem` and `package.pem`, each of mode 0600.',
  }),
  PACKAGE_SIGNING_KEY: z.string().optional().meta({
    description:
      'Where the key of packages lies, if not in `package.pem`: `awskms:` and the ARN of a key of AWS KMS, or `vault:` and the URL of a transit key of Vault or OpenBao.',
  }),
  VAULT_TOKEN_FILE: z.string().optional().meta({
    description: 'Path of the file with the token for it, read before each call: Vault Agent renews it there.',
  }),
  OIDC_ISSUER: z.string().optional().meta({
    description: 'The OpenID provider of people, exactly as `iss` in its tokens. For several, use OIDC_ISSUERS.',
  }),
  OIDC_AUDIENCE: z.string().optional().meta({ description: 'What `aud` of its access tokens names.' }),
  OIDC_CLIENT_ID: z.string().optional().meta({ description: 'Client of the browser login.' }),
  OIDC_CLIENT_SECRET: z.string().optional().meta({ description: 'Its secret, if it is confidential.' }),
  OIDC_CLI_CLIENT_ID: z.string().optional().meta({ description: 'Public client of the command line (device flow).' }),
  OIDC_TOKEN_TYPES: list
    .optional()
    .meta({ description: 'Accepted `typ` headers, comma-separated: `at+jwt` (default), `JWT`, `absent`.' }),
  OIDC_MFA_AMR: list
    .optional()
    .meta({ description: 'Values of `amr` that show multi-factor authentication, comma-separated.' }),
  OIDC_MFA_ACR: list.optional().meta({ description: 'Values of `acr` that show it.' }),
  OIDC_MFA: z
    .enum(['required', 'by-provider'])
    .default('required')
    .meta({ description: '`by-provider`: the provider lets nobody in without, and its tokens do not say so.' }),
  OIDC_ISSUERS: z.string().optional().meta({
    description: 'Several issuers, as a YAML list (docs/identity.md) in place of the OIDC_… variables above.',
  }),
  FIRST_ADMINS: list
    .default([])
    .meta({ description: 'Who may create organisations: `issuer|subject`, comma-separated.' }),
  SESSION_SECRET: z
    .string()
    .meta({ description: 'Signs browser sessions: 32 random characters or more, the same on every replica.' }),
  SESSION_IDLE_MINUTES: whole(1, 240)
    .default(30)
    .meta({ description: 'Automatic logoff (45 CFR 164.312(a)(2)(iii)).' }),
  SESSION_ABSOLUTE_HOURS: whole(1, 24).default(12).meta({ description: 'A session ends after this in any case.' }),
  MAX_REPORT_BYTES: whole(1_024, 1_073_741_824)
    .default(536_870_912)
    .meta({ description: 'A report’s bytes, decoded.' }),
  MAX_UPLOAD_BYTES: whole(1_024, 1_073_741_824).default(536_870_912).meta({ description: 'A report’s bytes as sent.' }),
  SIGNING_TRUST: z.string().optional().meta({
    description:
      'Whose signatures are believed: public keys, or roots of Sigstore with identities, as a JSON or YAML list (docs/ingest.md). Without it no signature is verified.',
  }),
  AGENT_IMAGE: z
    .string()
    .regex(/^[a-z0-9][\w./:-]*@sha256:[0-9a-f]{64}$/, 'an image by its digest: NAME@sha256:DIGEST')
    .optional()
    .meta({ description: 'Image of agents, by its digest, as enrolment prints it (docs/enrolment.md).' }),
  ANCHOR_INTERVAL_SECONDS: whole(1, 3_600)
    .default(60)
    .meta({ description: 'Seconds after which new heads of logs go out to witnesses and copies (docs/anchors.md).' }),
  ANCHOR_WITNESSES: z.string().optional().meta({
    description:
      'Who cosigns the heads of logs: a JSON or YAML list of `url` (the submission prefix) and `vkey` (docs/anchors.md).',
  }),
  ANCHOR_STORE: z.string().optional().meta({
    description:
      'Where the heads of logs are copied to: `file:` and a directory on another medium, or `s3://BUCKET/PREFIX` with Object Lock (docs/anchors.md).',
  }),
  TSA_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .meta({
      description: 'Time-stamping authority (RFC 3161) for heads of logs and for packages. Asks for TSA_CHAIN.',
    }),
  TSA_CHAIN: z
    .string()
    .optional()
    .meta({ description: 'Certificates in PEM that its time stamps are believed by, a root among them.' }),
  WEBHOOK_PRIVATE_HOSTS: list.default([]).meta({
    description:
      'Hosts that webhooks may name though their addresses are private, comma-separated, without ports (docs/notices.md). All others have to be in the public Internet.',
  }),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug'])
    .default('info')
    .meta({ description: 'What is logged, as JSON lines on standard output.' }),
  ALLOW_INSECURE_ISSUERS: flag.default(false).meta({
    description:
      'Development only: http issuers, and agent issuers in private networks. Refused when NODE_ENV is production.',
  }),
  NODE_ENV: z
    .enum(['production', 'development', 'test'])
    .default('production')
    .meta({ description: '`production` keeps every development part out.' }),
});

export interface Config {
  databaseUrl: string;
  databasePool: number;
  host: string;
  port: number;
  evidenceDirectory: string;
  keyFile: string;
  keyFileCreate: boolean;
  signing: SigningOptions;
  reportLimits: ContentLimits;
  logLevel: string;
  signingTrust: SigningTrust[];
  agentImage: string | null;
  anchor: AnchorSettings;
  timeStamps: TimeStampSettings | null;
  webhookPrivateHosts: ReadonlySet<string>;
  auth: AuthConfig;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Every fault of the configuration at once, by the names that an operator has set. Values are not in it. */
export class ConfigFaults extends Error {
  constructor(readonly faults: readonly string[]) {
    super(
      `The configuration has ${faults.length} fault${faults.length === 1 ? '' : 's'}:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
    this.name = 'ConfigFaults';
  }
}

/** Reads it once. Throws ConfigFaults. */
export function loadConfig(environment: Environment): Config {
  const { values, faults } = withFiles(environment, Object.keys(VARIABLES.shape));
  const parsed = VARIABLES.safeParse(values, { error: saysMissing });
  if (!parsed.success || faults.length > 0) {
    const shape = parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new ConfigFaults([...faults, ...shape]);
  }
  const set = parsed.data;
  if (set.NODE_ENV === 'production' && set.ALLOW_INSECURE_ISSUERS) {
    throw new ConfigFaults(['ALLOW_INSECURE_ISSUERS: not in production']);
  }
  const auth = authConfig.safeParse({
    publicUrl: set.PUBLIC_URL,
    issuers: issuersOf(set),
    firstAdmins: set.FIRST_ADMINS.map((text) => {
      const bar = text.lastIndexOf('|');
      return { issuer: text.slice(0, Math.max(0, bar)), subject: text.slice(bar + 1) };
    }),
    session: {
      secret: set.SESSION_SECRET,
      idleMinutes: set.SESSION_IDLE_MINUTES,
      absoluteHours: set.SESSION_ABSOLUTE_HOURS,
    },
    allowInsecureIssuers: set.ALLOW_INSECURE_ISSUERS,
  });
  if (!auth.success) {
    throw new ConfigFaults(auth.error.issues.map((issue) => `${variableOf(issue.path)}: ${issue.message}`));
  }
  return {
    databaseUrl: set.DATABASE_URL,
    databasePool: set.DATABASE_POOL,
    host: set.HOST,
    port: set.PORT,
    evidenceDirectory: set.EVIDENCE_DIRECTORY,
    keyFile: set.KEY_FILE,
    keyFileCreate: set.KEY_FILE_CREATE,
    signing: {
      directory: set.SIGNING_KEY_DIRECTORY,
      create: set.KEY_FILE_CREATE,
      packageKey: packageKeyOf(set.PACKAGE_SIGNING_KEY, set.VAULT_TOKEN_FILE),
      vaultTokenFile: set.VAULT_TOKEN_FILE ?? '',
    },
    reportLimits: {
      maxEncodedBytes: set.MAX_UPLOAD_BYTES,
      maxDecodedBytes: set.MAX_REPORT_BYTES,
      maxSilence: MAX_SILENCE,
    },
    logLevel: set.LOG_LEVEL,
    signingTrust: trustOf(set.SIGNING_TRUST),
    agentImage: set.AGENT_IMAGE ?? null,
    anchor: anchorOf(set),
    timeStamps: timeStampsOf(set.TSA_URL, set.TSA_CHAIN),
    webhookPrivateHosts: hostsOf(set.WEBHOOK_PRIVATE_HOSTS),
    auth: auth.data,
  };
}

/** The owner role's URL, for `safeguard migrate` alone: the server never has it. */
export function migrationUrl(environment: Environment): string {
  const { values, faults } = withFiles(environment, ['DATABASE_MIGRATION_URL']);
  const url = values['DATABASE_MIGRATION_URL'];
  if (url === undefined) {
    throw new ConfigFaults([...faults, 'DATABASE_MIGRATION_URL: the URL of the role that owns the schema']);
  }
  return url;
}

/** The process's own environment: read here and nowhere else. */
export const environment = (): Environment => process.env;

function withFiles(environment: Environment, names: readonly string[]) {
  const values: Record<string, string> = {};
  const faults: string[] = [];
  for (const name of names) {
    const value = environment[name];
    // An empty variable is how compose files and shells write «not set».
    if (value !== undefined && value !== '') values[name] = value;
    const path = environment[`${name}_FILE`];
    if (path === undefined || path === '') continue;
    if (values[name] !== undefined) {
      faults.push(`${name}: given twice, as itself and as ${name}_FILE`);
      continue;
    }
    try {
      values[name] = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    } catch {
      faults.push(`${name}_FILE: the file cannot be read`);
    }
  }
  return { values, faults };
}

function issuersOf(set: z.output<typeof VARIABLES>): unknown {
  if (set.OIDC_ISSUERS !== undefined) {
    try {
      return parse(set.OIDC_ISSUERS) as unknown;
    } catch {
      throw new ConfigFaults(['OIDC_ISSUERS: not YAML']);
    }
  }
  return [
    {
      issuer: set.OIDC_ISSUER,
      audience: set.OIDC_AUDIENCE,
      clientId: set.OIDC_CLIENT_ID,
      ...(set.OIDC_CLIENT_SECRET === undefined ? {} : { clientSecret: set.OIDC_CLIENT_SECRET }),
      cliClientId: set.OIDC_CLI_CLIENT_ID,
      ...(set.OIDC_TOKEN_TYPES === undefined ? {} : { typ: set.OIDC_TOKEN_TYPES }),
      mfa: set.OIDC_MFA === 'by-provider' ? null : { amr: set.OIDC_MFA_AMR ?? [], acr: set.OIDC_MFA_ACR ?? [] },
    },
  ];
}

function packageKeyOf(text: string | undefined, vaultTokenFile: string | undefined): PackageKey | null {
  if (text === undefined) return null;
  const key = parsePackageKey(text);
  if (typeof key === 'string') throw new ConfigFaults([`PACKAGE_SIGNING_KEY: ${key}`]);
  if (key.kind === 'vault' && vaultTokenFile === undefined) {
    throw new ConfigFaults(['VAULT_TOKEN_FILE: the file of the token, which a key in Vault needs']);
  }
  return key;
}

/** As URLs write them. A host that is written otherwise would silently allow nothing. */
function hostsOf(names: readonly string[]): ReadonlySet<string> {
  const hosts = names.map((name) => {
    const url = URL.parse(`https://${name}/`);
    const isHost = url !== null && url.href === `https://${url.hostname}/` && !name.includes('*');
    return isHost ? url.hostname : null;
  });
  if (hosts.includes(null))
    throw new ConfigFaults(['WEBHOOK_PRIVATE_HOSTS: names or addresses of hosts, without ports']);
  return new Set(hosts.filter((host) => host !== null));
}

function anchorOf(set: z.output<typeof VARIABLES>): AnchorSettings {
  const settings = anchorSettings({
    host: new URL(set.PUBLIC_URL).host,
    intervalSeconds: set.ANCHOR_INTERVAL_SECONDS,
    witnesses: set.ANCHOR_WITNESSES,
    store: set.ANCHOR_STORE,
  });
  if ('fault' in settings) throw new ConfigFaults([settings.fault]);
  return settings;
}

/** Without a root nothing of it would be believed. */
function timeStampsOf(url: string | undefined, chain: string | undefined): TimeStampSettings | null {
  if (url === undefined && chain === undefined) return null;
  if (url === undefined) throw new ConfigFaults(['TSA_URL: TSA_CHAIN is given, and no authority']);
  try {
    return { url, chain: parseChain(chain ?? '') };
  } catch {
    throw new ConfigFaults(['TSA_CHAIN: certificates in PEM, and among them a root']);
  }
}

/** Tried here, so that what cannot verify anything stops the start. */
function trustOf(text: string | undefined): SigningTrust[] {
  if (text === undefined) return [];
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    throw new ConfigFaults(['SIGNING_TRUST: neither JSON nor YAML']);
  }
  const trust = signingTrusts.safeParse(document);
  if (trust.success) return trust.data;
  throw new ConfigFaults(
    trust.error.issues.map(({ path, message }) => `SIGNING_TRUST: ${[...path.map(String), message].join(': ')}`),
  );
}

/** The variable that a fault in the auth piece came from. */
function variableOf(path: PropertyKey[]): string {
  const [first, index, field] = path.map(String);
  if (first === 'publicUrl') return 'PUBLIC_URL';
  if (first === 'session') return index === 'secret' ? 'SESSION_SECRET' : `SESSION (${index ?? ''})`;
  if (first === 'firstAdmins') return 'FIRST_ADMINS';
  const names: Readonly<Record<string, string>> = {
    issuer: 'OIDC_ISSUER',
    audience: 'OIDC_AUDIENCE',
    clientId: 'OIDC_CLIENT_ID',
    cliClientId: 'OIDC_CLI_CLIENT_ID',
    typ: 'OIDC_TOKEN_TYPES',
    mfa: 'OIDC_MFA_AMR or OIDC_MFA_ACR',
  };
  return names[field ?? ''] ?? 'OIDC_ISSUERS';
}
