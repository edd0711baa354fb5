import { Inject, Injectable } from '@nestjs/common';
import { calculateJwkThumbprint, importJWK } from 'jose';
import { AuditService } from '../audit/audit.service.js';
import { Clock } from '../kernel/clock.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import { newId } from '../kernel/ids.js';
import type { AgentTrustRow } from './agent-trust.entity.js';
import type { AgentKind, AgentView, NewAgent } from './agent-trust.schema.js';
import { AgentTrustStore, type AgentTrustFilter } from './agent-trust.store.js';
import { refuseIssuerUrl } from './issuer-url.js';
import { ORGANIZATIONS_CONFIG, type OrganizationsConfig } from './organizations.config.js';
import type { PinnedKeys } from './public-keys.js';
import { signingKeyId } from './signing-keys.js';
import { refuseKubernetesPattern } from './subject-pattern.js';
import { SystemService } from './system.service.js';
import { ONLY_LOCKED } from './version.js';

/** What the auth room asks of a trust. */
export interface Trust {
  id: string;
  systemId: string;
  kind: AgentKind;
  issuer: string;
  jwks: PinnedKeys | null;
  audience: string;
  subjectPattern: string;
  signingKeys: readonly string[];
}

/** Each request of an agent walks the trusts of its issuer: the bound keeps that walk short. */
const MAX_TRUSTS = 500;

@Injectable()
export class AgentTrustService {
  constructor(
    private readonly store: AgentTrustStore,
    private readonly systems: SystemService,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    @Inject(ORGANIZATIONS_CONFIG) private readonly config: OrganizationsConfig,
  ) {}

  /** The trusts of an issuer that are in force in the transaction's organisation, oldest first. */
  async findAgentTrusts(tx: Tx, issuer: string): Promise<Trust[]> {
    return this.store.findInForce(tx, issuer);
  }

  /** By id. */
  async list(tx: Tx, filter: AgentTrustFilter): Promise<AgentView[]> {
    return (await this.store.list(tx, filter)).map(view);
  }

  async read(tx: Tx, id: string): Promise<AgentView> {
    return view(found(await this.store.find(tx, id)));
  }

  async trust(tx: WriteTx, agent: NewAgent): Promise<AgentView> {
    const jwks = agent.jwks ?? null;
    const issuerFault = refuseIssuerUrl(agent.issuer, {
      fetched: jwks === null && !this.config.signInIssuers.includes(agent.issuer),
      allowInsecure: this.config.allowInsecureIssuers,
    });
    if (issuerFault !== null) throw new Refusal('trust-issuer-refused', issuerFault, { pointer: '/issuer' });
    // The deployment's own issuers prove themselves by their own keys alone: others pinned under their name would never be looked at.
    if (jwks !== null && this.config.signInIssuers.includes(agent.issuer)) {
      throw new Refusal('trust-issuer-refused', 'The keys of this issuer are known: leave `jwks` out.', {
        pointer: '/jwks',
      });
    }
    if (agent.kind === 'kubernetes') {
      const fault = refuseKubernetesPattern(agent.subjectPattern);
      if (fault !== null) throw new Refusal('invalid-request', fault, { pointer: '/subjectPattern' });
    }
    const system = await this.systems.findSystem(tx, agent.systemId);
    if (system === null || system.retiredAt !== null) {
      throw new Refusal('invalid-request', 'There is no such system in use.', { pointer: '/systemId' });
    }
    const keys = await keyIds(jwks);
    await this.store.lockAll(tx);
    await this.refuseTwice(tx, agent, keys);
    if ((await this.store.countInForce(tx)) >= MAX_TRUSTS) {
      throw new Refusal('conflict', `An organisation trusts at most ${MAX_TRUSTS} agents at once. Revoke some.`);
    }
    const row: AgentTrustRow = {
      organizationId: tx.organizationId,
      id: newId(),
      systemId: system.id,
      name: agent.name,
      kind: agent.kind,
      issuer: agent.issuer,
      jwks,
      audience: agent.audience,
      subjectPattern: agent.subjectPattern,
      signingKeys: agent.signingKeys,
      version: 1,
      createdAt: this.clock.now(),
      revokedAt: null,
    };
    const details = {
      ...described(row),
      keys: keys?.map(({ thumbprint }) => thumbprint) ?? null,
      signingKeys: row.signingKeys.map(signingKeyId),
    };
    await this.store.insert(tx, row);
    await this.audit.record(tx, {
      action: 'agent.trusted',
      object: { kind: 'agent_trust', id: row.id, version: 1 },
      details,
    });
    return view(row);
  }

  /**
   * A second trust of the same would outlive the revocation of the first. Of other keys it is another trust: while one key takes the place of another, both
   * are trusted.
   */
  private async refuseTwice(tx: Tx, agent: NewAgent, keys: readonly KeyId[] | null): Promise<void> {
    const wanted = JSON.stringify(meant(agent, keys));
    for (const row of await this.store.findInForce(tx, agent.issuer)) {
      if (JSON.stringify(meant(row, await keyIds(row.jwks))) === wanted) {
        throw new Refusal('conflict', `This is trusted already: it is agent ${row.id}.`, {
          extra: { agentId: row.id },
        });
      }
    }
  }

  async revoke(tx: WriteTx, id: string): Promise<void> {
    const before = found(await this.store.lock(tx, id));
    if (before.revokedAt !== null) {
      tx.withoutAudit(ONLY_LOCKED);
      return;
    }
    const row: AgentTrustRow = { ...before, version: before.version + 1, revokedAt: this.clock.now() };
    await this.store.revoke(tx, row);
    await this.audit.record(tx, {
      action: 'agent.revoked',
      object: { kind: 'agent_trust', id, version: row.version },
      details: described(row),
    });
  }
}

/** A pinned key: tokens name it by its `kid`, and it is itself by its thumbprint (RFC 7638). */
interface KeyId {
  kid: string | null;
  thumbprint: string;
}

/** Tells also whether each is a key at all: a point that lies on no curve can verify nothing. Null: the keys are those that the issuer serves. */
async function keyIds(jwks: PinnedKeys | null): Promise<KeyId[] | null> {
  if (jwks === null) return null;
  return Promise.all(
    jwks.keys.map(async (key, index) => {
      try {
        await importJWK(
          key,
          { RSA: 'RS256', EC: key.kty === 'EC' && key.crv === 'P-384' ? 'ES384' : 'ES256', OKP: 'EdDSA' }[key.kty],
        );
        return { kid: key.kid ?? null, thumbprint: await calculateJwkThumbprint(key) };
      } catch {
        throw new Refusal('invalid-request', 'That is no usable public key.', { pointer: `/jwks/keys/${index}` });
      }
    }),
  );
}

/** All that a trust says of tokens and signatures; its name is for people, and the order of keys says nothing. */
const meant = (
  { systemId, kind, issuer, audience, subjectPattern, signingKeys }: NewAgent | AgentTrustRow,
  keys: readonly KeyId[] | null,
): unknown[] => [
  systemId.toLowerCase(),
  kind,
  issuer,
  audience,
  subjectPattern,
  keys?.map(({ kid, thumbprint }) => JSON.stringify([kid, thumbprint])).sort() ?? null,
  signingKeys.map(signingKeyId).sort(),
];

function found(row: AgentTrustRow | null): AgentTrustRow {
  if (row === null) throw new Refusal('not-found', 'There is no such agent.');
  return row;
}

const described = ({ name, systemId, kind, issuer, audience, subjectPattern }: AgentTrustRow) => ({
  name,
  systemId,
  kind,
  issuer,
  audience,
  subjectPattern,
});

const view = (row: AgentTrustRow): AgentView => ({
  id: row.id,
  ...described(row),
  jwks: row.jwks,
  signingKeys: row.signingKeys,
  version: row.version,
  createdAt: row.createdAt.toISOString(),
  revokedAt: row.revokedAt?.toISOString() ?? null,
});
