import { Inject, Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { Clock } from '../kernel/clock.js';
import type { JsonValue } from '../kernel/crypto/canonical-json.js';
import { Database, type Tx, type WriteTx } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import { newId } from '../kernel/ids.js';
import type { Principal } from '../kernel/principal.js';
import { MemberService } from '../organizations/member.service.js';
import { ORGANIZATIONS_CONFIG, type OrganizationsConfig } from '../organizations/organizations.config.js';
import { SystemService } from '../organizations/system.service.js';
import { ONLY_LOCKED, requireVersion } from '../organizations/version.js';
import type { EngagementRow } from './engagement.entity.js';
import { MAX_DAYS, type EngagementChange, type EngagementView, type NewEngagement } from './engagement.schema.js';
import { EngagementStore } from './engagement.store.js';

const DAY = 24 * 3_600_000;

/** Who asks to be let in: as the token or the login says, which has been judged. */
export interface Guest {
  issuer: string;
  subject: string;
  /** In lower case; null where the issuer says of none that it is verified. */
  verifiedEmail: string | null;
}

/** What an auditor is shown. */
export interface EngagementScope {
  engagementId: string;
  /** Null: all systems of the organisation. */
  systemIds: readonly string[] | null;
  /** Both ends are in it. */
  period: { from: Date; to: Date };
}

/** What an auditor asked by: parameters of the path and the query. */
export type Asked = Readonly<Record<string, string | number | readonly string[] | undefined>>;

@Injectable()
export class EngagementService {
  constructor(
    private readonly database: Database,
    private readonly store: EngagementStore,
    private readonly systems: SystemService,
    private readonly members: MemberService,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    @Inject(ORGANIZATIONS_CONFIG) private readonly config: OrganizationsConfig,
  ) {}

  /**
   * What the guest is let in to by the engagement, now; null where it is not the guest's, has not begun, has ended or was revoked. `joins`: the guest has the e-mail
   * address that was invited, and nobody has come with it yet.
   */
  async findGuest(tx: Tx, id: string, guest: Guest): Promise<{ scope: EngagementScope; joins: boolean } | null> {
    const row = await this.store.find(tx, id);
    if (row === null || row.issuer !== guest.issuer || stateOf(row, this.clock.now()) !== 'active') return null;
    const joins = row.subject === null && row.email === guest.verifiedEmail;
    return row.subject === guest.subject || joins ? { scope: scopeOf(row), joins } : null;
  }

  /** Binds the engagement to the first who comes with the e-mail address that was invited. False where somebody else was faster. */
  async join(tx: WriteTx, id: string, guest: Guest): Promise<boolean> {
    const row = await this.store.lock(tx, id);
    if (row?.subject !== null) {
      tx.withoutAudit(ONLY_LOCKED);
      return row?.subject === guest.subject;
    }
    const joined = { subject: guest.subject, joinedAt: this.clock.now(), version: row.version + 1 };
    await this.store.update(tx, id, joined);
    await this.audit.record(tx, {
      action: 'engagement.joined',
      object: { kind: 'engagement', id, version: joined.version },
      details: { issuer: guest.issuer, subject: guest.subject, email: guest.verifiedEmail },
    });
    return true;
  }

  /** What the auditor of the engagement is shown. Of the routes of auditors alone: for them the token has been held against it. */
  async scopeOf(tx: Tx, id: string): Promise<EngagementScope> {
    return scopeOf(found(await this.store.find(tx, id)));
  }

  /** That an auditor has read something: each read of one is an event. Of members it is none, who read the same elsewhere without. */
  async recordRead(principal: Principal, id: string, operation: string, asked: Asked = {}): Promise<void> {
    if (principal.role !== 'engaged_auditor') return;
    const said = Object.entries(asked).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    );
    await this.database.write(principal, async (tx) => {
      await this.audit.record(tx, {
        action: 'engagement.read',
        object: { kind: 'engagement', id },
        details: { operation, asked: Object.fromEntries(said) },
      });
    });
  }

  async list(
    tx: Tx,
    filter: { includeEnded: boolean; after: string | null; limit: number },
  ): Promise<EngagementView[]> {
    const now = this.clock.now();
    return (await this.store.list(tx, { ...filter, now })).map((row) => view(row, now));
  }

  async read(tx: Tx, id: string): Promise<EngagementView> {
    return view(found(await this.store.find(tx, id)), this.clock.now());
  }

  async create(tx: WriteTx, engagement: NewEngagement): Promise<EngagementView> {
    const now = this.clock.now();
    const { name, issuer, subject = null, email = '', scope } = engagement;
    const startsAt = engagement.startsAt === undefined ? now : new Date(engagement.startsAt);
    const row: EngagementRow = {
      organizationId: tx.organizationId,
      id: newId(),
      name,
      issuer,
      subject,
      email,
      systemIds: scope.systemIds === null ? null : [...new Set(scope.systemIds)].sort(),
      periodFrom: new Date(engagement.periodFrom),
      periodTo: new Date(engagement.periodTo),
      startsAt,
      endsAt: new Date(engagement.endsAt),
      version: 1,
      createdAt: now,
      createdBy: tx.principal.id,
      joinedAt: null,
      revokedAt: null,
    };
    requireTime(row, now);
    if (row.periodFrom >= row.periodTo) refuse('/periodTo', 'The period ends after it begins.');
    await this.requirePerson(tx, row);
    for (const [at, systemId] of (scope.systemIds ?? []).entries()) {
      if ((await this.systems.findSystem(tx, systemId)) === null) {
        refuse(`/scope/systemIds/${at}`, 'There is no such system.');
      }
    }
    await this.store.insert(tx, row);
    await this.audit.record(tx, {
      action: 'engagement.created',
      object: { kind: 'engagement', id: row.id, version: 1 },
      details: described(row),
    });
    return view(row, now);
  }

  async change(tx: WriteTx, id: string, version: number | null, change: EngagementChange): Promise<EngagementView> {
    const before = found(await this.store.lock(tx, id));
    if (before.revokedAt !== null) throw new Refusal('conflict', 'It was revoked. Invite anew.');
    requireVersion(before.version, version);
    const now = this.clock.now();
    const row: EngagementRow = {
      ...before,
      name: change.name ?? before.name,
      endsAt: change.endsAt === undefined ? before.endsAt : new Date(change.endsAt),
      version: before.version + 1,
    };
    if (change.endsAt !== undefined) requireTime(row, now);
    await this.store.update(tx, id, { name: row.name, endsAt: row.endsAt, version: row.version });
    await this.audit.record(tx, {
      action: 'engagement.changed',
      object: { kind: 'engagement', id, version: row.version },
      details: {
        before: { name: before.name, endsAt: before.endsAt.toISOString() },
        after: { name: row.name, endsAt: row.endsAt.toISOString() },
      },
    });
    return view(row, now);
  }

  async revoke(tx: WriteTx, id: string): Promise<void> {
    const before = found(await this.store.lock(tx, id));
    if (before.revokedAt !== null) {
      tx.withoutAudit(ONLY_LOCKED);
      return;
    }
    const row = { ...before, version: before.version + 1, revokedAt: this.clock.now() };
    await this.store.update(tx, id, { version: row.version, revokedAt: row.revokedAt });
    await this.audit.record(tx, {
      action: 'engagement.revoked',
      object: { kind: 'engagement', id, version: row.version },
      details: described(row),
    });
  }

  /** Lets the auditor download a package. That it is within the scope is the caller's to see to. */
  async sharePackage(tx: WriteTx, id: string, packageId: string): Promise<void> {
    found(await this.store.find(tx, id));
    const isNew = await this.store.sharePackage(tx, {
      organizationId: tx.organizationId,
      engagementId: id,
      packageId,
      sharedAt: this.clock.now(),
      sharedBy: tx.principal.id,
    });
    if (!isNew) {
      tx.withoutAudit('it is shared already');
      return;
    }
    await this.audit.record(tx, {
      action: 'engagement.package_shared',
      object: { kind: 'engagement', id },
      details: { packageId },
    });
  }

  /** Packages that its auditor may download, by id. */
  sharedPackages(tx: Tx, id: string): Promise<string[]> {
    return this.store.sharedPackages(tx, id);
  }

  private async requirePerson(tx: Tx, { issuer, subject, email }: EngagementRow): Promise<void> {
    if (!this.config.signInIssuers.includes(issuer)) {
      throw new Refusal('trust-issuer-refused', 'People sign in at the issuers that /.well-known/safeguard lists.', {
        pointer: '/issuer',
        extra: { issuers: this.config.signInIssuers },
      });
    }
    if ((subject === null) === (email === '')) {
      refuse('/subject', 'Name the person by the subject at the issuer, or by an e-mail address, and not by both.');
    }
    if (subject !== null && (await this.members.findMemberBySubject(tx, issuer, subject)) !== null) {
      throw new Refusal('conflict', 'This person is a member, and reads by that role.', { pointer: '/subject' });
    }
  }
}

function requireTime({ startsAt, endsAt }: EngagementRow, now: Date): void {
  if (endsAt <= startsAt || endsAt <= now) refuse('/endsAt', 'Access ends after it starts, and later than now.');
  if (endsAt.getTime() - startsAt.getTime() > MAX_DAYS * DAY) {
    refuse('/endsAt', `Access lasts at most ${MAX_DAYS} days.`);
  }
}

function refuse(pointer: string, detail: string): never {
  throw new Refusal('invalid-request', detail, { pointer });
}

function found(row: EngagementRow | null): EngagementRow {
  if (row === null) throw new Refusal('not-found', 'There is no such engagement.');
  return row;
}

/** No job ends an engagement: what it is follows from the clock. */
export function stateOf(
  { startsAt, endsAt, revokedAt }: Pick<EngagementRow, 'startsAt' | 'endsAt' | 'revokedAt'>,
  now: Date,
): EngagementView['state'] {
  if (revokedAt !== null) return 'revoked';
  if (now >= endsAt) return 'ended';
  return now < startsAt ? 'upcoming' : 'active';
}

const scopeOf = ({ id, systemIds, periodFrom, periodTo }: EngagementRow): EngagementScope => ({
  engagementId: id,
  systemIds,
  period: { from: periodFrom, to: periodTo },
});

const described = ({ name, issuer, subject, email, systemIds, ...row }: EngagementRow): JsonValue => ({
  name,
  person: { issuer, subject, email: email === '' ? null : email },
  systemIds,
  period: { from: row.periodFrom.toISOString(), to: row.periodTo.toISOString() },
  startsAt: row.startsAt.toISOString(),
  endsAt: row.endsAt.toISOString(),
});

const view = (row: EngagementRow, now: Date): EngagementView => ({
  id: row.id,
  name: row.name,
  person: { issuer: row.issuer, subject: row.subject, email: row.email === '' ? null : row.email },
  scope: { systemIds: row.systemIds },
  period: { from: row.periodFrom.toISOString(), to: row.periodTo.toISOString() },
  startsAt: row.startsAt.toISOString(),
  endsAt: row.endsAt.toISOString(),
  state: stateOf(row, now),
  version: row.version,
  createdAt: row.createdAt.toISOString(),
  createdBy: row.createdBy,
  joinedAt: row.joinedAt?.toISOString() ?? null,
  revokedAt: row.revokedAt?.toISOString() ?? null,
});
