import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { Clock } from '../kernel/clock.js';
import { Database } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import { LOGGER } from '../kernel/logger.js';
import { servicePrincipal, type Principal } from '../kernel/principal.js';
import { EngagementService, type EngagementScope } from '../engagements/engagement.service.js';
import { AgentTrustService, type Trust } from '../organizations/agent-trust.service.js';
import { MemberService } from '../organizations/member.service.js';
import { subjectMatches } from '../organizations/subject-pattern.js';
import {
  isSignedToken,
  MAX_TOKEN_LENGTH,
  unverified,
  verifyAccessToken,
  type TokenClaims,
  type TokenRules,
} from './access-token.js';
import { ALGORITHMS, AUTH_CONFIG, type AuthConfig, type IssuerConfig } from './auth.config.js';
import { Denied } from './denied.js';
import { Introspector } from './introspection.js';
import { IssuerKeys, pinnedKeySource, TrustedKeys } from './issuer-keys.js';
import { OidcClient } from './oidc-client.js';
import { outbound } from '../kernel/http/outbound.js';
import { permissionsOf } from './roles.js';

/** Who asks, as one of the deployment's own issuers says: by a token just judged, or by a session that such a login began. */
export interface Identity {
  issuer: string;
  subject: string;
  amr: readonly string[];
  acr: string | null;
  /** The token's audiences; null for a session, which is a person's and never an agent's. */
  audiences: readonly string[] | null;
  /** In lower case, as the issuer says it is verified; null of a session, and where it says so of none. */
  verifiedEmail: string | null;
}

/** For which organisation a request asks (null: for none), for which engagement in it, and its id for the log. */
export interface Asked {
  organizationId: string | null;
  engagementId: string | null;
  requestId: string;
}

/** Trusts that are tried for one token: each costs a signature check. */
const MAX_CANDIDATES = 50;

/**
 * Makes principals. Membership and trust are read on each request, so that ending them ends access at once.
 *
 * Whose keys judged a token decides what it can be. The deployment's issuers prove people and agents; a tenant's trusted issuer proves agents of that
 * tenant alone, and is never asked about a token that names one of the deployment's: else an admin could pin own keys and sign as somebody else.
 */
@Injectable()
export class AuthenticationService {
  private readonly issuers: ReadonlyMap<string, { config: IssuerConfig; keys: IssuerKeys }>;
  private readonly trustedKeys: TrustedKeys;
  private readonly introspector: Introspector | null;

  constructor(
    @Inject(AUTH_CONFIG) private readonly config: AuthConfig,
    private readonly database: Database,
    private readonly members: MemberService,
    private readonly trusts: AgentTrustService,
    private readonly engagements: EngagementService,
    private readonly clock: Clock,
    @Inject(LOGGER) logger: Logger,
  ) {
    const allowInsecure = config.allowInsecureIssuers;
    const ours = outbound({ publicOnly: false, allowInsecure });
    this.issuers = new Map(
      config.issuers.map((one) => [one.issuer, { config: one, keys: new IssuerKeys(one.issuer, ours, clock, logger) }]),
    );
    this.trustedKeys = new TrustedKeys(outbound({ publicOnly: !allowInsecure, allowInsecure }), clock, logger);
    const asked = config.issuers.find((one) => one.introspection !== undefined);
    this.introspector =
      asked?.introspection === undefined
        ? null
        : new Introspector(
            asked,
            new OidcClient({ ...asked, ...asked.introspection, allowInsecure }, ours, clock),
            clock,
          );
  }

  /** Throws Denied when the token is not taken, and a Refusal when it is and does not suffice. */
  async byToken(token: string, asked: Asked): Promise<Principal> {
    if (token.length > MAX_TOKEN_LENGTH) throw new Denied('too-large');
    if (!isSignedToken(token)) {
      if (this.introspector === null) throw new Denied('malformed');
      return this.byIdentity(await this.introspector.claims(token), asked);
    }
    const { issuer } = unverified(token);
    const known = this.issuers.get(issuer);
    if (known === undefined) return this.byTrust(token, asked);
    const { audience, algorithms, typ } = known.config;
    const rules = { issuer, audience, algorithms, types: typ };
    return this.byIdentity(await this.judged(token, rules, known.keys), asked);
  }

  /** A person's session is as good as the login that began it. */
  async byIdentity(identity: Identity, asked: Asked): Promise<Principal> {
    return asked.organizationId === null
      ? this.withoutOrganization(identity, asked)
      : this.ofOrganization(identity, asked.organizationId, asked);
  }

  isKnownIssuer(issuer: string): boolean {
    return this.issuers.has(issuer);
  }

  /** That the keys of a deployment's issuer cannot be had is no fault of the token, and the issuer is no secret: try again. */
  private async judged(token: string, rules: TokenRules, keys: IssuerKeys): Promise<TokenClaims> {
    try {
      return await verifyAccessToken(token, rules, keys.source, this.clock.now());
    } catch (error) {
      if (!(error instanceof Denied) || error.reason !== 'keys-unavailable') throw error;
      throw new Refusal('unavailable', 'The keys of the identity provider cannot be had now. Try again.', {
        headers: { 'Retry-After': '5' },
      });
    }
  }

  private async ofOrganization(identity: Identity, organizationId: string, asked: Asked): Promise<Principal> {
    const { issuer, subject, audiences } = identity;
    const found = await this.database.read(reader(organizationId, asked), async (tx) => {
      const member = await this.members.findMemberBySubject(tx, issuer, subject);
      if (member !== null) return { member, guest: null, trusts: [] };
      // Of a route of an engagement alone: it gives nothing on any other.
      const { engagementId } = asked;
      const guest = engagementId === null ? null : await this.engagements.findGuest(tx, engagementId, identity);
      if (guest !== null || audiences === null) return { member, guest, trusts: [] };
      const trusts = await this.trusts.findAgentTrusts(tx, issuer);
      const meant = trusts.filter((trust) => trust.jwks === null && isMeant(trust, subject, audiences));
      return { member, guest, trusts: meant };
    });
    if (found.guest !== null) return this.engaged(identity, organizationId, asked, found.guest);
    if (found.member !== null) {
      this.requireFactors(identity);
      return {
        kind: 'user',
        id: found.member.id,
        issuer,
        subject,
        organizationId,
        role: found.member.role,
        permissions: permissionsOf(found.member.role),
        systemIds: null,
        requestId: asked.requestId,
      };
    }
    const agent = agentPrincipal(found.trusts, subject, organizationId, asked);
    // An organisation that is not the caller's is one that does not exist.
    if (agent === null) throw new Refusal('not-found', 'There is no such resource.');
    return agent;
  }

  private async engaged(
    identity: Identity,
    organizationId: string,
    asked: Asked,
    { scope, joins }: { scope: EngagementScope; joins: boolean },
  ): Promise<Principal> {
    this.requireFactors(identity);
    const { engagementId, systemIds } = scope;
    const isIn =
      !joins ||
      (await this.database.write(reader(organizationId, asked), (tx) =>
        this.engagements.join(tx, engagementId, identity),
      ));
    if (!isIn) throw new Refusal('not-found', 'There is no such resource.');
    return {
      kind: 'user',
      id: engagementId,
      issuer: identity.issuer,
      subject: identity.subject,
      organizationId,
      role: 'engaged_auditor',
      permissions: permissionsOf('engaged_auditor'),
      systemIds,
      requestId: asked.requestId,
    };
  }

  private async withoutOrganization(identity: Identity, { requestId }: Asked): Promise<Principal> {
    const { issuer, subject } = identity;
    const isFirstAdmin = this.config.firstAdmins.some((one) => one.issuer === issuer && one.subject === subject);
    const principal: Principal = {
      kind: 'user',
      id: pseudonym(issuer, subject),
      issuer,
      subject,
      organizationId: null,
      role: null,
      permissions: new Set(isFirstAdmin ? ['authenticated', 'organizations:create'] : ['authenticated']),
      systemIds: null,
      requestId,
    };
    // A machine shows no factors and needs none; whoever is somewhere a member is a person.
    if (!this.showsFactors(identity)) {
      const isPerson = isFirstAdmin || (await this.database.read(principal, (tx) => this.members.isMemberAnywhere(tx)));
      if (isPerson) this.requireFactors(identity);
    }
    return principal;
  }

  private async byTrust(token: string, asked: Asked): Promise<Principal> {
    const { organizationId } = asked;
    if (organizationId === null) throw new Denied('unknown-issuer');
    const said = unverified(token);
    const trusts = await this.database.read(reader(organizationId, asked), (tx) =>
      this.trusts.findAgentTrusts(tx, said.issuer),
    );
    const candidates = trusts.filter((trust) => isMeant(trust, said.subject, said.audiences)).slice(0, MAX_CANDIDATES);
    const proven: Trust[] = [];
    let refused = new Denied('no-trust');
    for (const trust of candidates) {
      try {
        const claims = await verifyAccessToken(token, trustRules(trust), this.keysOf(trust), this.clock.now());
        if (isMeant(trust, claims.subject, claims.audiences)) proven.push(trust);
      } catch (error) {
        if (!(error instanceof Denied)) throw error;
        refused = error;
      }
    }
    const agent = agentPrincipal(proven, said.subject, organizationId, asked);
    if (agent === null) throw refused;
    return agent;
  }

  private keysOf(trust: Trust) {
    return trust.jwks === null ? this.trustedKeys.of(trust.issuer) : pinnedKeySource(trust.jwks);
  }

  private showsFactors({ issuer, amr, acr }: Identity): boolean {
    const mfa = this.issuers.get(issuer)?.config.mfa;
    if (mfa === undefined) return false;
    return mfa === null || amr.some((one) => mfa.amr.includes(one)) || (acr !== null && mfa.acr.includes(acr));
  }

  private requireFactors(identity: Identity): void {
    if (!this.showsFactors(identity)) {
      throw new Refusal('mfa-required', 'Sign in with a second factor, and send the new token.');
    }
  }
}

/** The program itself, looking up who asks: in sight of the one organisation alone. */
const reader = (organizationId: string, { requestId }: Asked): Principal =>
  servicePrincipal('auth', organizationId, requestId);

const isMeant = (trust: Trust, subject: string, audiences: readonly string[]): boolean =>
  audiences.includes(trust.audience) && subjectMatches(trust.kind, trust.subjectPattern, subject);

const trustRules = ({ kind, issuer, audience }: Trust): TokenRules => ({
  issuer,
  audience,
  algorithms: ALGORITHMS,
  // Kubernetes writes no `typ`, or JWT where an external signer signs (KEP-740).
  types: kind === 'kubernetes' ? ['absent', 'JWT'] : ['at+jwt', 'JWT', 'absent'],
});

/** Several trusts may mean one token: the agent is bound to the systems of all of them, and goes by the oldest. */
function agentPrincipal(
  trusts: readonly Trust[],
  subject: string,
  organizationId: string,
  { requestId }: Asked,
): Principal | null {
  const [oldest] = trusts;
  if (oldest === undefined) return null;
  return {
    kind: 'agent',
    id: oldest.id,
    issuer: oldest.issuer,
    subject,
    organizationId,
    role: 'agent',
    permissions: permissionsOf('agent'),
    systemIds: [...new Set(trusts.map((trust) => trust.systemId))],
    signingKeys: keysBySystem(trusts),
    requestId,
  };
}

/** A key vouches for what is sent of the system that it was trusted for, and of no other. */
function keysBySystem(trusts: readonly Trust[]): ReadonlyMap<string, readonly string[]> {
  const bySystem = Map.groupBy(trusts, ({ systemId }) => systemId);
  return new Map(
    Array.from(bySystem, ([systemId, of]) => [systemId, [...new Set(of.flatMap(({ signingKeys }) => signingKeys))]]),
  );
}

/** An id for somebody who is no member anywhere: the same each time, and no name. */
const pseudonym = (issuer: string, subject: string): string =>
  createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest('hex')
    .slice(0, 32);
