import { createPublicKey, verify } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type supertest from 'supertest';
import { expect, vi } from 'vitest';
import { EvidenceService } from '../../src/evidence/evidence.service.js';
import { Database } from '../../src/kernel/db/database.js';
import type { Instant } from '../../src/kernel/http/instant.js';
import { newId } from '../../src/kernel/ids.js';
import { PackagesStore } from '../../src/packages/packages.store.js';
import type { ZipEntry } from '../packages/read-zip.js';
import { kubeBench } from '../api/reports.js';
import { startSuite, type Caller, type Clinic, type Suite, type World } from './app.js';
import { programOf } from './log.js';

export interface PackageView {
  id: string;
  status: string;
  size: number;
  sha256: string;
  progress: Record<string, unknown> | null;
  problem: { type: string; detail: string } | null;
}

export const ofAll = { scope: { systemId: null } };

const DAY = 86_400_000;
export const YEAR = 365 * DAY;
/** The report of a year draws twelve postures of before, each evaluated anew; that of less than a day draws none. */
const HALF_A_DAY = DAY / 2;

/** For whoever asks nothing of what was before. */
export const ofToday = (): object => ({ ...ofAll, periodFrom: new Date(Date.now() - HALF_A_DAY).toISOString() });

/** Packages of an organisation, as somebody asks for them. */
export interface PackagesRoom {
  path: string;
  request(body?: object): Promise<PackageView>;
  read(id: string): Promise<PackageView>;
  /** Polls as a client does until it is no longer queued; the test's own time limit ends it. */
  settled(id: string): Promise<PackageView>;
  content(id: string): supertest.Test;
  bytes(id: string): Promise<Buffer>;
}

export function packagesRoom(path: string, caller: Caller): PackagesRoom {
  const room: PackagesRoom = {
    path,
    request: async (body = ofToday()) => (await caller.post(path, body).expect(202)).body as PackageView,
    read: async (id) => (await caller.get(`${path}/${id}`).expect(200)).body as PackageView,
    settled: async (id) => {
      for (;;) {
        const view = await room.read(id);
        if (view.status !== 'queued') return view;
        await pause(50);
      }
    },
    content: (id) =>
      caller
        .get(`${path}/${id}/content`)
        .buffer()
        .parse(asBytes as never),
    bytes: async (id) => (await room.content(id).expect(200)).body as Buffer,
  };
  return room;
}

/** A server with one report to make packages of. */
export async function startPackages(): Promise<Suite & { room: PackagesRoom }> {
  const suite = await startSuite();
  const { clinic, officer } = suite;
  await clinic.agent
    .post(`${clinic.systemPath}/scans?observedAt=2026-01-01T00:00:00Z&targets=node/one&format=kube-bench`)
    .set('Content-Type', 'application/json')
    .send(kubeBench({ '1.2.1': 'PASS' }))
    .expect(201);
  return { ...suite, room: packagesRoom(`${clinic.path}/packages`, officer) };
}

/** Builds stop where they read evidence, until they are let go on: by then their systems have been read. `vi.restoreAllMocks` ends it. */
export function heldBuilds(world: World): { release: () => void; reached: Promise<void> } {
  const evidence = world.app.get(EvidenceService, { strict: false });
  const open = evidence.open.bind(evidence);
  const gate = Promise.withResolvers<undefined>();
  const reached = Promise.withResolvers<undefined>();
  vi.spyOn(evidence, 'open').mockImplementation(async (...parameters) => {
    reached.resolve(undefined);
    await gate.promise;
    return open(...parameters);
  });
  return { release: () => gate.resolve(undefined), reached: reached.promise };
}

/** supertest would parse or drop what it does not know. A refusal is a problem document, which is checked as any other. */
const asBytes = (response: NodeJS.ReadableStream, done: (error: Error | null, body: Buffer) => void): void => {
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.on('end', () => {
    const whole = Buffer.concat(chunks);
    const isRefusal = 'statusCode' in response && Number(response.statusCode) >= 400;
    done(null, isRefusal ? (JSON.parse(whole.toString()) as Buffer) : whole);
  });
  response.on('error', (error) => done(error, Buffer.alloc(0)));
};

/** What lies in the store for a package. */
export const packageObjects = async (world: World, clinic: Clinic, id: string): Promise<string[]> =>
  readdir(join(world.evidenceDirectory, clinic.organizationId, 'packages', id)).catch(() => []);

/** A package in the table and not in the queue, of the whole organisation and of so many milliseconds: nobody builds it but the test. */
export async function unqueuedPackage(
  world: World,
  clinic: Clinic,
  instant?: Instant,
  period = HALF_A_DAY,
): Promise<string> {
  const id = newId();
  const now = new Date();
  const asOf = instant?.asOf ?? now;
  await world.app.get(Database, { strict: false }).write(programOf(clinic), async (tx) => {
    tx.withoutAudit('a test');
    await world.app.get(PackagesStore, { strict: false }).insert(tx, {
      organizationId: clinic.organizationId,
      id,
      systemId: null,
      periodFrom: new Date(asOf.getTime() - period),
      asOf,
      knownAt: instant?.knownAt ?? now,
      status: 'queued',
      requestedBy: 'test',
      createdAt: now,
      finishedAt: null,
      size: null,
      sha256: null,
      dataKeyId: null,
      storageKey: null,
      storageVersion: null,
      storageSize: null,
      storageSha256: null,
      problem: null,
      encryptTo: [],
      expiresAt: null,
      removedAt: null,
      asked: null,
      progress: null,
    });
  });
  return id;
}

/** By the key that the service says is its own. */
export async function expectSigned(entries: readonly ZipEntry[], caller: Caller): Promise<void> {
  const { body } = await caller.get('/v1/signing-keys').expect(200);
  const { items } = body as { items: { use: string; publicKey: string }[] };
  const key = createPublicKey(items.find(({ use }) => use === 'package')!.publicKey);
  const at = (path: string): Buffer => entries.find((entry) => entry.path.endsWith(`/${path}`))!.bytes;
  const manifest = at('bag/tagmanifest-sha256.txt');
  expect(verify('sha256', manifest, key, at('sig/tagmanifest.p256.sig'))).toBe(true);
}
