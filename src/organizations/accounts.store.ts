import { Injectable } from '@nestjs/common';
import { calculateJwkThumbprint } from 'jose';
import type { Ids, Row } from '../audit/account.js';
import type { JsonValue } from '../kernel/crypto/canonical-json.js';
import type { Tx } from '../kernel/db/database.js';
import { idsOf, rowsOf } from '../kernel/db/rows.js';
import { AgentTrust } from './agent-trust.entity.js';
import { Member } from './member.entity.js';
import { Organization, OrganizationVersion } from './organization.entity.js';
import { signingKeyId } from './signing-keys.js';
import { System, SystemVersion } from './system.entity.js';

type Rows = (tx: Tx, ids: readonly string[]) => Promise<Row[]>;

/** What the rows of the registers say, as the details of their events name it. */
@Injectable()
export class AccountsStore {
  readonly organization: { ids: Ids; rows: Rows } = {
    ids: (tx, after, limit) => idsOf(tx, Organization, 'organizationId', after, limit),
    rows: async (tx, ids) =>
      (await rowsOf(tx, Organization, 'organizationId', ids)).map(
        ({ organizationId: id, name, settings, version, createdAt, updatedAt }) => ({
          id,
          key: '',
          says: { name, version, createdAt, updatedAt, ...settingsSaid(settings) },
        }),
      ),
  };

  readonly settings: { ids: Ids; rows: Rows } = {
    ids: (tx, after, limit) => idsOf(tx, OrganizationVersion, 'organizationId', after, limit),
    rows: async (tx, ids) =>
      (await rowsOf(tx, OrganizationVersion, 'organizationId', ids)).map(
        ({ organizationId: id, version, recordedAt, settings }) => ({
          id,
          key: String(version),
          says: { recordedAt, ...settingsSaid(settings) },
        }),
      ),
  };

  readonly member: { ids: Ids; rows: Rows } = {
    ids: (tx, after, limit) => idsOf(tx, Member, 'id', after, limit),
    rows: async (tx, ids) =>
      (await rowsOf(tx, Member, 'id', ids)).map(({ id, organizationId: _, removedAt, ...says }) => ({
        id,
        key: '',
        says: { ...says, removedAt },
      })),
  };

  readonly system: { ids: Ids; rows: Rows } = {
    ids: (tx, after, limit) => idsOf(tx, System, 'id', after, limit),
    rows: async (tx, ids) =>
      (await rowsOf(tx, System, 'id', ids)).map(({ id, organizationId: _, ...says }) => ({ id, key: '', says })),
  };

  readonly systemVersion: { ids: Ids; rows: Rows } = {
    ids: (tx, after, limit) => idsOf(tx, SystemVersion, 'systemId', after, limit),
    rows: async (tx, ids) =>
      (await rowsOf(tx, SystemVersion, 'systemId', ids)).map(
        ({ systemId: id, organizationId: _, version, retiredAt, ...says }) => ({
          id,
          key: String(version),
          says: { ...says, retiredAt },
        }),
      ),
  };

  readonly agentTrust: { ids: Ids; rows: Rows } = {
    ids: (tx, after, limit) => idsOf(tx, AgentTrust, 'id', after, limit),
    rows: async (tx, ids) =>
      Promise.all(
        (await rowsOf(tx, AgentTrust, 'id', ids)).map(
          async ({ id, organizationId: _, jwks, signingKeys, ...says }) => ({
            id,
            key: '',
            says: {
              ...says,
              keys: jwks === null ? null : await Promise.all(jwks.keys.map((key) => thumbprint(key))),
              signingKeys: signingKeys.map(keyId),
            },
          }),
        ),
      ),
  };
}

/** Each by its own name: events from before a member of them was known do not tell it. */
export const settingsSaid = (settings: object): Record<string, JsonValue> =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [`settings.${name}`, value as JsonValue]));

/** What somebody has put there need not be a key. */
const thumbprint = (key: object): Promise<string | null> => calculateJwkThumbprint(key).catch(() => null);

function keyId(pem: string): string | null {
  try {
    return signingKeyId(pem);
  } catch {
    return null;
  }
}
