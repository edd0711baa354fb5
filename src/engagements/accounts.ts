import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { accountOf, lastSaid, type DueRow, type Told } from '../audit/account.js';
import { Accounts } from '../audit/accounts.js';
import { AuditService } from '../audit/audit.service.js';
import { AccountsStore } from './accounts.store.js';

const person = z.object({ issuer: z.string(), subject: z.string().nullable(), email: z.string().nullable() });
const period = z.object({ from: z.iso.datetime(), to: z.iso.datetime() });
const instant = z.iso.datetime().transform((text) => new Date(text));

/** What auditors were let in to, as its events tell it. */
@Injectable()
export class EngagementAccounts {
  constructor(accounts: Accounts, audit: AuditService, store: AccountsStore) {
    accounts.add(
      accountOf(audit, {
        table: 'engagement',
        kind: 'engagement',
        actions: ['engagement.created', 'engagement.changed', 'engagement.joined', 'engagement.revoked'],
        ...store.engagement,
        due: engagement,
      }),
      accountOf(audit, {
        table: 'engagement_package',
        kind: 'engagement',
        actions: ['engagement.package_shared'],
        ...store.sharedPackage,
        due: (told) =>
          told.map(({ at, by, after }) => ({
            key: z.string().safeParse(after?.['packageId']).data ?? null,
            says: { sharedAt: at, sharedBy: by },
          })),
      }),
    );
  }
}

function engagement(told: readonly Told[]): Omit<DueRow, 'id'>[] {
  const [first, last] = [told[0], told.at(-1)];
  if (first === undefined || last === undefined) return [];
  const said = lastSaid(told);
  const joined = told.find(({ action }) => action === 'engagement.joined');
  const time = period.safeParse(said['period']).data;
  const { systemIds, name } = said;
  const instants = {
    startsAt: instant.safeParse(said['startsAt']).data,
    endsAt: instant.safeParse(said['endsAt']).data,
  };
  const says = {
    ...personOf(said, joined),
    ...(name === undefined ? {} : { name }),
    ...(systemIds === undefined ? {} : { systemIds }),
    ...(time === undefined ? {} : { periodFrom: new Date(time.from), periodTo: new Date(time.to) }),
    ...(instants.startsAt === undefined ? {} : { startsAt: instants.startsAt }),
    ...(instants.endsAt === undefined ? {} : { endsAt: instants.endsAt }),
    version: last.version,
    createdAt: first.at,
    createdBy: first.by,
    joinedAt: joined?.at ?? null,
    revokedAt: last.action === 'engagement.revoked' ? last.at : null,
  };
  return [{ key: '', says }];
}

/** Who was invited, and who has come with that address. Of one who joined the event tells of the address that the issuer has verified, which is the one that was invited. */
function personOf(said: Readonly<Record<string, unknown>>, joined: Told | undefined): Partial<z.infer<typeof person>> {
  const invited = person.safeParse(said['person']).data ?? {};
  const subject = z.string().safeParse(joined?.after?.['subject']).data;
  if (joined === undefined || subject !== undefined)
    return { ...invited, ...(subject === undefined ? {} : { subject }) };
  // Who came is in details that were erased.
  const { subject: _, ...known } = { subject: null, ...invited };
  return known;
}
