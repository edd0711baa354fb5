import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { DATABASE, startPostgres } from '../../src/development/postgres.js';
import { providerVariables, startProvider } from '../../src/development/provider.js';
import { migrate } from '../../src/kernel/db/migrate.js';
import { certified } from '../agent/certificate.js';
import { until } from './holds.js';
import { type Answered, call, send } from './http.js';
import { freePort, SAFEGUARD, start } from './programs.js';

/** `safeguard serve` with its Postgres and an OpenID provider, behind what ends TLS: reached as agents and API servers reach it. */
export interface Service {
  /** Its PUBLIC_URL. */
  url: string;
  /** PEM of the authority of its certificate, and the file of it. */
  authority: string;
  authorityFile: string;
  organizationId: string;
  /** The access token of the organisation's admin, as `safeguard token` prints it. */
  adminToken: string;
  /** A call as its admin, under the organisation; its answer's JSON. */
  admin: <T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => Promise<T>;
  /** What its compliance officer reads there. */
  officer: <T>(path: string) => Promise<T>;
  /** A post by whoever holds a token, whatever its answer. */
  post: (token: string, path: string, body: object) => Promise<Answered>;
  /** What it has to say that is no request which went well. */
  log: () => string;
  stop: () => Promise<void>;
}

/** `trusted`: a file of further authorities that it trusts when it fetches the keys of issuers. */
export async function startService(trusted: string): Promise<Service> {
  const directory = await mkdtemp(join(tmpdir(), 'safeguard-service-'));
  const stops: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const one of stops.toReversed()) await one();
  };
  try {
    // To be passed and not read: as root, Postgres runs as another user.
    await chmod(directory, 0o711);
    const postgres = await startPostgres({ dataDirectory: join(directory, 'postgres'), durable: false });
    stops.push(postgres.stop);
    await migrate(postgres.url(DATABASE, 'owner'));
    const provider = await startProvider({
      dataDirectory: join(directory, 'provider'),
      port: 0,
      browserRedirectUris: [],
    });
    stops.push(provider.stop);

    const port = await freePort();
    const { key, cert: authority } = certified();
    const front = createServer({ key, cert: authority }, (socket) => {
      const inner = connect(port, '127.0.0.1');
      for (const one of [socket, inner]) {
        one.on('error', () => undefined);
        one.on('close', () => (one === socket ? inner : socket).destroy());
      }
      socket.pipe(inner).pipe(socket);
    }).listen(0, '127.0.0.1');
    const open = new Set<Socket>();
    front.on('connection', (socket) => open.add(socket.once('close', () => open.delete(socket))));
    stops.push(() => {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => front.close(resolve));
    });
    const url = await new Promise<string>((resolve) => {
      front.once('listening', () => resolve(`https://127.0.0.1:${(front.address() as { port: number }).port}`));
    });
    const authorityFile = join(directory, 'authority.pem');
    await writeFile(authorityFile, authority);

    const server = start(process.execPath, [SAFEGUARD, 'serve'], {
      PATH: process.env['PATH'],
      NODE_EXTRA_CA_CERTS: trusted,
      NODE_ENV: 'test',
      DATABASE_URL: postgres.url(DATABASE, 'server'),
      PUBLIC_URL: url,
      HOST: '127.0.0.1',
      PORT: String(port),
      EVIDENCE_DIRECTORY: join(directory, 'evidence'),
      KEY_FILE: join(directory, 'keys.json'),
      KEY_FILE_CREATE: 'true',
      SIGNING_KEY_DIRECTORY: join(directory, 'signing'),
      ...providerVariables(provider, ['dev-admin']),
      SESSION_SECRET: 'a secret of the tests and of nobody else',
    });
    stops.push(server.stop);
    await until('the service comes up', 60, () => {
      if (server.child.exitCode !== null) throw new Error(`the service ended:\n${server.output()}`);
      return server.output().includes('"msg":"serving"') ? true : null;
    });

    const adminToken = await provider.tokenFor('dev-admin');
    const organizations = `${url}/v1/organizations`;
    const { id: organizationId } = await call<{ id: string }>(organizations, {
      method: 'POST',
      authority,
      token: adminToken,
      body: { name: 'Lakeside Clinic' },
    });
    const room = `${organizations}/${organizationId}`;
    const service: Service = {
      url,
      authority,
      authorityFile,
      organizationId,
      adminToken,
      admin: (method, path, body) => call(`${room}${path}`, { method, authority, token: adminToken, body }),
      officer: async (path) => call(`${room}${path}`, { authority, token: await provider.tokenFor(OFFICER) }),
      post: (token, path, body) => send(`${room}${path}`, { method: 'POST', authority, token, body }),
      log: () => server.output().replaceAll(/^\{"level":30.*\n/gm, ''),
      stop,
    };
    const member = { issuer: provider.issuer, subject: OFFICER, name: 'officer', role: 'compliance_officer' };
    await service.admin('POST', '/members', member);
    return service;
  } catch (error) {
    await stop();
    throw error;
  }
}

const OFFICER = 'dev-compliance-officer';
