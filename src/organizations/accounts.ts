import { Injectable } from '@nestjs/common';
import { accountOf, lastSaid, type Told } from '../audit/account.js';
import { Accounts } from '../audit/accounts.js';
import { AuditService } from '../audit/audit.service.js';
import type { Action } from '../audit/event.js';
import type { JsonValue } from '../kernel/crypto/canonical-json.js';
import { AccountsStore, settingsSaid } from './accounts.store.js';

const OF_ORGANIZATION = ['organization.created', 'organization.changed'] as const satisfies Action[];
const OF_MEMBER = ['member.added', 'member.changed', 'member.removed'] as const satisfies Action[];
const OF_SYSTEM = ['system.created', 'system.changed', 'system.retired'] as const satisfies Action[];
const OF_AGENT = ['agent.trusted', 'agent.revoked'] as const satisfies Action[];

/** The registers of an organisation, as their events tell them. */
@Injectable()
export class OrganizationAccounts {
  constructor(accounts: Accounts, audit: AuditService, store: AccountsStore) {
    const ofOrganization = { kind: 'organization', actions: OF_ORGANIZATION } as const;
    const ofSystem = { kind: 'system', actions: OF_SYSTEM } as const;
    accounts.add(
      accountOf(audit, {
        table: 'organization',
        ...ofOrganization,
        ...store.organization,
        due: present((told) => settled(lastSaid(told)), { updates: true }),
      }),
      accountOf(audit, {
        table: 'organization_version',
        ...ofOrganization,
        ...store.settings,
        due: (told) =>
          told.map(({ version, at, after }) => {
            const { name: _, ...settings } = settled(after ?? {});
            return { key: String(version), says: { ...settings, recordedAt: at } };
          }),
      }),
      accountOf(audit, {
        table: 'member',
        ...{ kind: 'member', actions: OF_MEMBER },
        ...store.member,
        due: present(lastSaid, { ends: ['member.removed', 'removedAt'] }),
      }),
      accountOf(audit, {
        table: 'system',
        ...ofSystem,
        ...store.system,
        due: present(lastSaid, { updates: true, ends: ['system.retired', 'retiredAt'] }),
      }),
      accountOf(audit, {
        table: 'system_version',
        ...ofSystem,
        ...store.systemVersion,
        due: (told) =>
          told.map(({ version, action, at, after }) => ({
            key: String(version),
            says: { ...after, recordedAt: at, retiredAt: action === 'system.retired' ? at : null },
          })),
      }),
      accountOf(audit, {
        table: 'agent_trust',
        ...{ kind: 'agent_trust', actions: OF_AGENT },
        ...store.agentTrust,
        due: present(lastSaid, { ends: ['agent.revoked', 'revokedAt'] }),
      }),
    );
  }
}

interface Dates {
  updates?: boolean;
  /** By which event it ends, and which column says when. */
  ends?: readonly [Action, string];
}

/** The one row of an object, as it is now. */
const present =
  (said: (told: readonly Told[]) => Record<string, JsonValue>, { updates = false, ends }: Dates) =>
  (told: readonly Told[]) => {
    const [first, last] = [told[0], told.at(-1)];
    if (first === undefined || last === undefined) return [];
    const dates = {
      createdAt: first.at,
      ...(updates ? { updatedAt: last.at } : {}),
      ...(ends === undefined ? {} : { [ends[1]]: last.action === ends[0] ? last.at : null }),
    };
    return [{ key: '', says: { ...said(told), version: last.version, ...dates } }];
  };

/** What is said of settings, each by its own name. */
function settled({ settings, ...said }: Readonly<Record<string, JsonValue>>): Record<string, JsonValue> {
  return { ...said, ...settingsSaid((settings ?? {}) as object) };
}
