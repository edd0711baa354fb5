import { expect } from 'vitest';
import { kubeBench, send } from '../api/reports.js';
import { startSuite, type Caller, type Clinic, type World } from './app.js';
import { Keeper } from './keep.js';

const MINUTE = 60_000;

interface Posted {
  id: string;
  evidenceId: string;
}

/** What an engagement of the tests is on, and what it is not. */
export interface Audited {
  world: World;
  clinic: Clinic;
  officer: Caller;
  keeper: Keeper;
  /** A system that no engagement is on unless it says so. */
  other: { id: string; path: string };
  /** A report of the system in the period, one of it from before, and one of the other system. */
  inside: Posted;
  before: Posted;
  elsewhere: Posted;
  /** What an engagement on the one system is asked for by, of somebody of its own. */
  invitation: (change?: object) => { subject: string };
  /** The engagement, and its auditor. */
  engaged: (change?: object) => Promise<Engaged>;
  stop: () => Promise<void>;
}

export interface Engaged {
  id: string;
  path: string;
  auditor: Caller;
}

export const PERIOD = { periodFrom: '2026-01-01T00:00:00Z', periodTo: '2026-03-31T00:00:00Z' };

/** In so many minutes. The tokens of the tests live for an hour. */
export const soon = (minutes: number): string => new Date(Date.now() + minutes * MINUTE).toISOString();

export async function startAudited(): Promise<Audited> {
  const { world, clinic, officer, stop } = await startSuite();
  const post = async (path: string, observedAt: string, check: string) => {
    const { status, body } = await send<Posted>(
      world.url,
      officer,
      'POST',
      `${path}/scans?targets=node/cp-1&observedAt=${observedAt}`,
      { body: kubeBench({ [check]: 'PASS' }) },
    );
    expect(status).toBe(201);
    return body;
  };
  let serial = 0;
  const invitation = (change: object = {}) => ({
    name: 'Security Rule audit',
    issuer: world.provider.issuer,
    subject: `auditor-${++serial}`,
    scope: { systemIds: [clinic.systemId] },
    ...PERIOD,
    endsAt: soon(60),
    ...change,
  });
  const other = await clinic.system();
  return {
    world,
    clinic,
    officer,
    keeper: await Keeper.of(clinic, officer, await clinic.member('approver')),
    other,
    inside: await post(clinic.systemPath, '2026-02-01T00:00:00Z', '1.2.1'),
    before: await post(clinic.systemPath, '2025-06-01T00:00:00Z', '1.2.2'),
    elsewhere: await post(other.path, '2026-02-01T00:00:00Z', '1.2.3'),
    invitation,
    engaged: async (change = {}) => {
      const asked = invitation(change);
      const { body } = await clinic.admin.post(`${clinic.path}/engagements`, asked).expect(201);
      const path = `${clinic.path}/engagements/${body.id}`;
      return { id: String(body.id), path, auditor: await world.as(asked.subject) };
    },
    stop,
  };
}
