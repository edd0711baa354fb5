import { Inject, Injectable } from '@nestjs/common';
import type { Tx } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import { AGENT_SUBJECT, agentManifest } from './agent-manifest.js';
import { AgentTrustService } from './agent-trust.service.js';
import type { Enrolment, EnrolmentQuery, ManifestQuery } from './enrolment.schema.js';
import { ORGANIZATIONS_CONFIG, type OrganizationsConfig } from './organizations.config.js';
import { subjectMatches } from './subject-pattern.js';
import type { SystemView } from './system.schema.js';
import { SystemService } from './system.service.js';

/** As many as an organisation may trust. */
const ALL_TRUSTS = 500;

@Injectable()
export class EnrolmentService {
  constructor(
    private readonly systems: SystemService,
    private readonly trusts: AgentTrustService,
    @Inject(ORGANIZATIONS_CONFIG) private readonly config: OrganizationsConfig,
  ) {}

  async enrolment(tx: Tx, systemId: string, query: EnrolmentQuery): Promise<Enrolment> {
    const system = await this.inUse(tx, systemId);
    const { publicUrl } = this.config;
    const trusts = await this.trusts.list(tx, { systemId, includeRevoked: false, after: null, limit: ALL_TRUSTS });
    const isTrusted = trusts.some(
      ({ kind, audience, subjectPattern }) =>
        kind === 'kubernetes' && audience === this.audience && subjectMatches(kind, subjectPattern, AGENT_SUBJECT),
    );
    const room = `${publicUrl}/v1/organizations/${tx.organizationId}`;
    return {
      systemId,
      server: publicUrl,
      audience: this.audience,
      subject: AGENT_SUBJECT,
      image: this.imageOf(query),
      commands: [
        { step: 'create-system', done: true, command: createSystem(room, system) },
        { step: 'trust-issuer', done: isTrusted, command: trustIssuer(room, system, this.audience, query.keys) },
        { step: 'apply', done: null, command: apply(`${room}/systems/${systemId}/agent-manifest`, query) },
      ],
      manifest: await this.manifestOf(tx.organizationId, system, query),
      notes: this.notesOf(query),
    };
  }

  async manifest(tx: Tx, systemId: string, query: ManifestQuery): Promise<string> {
    return this.manifestOf(tx.organizationId, await this.inUse(tx, systemId), query);
  }

  /** No other service has this address, so that no other service takes these tokens for its own. */
  private get audience(): string {
    return this.config.publicUrl;
  }

  private imageOf({ image }: ManifestQuery): string | null {
    return image ?? this.config.agentImage;
  }

  private manifestOf(organizationId: string, system: SystemView, query: ManifestQuery): Promise<string> {
    return agentManifest({
      server: this.config.publicUrl,
      organizationId,
      systemId: system.id,
      clusterName: system.name,
      audience: this.audience,
      image: this.imageOf(query),
      mode: query.mode,
      withSecrets: query.secrets === 'metadata',
      withGatekeeper: query.gatekeeper,
    });
  }

  private async inUse(tx: Tx, systemId: string): Promise<SystemView> {
    const system = await this.systems.requireSystem(tx, systemId);
    if (system.retiredAt !== null) throw new Refusal('conflict', 'The system is retired: its agents are refused.');
    return system;
  }

  private notesOf(query: EnrolmentQuery): string[] {
    const image = this.imageOf(query);
    return [
      ...(image === null ? ['The image is a placeholder: name yours by its digest, with `image` or AGENT_IMAGE.'] : []),
      ...(image !== null && !image.includes('@')
        ? ['The image has no digest: what runs is whatever its tag names when a node pulls it.']
        : []),
      ...(query.secrets === 'metadata'
        ? [
            'A role lets the agent list Secrets. It asks for their metadata alone, but RBAC cannot say so: its token opens their values too.',
          ]
        : [
            'Secrets are not listed: checks of them will say that they could not look. secrets=metadata lets them, and says what it grants.',
          ]),
      ...(query.keys === 'pinned'
        ? ['The keys are pinned: when the cluster’s signing key changes, trust it anew before the old one goes.']
        : []),
    ];
  }
}

/** A word of a POSIX shell, whatever is in it. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const CURL = `curl -fsS -H "Authorization: Bearer $TOKEN"`;

function createSystem(room: string, { name, environment, phi, phiNamespaces }: SystemView): string {
  const body = JSON.stringify({ name, environment, phi, phiNamespaces });
  return `${CURL} -H 'Content-Type: application/json' -d ${quoted(body)} ${quoted(`${room}/systems`)}`;
}

/** The cluster itself says who its issuer is, and its keys: both are open to whoever may ask the API server anything. */
function trustIssuer(room: string, system: SystemView, audience: string, keys: EnrolmentQuery['keys']): string {
  const trust = JSON.stringify({
    name: 'safeguard agent',
    systemId: system.id,
    kind: 'kubernetes',
    audience,
    subjectPattern: AGENT_SUBJECT,
  });
  const issuer = String.raw`"$(kubectl get --raw /.well-known/openid-configuration | sed 's/.*"issuer":"\([^"]*\)".*/\1/')"`;
  const isPinned = keys === 'pinned';
  const format = `${trust.slice(0, -1).replaceAll('\\', '\\\\').replaceAll('%', '%%')},"issuer":"%s"${isPinned ? ',"jwks":%s' : ''}}`;
  const values = isPinned ? `${issuer} "$(kubectl get --raw /openid/v1/jwks)"` : issuer;
  return `printf ${quoted(format)} ${values} | ${CURL} -H 'Content-Type: application/json' --data-binary @- ${quoted(`${room}/agents`)}`;
}

function apply(address: string, { mode, secrets, gatekeeper, image }: ManifestQuery): string {
  const query = new URLSearchParams({
    mode,
    secrets,
    gatekeeper: String(gatekeeper),
    ...(image === undefined ? {} : { image }),
  });
  return `${CURL} ${quoted(`${address}?${query.toString()}`)} | kubectl apply -f -`;
}
