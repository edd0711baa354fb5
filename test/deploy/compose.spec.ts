import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { loadConfig, VARIABLES } from '../../src/config.js';
import { MEMBER_ROLES } from '../../src/organizations/member.schema.js';
import { textOf } from './files.js';

const service = z.object({
  image: z.string().optional(),
  user: z.string().optional(),
  privileged: z.boolean().optional(),
  read_only: z.boolean().optional(),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  network_mode: z.string().optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
});
const source = textOf('docker-compose.yml');
const compose = z
  .object({ services: z.record(z.string(), service), volumes: z.record(z.string(), z.null()) })
  .parse(parse(source, { merge: true }));
const named = (name: string) => {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`no service ${name}`);
  return found;
};
const safeguard = named('safeguard');

/** As Compose does: ${NAME}, ${NAME:?message}; $$ is a dollar. */
const values: Record<string, string> = Object.fromEntries(
  [...textOf('deploy/make-env.sh').matchAll(/echo "([A-Z_]+)=\$\(random (\d+) /g)].map(([, name, length]) => [
    name!,
    name!.toLowerCase().padEnd(Number(length), 'x'),
  ]),
);
const interpolated = (text: string) =>
  text.replace(/\$\{(\w+)(:\?[^}]*)?\}/g, (_whole, name: string) => values[name] ?? `<${name} is not made>`);
const environmentOf = (of: typeof safeguard) =>
  Object.fromEntries(Object.entries(of.environment).map(([name, value]) => [name, interpolated(value)]));

describe('docker-compose.yml', () => {
  it('is a configuration that the program takes, with no variable that it does not know?', () => {
    const known = Object.keys(VARIABLES.shape);
    const unknown = Object.keys(safeguard.environment).filter(
      (name) => !known.includes(name) && !known.includes(name.replace(/_FILE$/, '')),
    );
    expect(unknown).toEqual([]);
    const config = loadConfig(environmentOf(safeguard));
    expect(config.auth.issuers[0]?.mfa).toEqual({ amr: ['otp'], acr: [] });
    expect(config.port).toBe(8080);
  });

  it('is refused as production, which it is not?', () => {
    expect(() => loadConfig({ ...environmentOf(safeguard), NODE_ENV: 'production' })).toThrow('not in production');
  });

  it('asks for no secret that deploy/make-env.sh does not make, and none has a default?', () => {
    const asked = [...source.matchAll(/(?<!\$)\$\{(\w+)([^}]*)\}/g)];
    expect([...new Set(asked.map(([, name]) => name!))].sort()).toEqual(Object.keys(values).sort());
    expect(asked.filter(([, , rest]) => !rest!.startsWith(':?'))).toEqual([]);
  });

  it('runs the program without privileges on a read-only file system?', () => {
    for (const own of [safeguard, named('migrate')]) {
      expect(own).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
      expect([own.user, own.privileged]).toEqual([undefined, undefined]);
    }
    const directories = safeguard.volumes.map((volume) => volume.split(':')[1]);
    expect(directories).toEqual(['/var/lib/safeguard/evidence', '/var/lib/safeguard/keys']);
    expect(safeguard.environment['EVIDENCE_DIRECTORY']).toBe(directories[0]);
    expect(safeguard.environment['KEY_FILE']?.startsWith(`${directories[1]!}/`)).toBe(true);
  });

  it('listens on this machine alone, and the issuer means the same in the browser and in the container?', () => {
    const ports = Object.values(compose.services).flatMap((one) => one.ports);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    expect(safeguard.network_mode).toBe('service:keycloak');
    const issuer = new URL(safeguard.environment['OIDC_ISSUER']!);
    expect(issuer.origin).toBe(named('keycloak').environment['KC_HOSTNAME']);
    expect(issuer.port).toBe(named('keycloak').environment['KC_HTTP_PORT']);
    expect(named('keycloak').ports).toContain(`127.0.0.1:${issuer.port}:${issuer.port}`);
  });

  it('gives the owner’s password to migrate and not to the server?', () => {
    expect(Object.keys(named('migrate').environment)).toEqual(['DATABASE_MIGRATION_URL']);
    expect(JSON.stringify(safeguard)).not.toContain('OWNER');
    expect(safeguard.depends_on['migrate']?.condition).toBe('service_completed_successfully');
    expect(environmentOf(named('migrate'))['DATABASE_MIGRATION_URL']).toContain('//safeguard_owner:');
    expect(environmentOf(safeguard)['DATABASE_URL']).toContain('//safeguard_server:');
  });
});

const mapper = z.object({ protocolMapper: z.string(), config: z.record(z.string(), z.string()) });
const execution = z.object({
  authenticator: z.string().optional(),
  flowAlias: z.string().optional(),
  authenticatorConfig: z.string().optional(),
  requirement: z.string(),
});
const realm = z
  .object({
    realm: z.string(),
    browserFlow: z.string(),
    ssoSessionMaxLifespan: z.number(),
    authenticatorConfig: z.array(z.object({ alias: z.string(), config: z.record(z.string(), z.string()) })),
    authenticationFlows: z.array(z.object({ alias: z.string(), authenticationExecutions: z.array(execution) })),
    clients: z.array(
      z.object({
        clientId: z.string(),
        publicClient: z.boolean(),
        secret: z.string().optional(),
        standardFlowEnabled: z.boolean(),
        implicitFlowEnabled: z.literal(false),
        directAccessGrantsEnabled: z.literal(false),
        serviceAccountsEnabled: z.boolean(),
        redirectUris: z.array(z.string()),
        attributes: z.record(z.string(), z.string()),
        protocolMappers: z.array(mapper),
      }),
    ),
    users: z.array(
      z.object({
        id: z.uuid(),
        username: z.string(),
        serviceAccountClientId: z.string().optional(),
        credentials: z.array(z.object({ type: z.string() })).default([]),
      }),
    ),
  })
  .parse(JSON.parse(textOf('deploy/keycloak/safeguard-realm.json')));
const client = (id: string) => realm.clients.find((one) => one.clientId === id)!;

describe('deploy/keycloak/safeguard-realm.json', () => {
  const { environment } = safeguard;

  it('is the realm of the issuer, with the clients that the program names?', () => {
    expect(environment['OIDC_ISSUER']?.endsWith(`/realms/${realm.realm}`)).toBe(true);
    const browser = client(environment['OIDC_CLIENT_ID']!);
    expect(browser).toMatchObject({ publicClient: false, standardFlowEnabled: true, serviceAccountsEnabled: false });
    expect(browser.secret).toBe('${OIDC_CLIENT_SECRET}');
    expect(browser.redirectUris).toEqual([`${environment['PUBLIC_URL']!}/auth/callback`]);
    expect(browser.attributes).toMatchObject({
      'pkce.code.challenge.method': 'S256',
      'post.logout.redirect.uris': `${environment['PUBLIC_URL']!}/`,
    });
    const cli = client(environment['OIDC_CLI_CLIENT_ID']!);
    expect(cli).toMatchObject({ publicClient: true, standardFlowEnabled: false, serviceAccountsEnabled: false });
    expect(cli.attributes['oauth2.device.authorization.grant.enabled']).toBe('true');
    expect(client('safeguard-agent')).toMatchObject({
      publicClient: false,
      standardFlowEnabled: false,
      serviceAccountsEnabled: true,
    });
  });

  it('puts the audience into the tokens of those who call the API, and types them as RFC 9068 does?', () => {
    for (const id of ['safeguard-cli', 'safeguard-agent']) {
      const audience = client(id).protocolMappers.find((one) => one.protocolMapper === 'oidc-audience-mapper');
      expect(audience?.config).toMatchObject({
        'included.custom.audience': environment['OIDC_AUDIENCE'],
        'access.token.claim': 'true',
      });
      // Without it Keycloak writes JWT, which is what its id tokens say too.
      expect(client(id).attributes['access.token.header.type.rfc9068']).toBe('true');
    }
    expect(environment['OIDC_TOKEN_TYPES']).toBeUndefined();
  });

  it('asks everybody for the factor that the program wants to see, and says so in the token as long as the session lasts?', () => {
    const flow = (alias: string) =>
      realm.authenticationFlows.find((one) => one.alias === alias)!.authenticationExecutions;
    const [cookie, both, ...others] = flow(realm.browserFlow);
    expect([cookie?.authenticator, cookie?.requirement, others]).toEqual(['auth-cookie', 'ALTERNATIVE', []]);
    const steps = flow(both!.flowAlias!);
    expect(steps.map(({ authenticator, requirement }) => [authenticator, requirement])).toEqual([
      ['auth-username-password-form', 'REQUIRED'],
      ['auth-otp-form', 'REQUIRED'],
    ]);
    const otp = realm.authenticatorConfig.find(({ alias }) => alias === steps[1]!.authenticatorConfig)?.config;
    expect(otp).toEqual({
      'default.reference.value': environment['OIDC_MFA_AMR'],
      'default.reference.maxAge': String(realm.ssoSessionMaxLifespan),
    });
    const amr = (id: string) =>
      client(id).protocolMappers.find((one) => one.protocolMapper === 'oidc-amr-mapper')?.config;
    expect(amr('safeguard')?.['id.token.claim']).toBe('true');
    expect(amr('safeguard-cli')?.['access.token.claim']).toBe('true');
  });

  it('has a person for each role, with both factors, and the first admin among them?', () => {
    const people = realm.users.filter((user) => user.serviceAccountClientId === undefined);
    expect(people.map(({ username }) => username.replace('-', '_')).sort()).toEqual([...MEMBER_ROLES].sort());
    for (const { credentials } of people) expect(credentials.map(({ type }) => type)).toEqual(['password', 'otp']);
    const admin = people.find(({ username }) => username === 'admin')!;
    expect(environment['FIRST_ADMINS']).toBe(`${environment['OIDC_ISSUER']!}|${admin.id}`);
    expect(new Set(realm.users.map(({ id }) => id)).size).toBe(realm.users.length);
  });

  it('takes every secret from the environment that Compose gives it?', () => {
    const asked = [...textOf('deploy/keycloak/safeguard-realm.json').matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name!);
    const given = Object.keys(named('keycloak').environment);
    expect([...new Set(asked)].filter((name) => !given.includes(name))).toEqual([]);
    expect(asked).toContain('DEMO_OTP_SECRET');
  });
});
