import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import pg from 'pg';
import { pino } from 'pino';
import supertest from 'supertest';
import { loadConfig } from '../../src/config.js';
import {
  API_AUDIENCE,
  providerVariables,
  startProvider,
  type DevelopmentProvider,
} from '../../src/development/provider.js';
import { createApp } from '../../src/main.js';
import { newId } from '../../src/kernel/ids.js';
import { checkAnswer } from './contract.js';
import { createTestDatabase, type TestDatabase } from './postgres.js';

export interface World {
  app: NestExpressApplication;
  url: string;
  provider: DevelopmentProvider;
  database: TestDatabase;
  evidenceDirectory: string;
  logs: string[];
  /** A request as the holder of a token (a dev user's or an agent's subject); null sends none. Its answer is checked against the contract. */
  as(subject: string | null): Promise<Caller>;
  stop(): Promise<void>;
}

export interface Caller {
  token: string | null;
  get(path: string): supertest.Test;
  post(path: string, body?: object): supertest.Test;
  put(path: string, body?: object): supertest.Test;
  patch(path: string, body?: object): supertest.Test;
  delete(path: string): supertest.Test;
}

export interface WorldOptions {
  environment?: Record<string, string>;
}

/** The real program on a real Postgres and a real OpenID provider, listening on loopback. */
export async function startApp(options: WorldOptions = {}): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'safeguard-app-'));
  const database = await createTestDatabase();
  const provider = await startProvider({
    dataDirectory: join(directory, 'provider'),
    port: 0,
    browserRedirectUris: ['http://127.0.0.1:8080/auth/callback'],
    agents: ['safeguard-agent', 'other-agent'],
  });
  const logs: string[] = [];
  const evidenceDirectory = join(directory, 'evidence');
  const config = loadConfig({
    NODE_ENV: 'test',
    DATABASE_URL: database.urls.server,
    PUBLIC_URL: 'http://127.0.0.1:8080',
    HOST: '127.0.0.1',
    PORT: '0',
    EVIDENCE_DIRECTORY: evidenceDirectory,
    KEY_FILE: join(directory, 'keys.json'),
    KEY_FILE_CREATE: 'true',
    SIGNING_KEY_DIRECTORY: join(directory, 'signing'),
    ...providerVariables(provider, ['dev-admin', 'other-admin']),
    SESSION_SECRET: 'a secret of the tests and of nobody else',
    ...options.environment,
  });
  const app = await createApp(
    config,
    pino({ level: 'info', base: null }, { write: (line: string) => void logs.push(line) }),
  );
  await app.listen(0, '127.0.0.1');
  const server = app.getHttpServer();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const send = (
    token: string | null,
    method: 'get' | 'post' | 'put' | 'patch' | 'delete',
    path: string,
  ): supertest.Test => {
    const test = supertest(url)[method](path).expect(checkAnswer);
    return token === null ? test : test.set('Authorization', `Bearer ${token}`);
  };
  return {
    app,
    url,
    provider,
    database,
    evidenceDirectory,
    logs,
    as: async (subject) => {
      const token = subject === null ? null : await provider.tokenFor(subject);
      return {
        token,
        get: (path) => send(token, 'get', path),
        post: (path, body) => (body === undefined ? send(token, 'post', path) : send(token, 'post', path).send(body)),
        put: (path, body) => {
          const test = send(token, 'put', path);
          return body === undefined ? test : test.send(body);
        },
        patch: (path, body) => {
          const test = send(token, 'patch', path);
          return body === undefined ? test : test.send(body);
        },
        delete: (path) => send(token, 'delete', path),
      };
    },
    stop: async () => {
      await app.close();
      await provider.stop();
      await database.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export interface Clinic {
  organizationId: string;
  systemId: string;
  /** `/v1/organizations/{id}` and its system. */
  path: string;
  systemPath: string;
  admin: Caller;
  agent: Caller;
  /** Another system of it, so that tests know nothing of each other. */
  system(as?: object): Promise<{ id: string; path: string }>;
  member(role: keyof typeof SUBJECTS): Promise<Caller>;
}

const SUBJECTS = {
  compliance_officer: 'dev-compliance-officer',
  approver: 'dev-approver',
  auditor: 'dev-auditor',
  viewer: 'dev-viewer',
} as const;

/** An organisation with a production system and an agent that may post to it. */
export async function startClinic(
  world: World,
  { admin: adminSubject = 'dev-admin', agent: agentSubject = 'safeguard-agent' } = {},
): Promise<Clinic> {
  const admin = await world.as(adminSubject);
  const { body: organization } = await admin.post('/v1/organizations', { name: 'Lakeside Clinic' }).expect(201);
  const path = `/v1/organizations/${organization.id}`;
  const { body: system } = await admin
    .post(`${path}/systems`, {
      name: 'emr-production',
      environment: 'production',
      phi: 'stores',
      phiNamespaces: ['emr'],
    })
    .expect(201);
  await admin
    .post(`${path}/agents`, {
      name: 'scanner',
      systemId: system.id,
      kind: 'client_credentials',
      issuer: world.provider.issuer,
      audience: API_AUDIENCE,
      subjectPattern: agentSubject,
    })
    .expect(201);
  return {
    organizationId: organization.id,
    systemId: system.id,
    path,
    systemPath: `${path}/systems/${system.id}`,
    admin,
    agent: await world.as(agentSubject),
    system: async (as = {}) => {
      const described = { name: `system ${newId()}`, environment: 'production', phi: 'stores', ...as };
      const { body } = await admin.post(`${path}/systems`, described).expect(201);
      return { id: String(body.id), path: `${path}/systems/${body.id}` };
    },
    member: async (role) => {
      const subject = SUBJECTS[role];
      await admin.post(`${path}/members`, { issuer: world.provider.issuer, subject, name: role, role }).expect(201);
      return world.as(subject);
    },
  };
}

/** What most suites of the API stand on. */
export interface Suite {
  world: World;
  clinic: Clinic;
  /** Of the clinic's compliance officer. */
  officer: Caller;
  /** A connection of the database's superuser, who sees the rows of every organisation. */
  admin: pg.Client;
  stop: () => Promise<void>;
}

/** For `beforeAll`, which ends it with the suite when it is given `stop`. */
export async function startSuite(options: WorldOptions = {}): Promise<Suite> {
  const world = await startApp(options);
  const clinic = await startClinic(world);
  const officer = await clinic.member('compliance_officer');
  const admin = new pg.Client({ connectionString: world.database.urls.admin });
  await admin.connect();
  const stop = async (): Promise<void> => {
    await admin.end();
    await world.stop();
  };
  return { world, clinic, officer, admin, stop };
}
