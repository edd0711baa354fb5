import { Inject, Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { Clock } from '../kernel/clock.js';
import { brokenConstraint, type Tx, type WriteTx } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import { newId } from '../kernel/ids.js';
import type { MemberRow } from './member.entity.js';
import type { MemberChange, MemberRole, MemberView, NewMember } from './member.schema.js';
import { MemberStore, type MemberFilter } from './member.store.js';
import { ORGANIZATIONS_CONFIG, type OrganizationsConfig } from './organizations.config.js';
import { ONLY_LOCKED, requireVersion } from './version.js';

/** What the auth room asks of a member. */
export interface Membership {
  id: string;
  role: MemberRole;
}

@Injectable()
export class MemberService {
  constructor(
    private readonly store: MemberStore,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    @Inject(ORGANIZATIONS_CONFIG) private readonly config: OrganizationsConfig,
  ) {}

  /** The active member behind a token, in the transaction's organisation. */
  async findMemberBySubject(tx: Tx, issuer: string, subject: string): Promise<Membership | null> {
    const row = await this.store.findBySubject(tx, issuer, subject);
    return row === null ? null : { id: row.id, role: row.role };
  }

  /** Whether the transaction's issuer and subject are a person of any organisation. */
  isMemberAnywhere(tx: Tx): Promise<boolean> {
    return this.store.isMemberAnywhere(tx);
  }

  /** By id. */
  async list(tx: Tx, filter: MemberFilter): Promise<MemberView[]> {
    return (await this.store.list(tx, filter)).map(view);
  }

  async read(tx: Tx, id: string): Promise<MemberView> {
    return view(found(await this.store.find(tx, id)));
  }

  /** Whether it is a member, and has not left. */
  async isPresent(tx: Tx, id: string): Promise<boolean> {
    const row = await this.store.find(tx, id);
    return row !== null && row.removedAt === null;
  }

  async add(tx: WriteTx, member: NewMember): Promise<MemberView> {
    if (!this.config.signInIssuers.includes(member.issuer)) {
      throw new Refusal('trust-issuer-refused', 'People sign in at the issuers that /.well-known/safeguard lists.', {
        pointer: '/issuer',
        extra: { issuers: this.config.signInIssuers },
      });
    }
    return this.insert(tx, newId(), member);
  }

  /** Without asking whether the issuer is known: the caller of a new organisation came from it. */
  async insert(tx: WriteTx, id: string, { issuer, subject, name, role }: NewMember): Promise<MemberView> {
    const row: MemberRow = {
      organizationId: tx.organizationId,
      id,
      issuer,
      subject,
      name,
      role,
      version: 1,
      createdAt: this.clock.now(),
      removedAt: null,
    };
    try {
      await this.store.insert(tx, row);
    } catch (error) {
      if (brokenConstraint(error) === 'member_subject') {
        throw new Refusal('conflict', 'This person is a member already. Change the role there.', {
          pointer: '/subject',
        });
      }
      throw error;
    }
    await this.audit.record(tx, {
      action: 'member.added',
      object: { kind: 'member', id, version: 1 },
      details: { issuer, subject, name, role },
    });
    return view(row);
  }

  async change(tx: WriteTx, id: string, version: number | null, change: MemberChange): Promise<MemberView> {
    const before = await this.lockForChange(tx, id, change.role);
    if (before.removedAt !== null) throw new Refusal('conflict', 'The member was removed. Add the person again.');
    requireVersion(before.version, version);
    const row: MemberRow = {
      ...before,
      name: change.name ?? before.name,
      role: change.role ?? before.role,
      version: before.version + 1,
    };
    // Nobody raises or hides the own rights: each change of a role is seen by a second person.
    if (row.role !== before.role && id === tx.principal.id) {
      throw new Refusal('forbidden', 'Your own role is changed by another admin.', { pointer: '/role' });
    }
    await this.store.update(tx, row);
    await this.audit.record(tx, {
      action: 'member.changed',
      object: { kind: 'member', id, version: row.version },
      details: {
        before: { name: before.name, role: before.role },
        after: { name: row.name, role: row.role },
      },
    });
    return view(row);
  }

  async remove(tx: WriteTx, id: string): Promise<void> {
    const before = await this.lockForChange(tx, id, undefined, true);
    if (before.removedAt !== null) {
      tx.withoutAudit(ONLY_LOCKED);
      return;
    }
    const row: MemberRow = { ...before, version: before.version + 1, removedAt: this.clock.now() };
    await this.store.update(tx, row);
    await this.audit.record(tx, {
      action: 'member.removed',
      object: { kind: 'member', id, version: row.version },
      details: { issuer: row.issuer, subject: row.subject, name: row.name, role: row.role },
    });
  }

  /** The member, locked after the admins: always in this order, and refused when an admin's role would end that nobody else has. */
  private async lockForChange(
    tx: WriteTx,
    id: string,
    role: MemberRole | undefined,
    removed = false,
  ): Promise<MemberRow> {
    const takesRole = removed || (role !== undefined && role !== 'admin');
    const admins = takesRole ? await this.store.lockAdmins(tx) : [];
    const row = found(await this.store.lock(tx, id));
    if (takesRole && admins.length === 1 && admins[0] === row.id) {
      throw new Refusal('last-admin', 'Make another member admin first.');
    }
    return row;
  }
}

function found(row: MemberRow | null): MemberRow {
  if (row === null) throw new Refusal('not-found', 'There is no such member.');
  return row;
}

const view = (row: MemberRow): MemberView => ({
  id: row.id,
  issuer: row.issuer,
  subject: row.subject,
  name: row.name,
  role: row.role,
  version: row.version,
  createdAt: row.createdAt.toISOString(),
  removedAt: row.removedAt?.toISOString() ?? null,
});
