import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { stringify } from 'uuid';
import { AuditService } from '../audit/audit.service.js';
import { brokenConstraint, type Tx, type WriteTx } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import { newId } from '../kernel/ids.js';
import type { Principal } from '../kernel/principal.js';
import { Queue } from '../kernel/queue.js';
import { MemberService } from './member.service.js';
import type { OrganizationRow } from './organization.entity.js';
import {
  MAX_BY_NAME,
  NO_SETTINGS,
  type OrganizationChange,
  type OrganizationView,
  type OwnOrganization,
  type Settings,
} from './organization.schema.js';
import { OrganizationStore } from './organization.store.js';
import { RegisterStore } from './register.store.js';
import type { Instants } from './system.service.js';
import { requireVersion } from './version.js';

/** Settings that were in effect, and which version of them. */
export interface SettingsInEffect {
  version: number;
  settings: Settings;
}

@Injectable()
export class OrganizationService {
  constructor(
    private readonly store: OrganizationStore,
    private readonly members: MemberService,
    private readonly audit: AuditService,
    private readonly queue: Queue,
    private readonly register: RegisterStore,
  ) {}

  /** Creates the organisation that the transaction acts for, with its principal as the first admin (see `founder`). */
  async create(tx: WriteTx, name: string, adminName: string): Promise<OrganizationView> {
    const now = await this.register.lock(tx);
    const row: OrganizationRow = {
      organizationId: tx.organizationId,
      name,
      settings: NO_SETTINGS,
      version: 1,
      createdAt: now,
      updatedAt: now,
    };
    try {
      await this.store.insert(tx, row);
    } catch (error) {
      if (brokenConstraint(error) === 'organization_pk') {
        throw new Refusal('conflict', 'An organisation was created under this Idempotency-Key long ago. Use another.', {
          pointer: 'header/Idempotency-Key',
        });
      }
      throw error;
    }
    await this.audit.record(tx, {
      action: 'organization.created',
      object: { kind: 'organization', id: row.organizationId, version: 1 },
      details: { name, settings: { ...NO_SETTINGS } },
      at: now,
    });
    const { id, issuer, subject } = tx.principal;
    await this.members.insert(tx, id, { issuer, subject, name: adminName, role: 'admin' });
    return view(row);
  }

  async read(tx: Tx): Promise<OrganizationView> {
    return view(found(await this.store.find(tx)));
  }

  async change(tx: WriteTx, version: number | null, change: OrganizationChange): Promise<OrganizationView> {
    const now = await this.register.lock(tx);
    const before = found(await this.store.lock(tx));
    requireVersion(before.version, version);
    const settingsBefore = whole(before.settings);
    const settings = merged(settingsBefore, change.settings ?? {});
    const row: OrganizationRow = {
      ...before,
      name: change.name ?? before.name,
      settings,
      version: before.version + 1,
      updatedAt: now,
    };
    await this.store.update(tx, row);
    await this.audit.record(tx, {
      action: 'organization.changed',
      object: { kind: 'organization', id: row.organizationId, version: row.version },
      details: {
        before: { name: before.name, settings: { ...settingsBefore } },
        after: { name: row.name, settings: { ...settings } },
      },
      at: row.updatedAt,
    });
    if (!isDeepStrictEqual(settings.phiLabels, settingsBefore.phiLabels)) {
      await this.queue.send(tx, 'reevaluation', {
        organizationId: row.organizationId,
        systemId: '',
        id: row.organizationId,
      });
    }
    return view(row);
  }

  /** For the principal's issuer and subject, whatever organisation the transaction acts for. One more than `limit` tells that there are more. */
  listOwn(tx: Tx, page: { after: string | null; limit: number }): Promise<OwnOrganization[]> {
    return this.store.listOwn(tx, page);
  }

  /**
   * The settings by which an instant is judged: in effect at `asOf`, as known at `knownAt`. Before the organisation's first settings, the first ones count,
   * because evidence may tell of a time before it was registered. Before anything was known: the catalogue's defaults, version 0.
   */
  settingsAsOf(tx: Tx, { asOf, knownAt }: Instants): Promise<SettingsInEffect> {
    const inEffect = asOf < knownAt ? asOf : knownAt;
    return tx.once(`settings ${inEffect.toISOString()} ${knownAt.toISOString()}`, async () => {
      const found = await this.store.settingsAsOf(tx, inEffect, knownAt);
      return found === null
        ? { version: 0, settings: NO_SETTINGS }
        : { version: found.version, settings: whole(found.settings) };
    });
  }

  /** The last version of the settings that the transaction sees, and since when it counts. */
  async lastSettings(tx: Tx): Promise<{ version: number; recordedAt: Date | null }> {
    return (await this.store.lastVersion(tx)) ?? { version: 0, recordedAt: null };
  }

  /** From when on the versions of the settings after one count. */
  async settingsChanges(tx: Tx, version: number): Promise<Date[]> {
    return (await this.store.versionsSince(tx, version)).map(({ recordedAt }) => recordedAt);
  }
}

/**
 * The principal that creates an organisation: it acts for the new organisation, as its first member. With an Idempotency-Key both ids follow from who asks
 * and the key, so that a retry comes to the same organisation and finds the answer that is kept there.
 */
export function founder(principal: Principal, key: string | null): Principal {
  const derived = (what: string) => nameBasedId([what, principal.issuer, principal.subject, key]);
  return key === null
    ? { ...principal, organizationId: newId(), id: newId() }
    : { ...principal, organizationId: derived('organization'), id: derived('member') };
}

/** A UUIDv8 (RFC 9562 section 5.8) of SHA-256. */
function nameBasedId(name: readonly (string | null)[]): string {
  const bytes = createHash('sha256').update(JSON.stringify(name)).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return stringify(bytes);
}

function merged(before: Settings, change: NonNullable<OrganizationChange['settings']>): Settings {
  return {
    freshness: mergedMembers('freshness', before.freshness, change.freshness),
    recordFreshness: mergedMembers('recordFreshness', before.recordFreshness, change.recordFreshness),
    owners: mergedMembers('owners', before.owners, change.owners),
    overlays: change.overlays ?? before.overlays,
    phiLabels: change.phiLabels ?? before.phiLabels,
    riskMatrix: change.riskMatrix ?? before.riskMatrix,
  };
}

function mergedMembers<Value>(
  name: keyof typeof MAX_BY_NAME,
  before: Readonly<Record<string, Value>>,
  change: Readonly<Record<string, Value | null>> | undefined,
): Record<string, Value> {
  const members: Record<string, Value> = {};
  for (const [key, value] of Object.entries({ ...before, ...change })) {
    if (value !== null) members[key] = value;
  }
  if (Object.keys(members).length > MAX_BY_NAME[name]) {
    throw new Refusal('invalid-request', `At most ${MAX_BY_NAME[name]} of ${name} differ from the catalogue.`, {
      pointer: `/settings/${name}`,
    });
  }
  return members;
}

/** Settings that were kept before a member of them was known have its default. */
const whole = (kept: Partial<Settings>): Settings => ({ ...NO_SETTINGS, ...kept });

function found(row: OrganizationRow | null): OrganizationRow {
  if (row === null) throw new Refusal('not-found', 'There is no such organisation.');
  return row;
}

const view = (row: OrganizationRow): OrganizationView => ({
  id: row.organizationId,
  name: row.name,
  settings: whole(row.settings),
  version: row.version,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});
