import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { instantQuery, organizationId, systemId, systemParams } from '../kernel/http/parameters.js';
import { tableQuery } from '../kernel/http/table.js';
import { FACT_KINDS, type FactKind } from './fact.js';

const KINDS = Object.keys(FACT_KINDS) as FactKind[];

const example = {
  series: 'b1a9d2c4-3e5f-8a6b-9c7d-8e9f0a1b2c3d',
  target: { kind: 'cluster', name: 'cluster' },
  source: 'cert-manager',
  kind: 'certificate',
  subject: 'emr/Certificate/portal',
  namespace: 'emr',
  value: {
    secretName: 'portal-tls',
    issuer: 'ClusterIssuer/internal',
    dnsNames: ['portal.emr.svc'],
    algorithm: 'ECDSA',
    keySize: 256,
    rotationPolicy: 'Always',
    duration: '2160h',
    renewBefore: '360h',
    ready: true,
    reason: 'Ready',
    issuedAt: '2026-11-01T00:00:00.000Z',
    expiresAt: '2027-01-30T00:00:00.000Z',
    renewalAt: '2027-01-15T00:00:00.000Z',
    revision: 4,
    issuing: false,
    failedAt: null,
  },
  scanId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a20',
  observedFrom: '2026-11-16T02:00:00.000Z',
  observedTo: null,
};

/** What is said of every fact, whatever it is of. */
const common = {
  series: z.uuid().meta({ description: 'Identity of what this source says of this subject of this target.' }),
  target: z.object({ kind: z.string(), name: z.string() }),
  source: z.string().meta({ description: 'What it comes from: the tool, operator or provider.' }),
  subject: z.string().meta({ description: 'What it is about within the target.' }),
  namespace: z.string().nullable(),
  scanId: z.uuid().meta({ description: 'The scan that stated it first.' }),
  observedFrom: z.iso.datetime().meta({ description: 'Since when it is so, by the source, UTC.' }),
  observedTo: z.iso.datetime().nullable().meta({ description: 'Until when it was so; null while it is.' }),
};

/** `backup-schedule` → `BackupScheduleFact`. */
const nameOf = (kind: FactKind): string =>
  `${kind.replaceAll(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase())}Fact`;

/** Values that earlier versions have stored are answered too: a kind only grows, by members that have a default (docs/decisions/0017). */
const factOf = (kind: FactKind) =>
  z
    .object({ ...common, kind: z.literal(kind), value: FACT_KINDS[kind] })
    .meta({ id: nameOf(kind), description: FACT_KINDS[kind].description ?? kind });

const [first, ...others] = KINDS.map(factOf);
if (first === undefined) throw new Error('there are no kinds of facts');

const Fact = z.discriminatedUnion('kind', [first, ...others]).meta({
  id: 'Fact',
  description: 'What a report says is so, over an interval of time. It judges nothing, and is never a pass by itself.',
  examples: [example],
});

const HistoricFact = z
  .object({
    fact: Fact,
    knownFrom: z.iso.datetime().meta({ description: 'Since when this service has known it, UTC.' }),
    knownTo: z.iso.datetime().nullable().meta({
      description: 'Since when it is known to be wrong, because a late report corrected it; null while it stands.',
    }),
  })
  .meta({
    id: 'HistoricFact',
    description: 'One interval, and what was known of it when.',
    examples: [{ fact: example, knownFrom: '2026-11-16T02:00:04.512Z', knownTo: null }],
  });

export const listFacts = operation({
  id: 'listFacts',
  method: 'GET',
  path: '/v1/organizations/:organizationId/systems/:systemId/facts',
  tag: 'Facts',
  summary: 'List facts at an instant',
  description:
    'What reports say is so of a system where they judge nothing: keys, certificates, backups, packages inside of images … At an instant, as it was known at ' +
    'another: now by default. Sorted by series.',
  permission: 'results:read',
  params: systemParams,
  query: z.strictObject({
    ...pageQuery,
    ...instantQuery,
    kind: z
      .enum(KINDS)
      .optional()
      .meta({ description: 'Only this kind.', examples: ['certificate'] }),
    source: z
      .string()
      .max(200)
      .optional()
      .meta({ description: 'Only this source.', examples: ['cert-manager'] }),
    namespace: z.string().max(253).optional().meta({ description: 'Only subjects of this namespace.' }),
    subject: z
      .string()
      .max(2_000)
      .optional()
      .meta({ description: 'Only this subject.', examples: ['emr/Certificate/portal'] }),
    target: z
      .string()
      .max(1_100)
      .optional()
      .meta({ description: 'Only this target, as `kind/name`.', examples: ['cluster/cluster'] }),
  }),
  answers: { 200: { description: 'One page of facts.', schema: pageOf(Fact, 'FactPage') } },
});

export const getFactHistory = operation({
  id: 'getFactHistory',
  method: 'GET',
  path: '/v1/organizations/:organizationId/systems/:systemId/facts/:factSeries/history',
  tag: 'Facts',
  summary: 'The history of one fact',
  description:
    'Every interval of one series, corrections included, in the order in which they became known. At most 1,000.',
  permission: 'results:read',
  params: z.object({ organizationId, systemId, factSeries: z.uuid().meta({ description: 'The series of the fact.' }) }),
  query: z.strictObject(tableQuery),
  answers: {
    200: {
      description: 'The intervals.',
      schema: z.object({ items: z.array(HistoricFact) }).meta({
        id: 'FactHistory',
        description: 'All intervals of one series.',
        examples: [{ items: [{ fact: example, knownFrom: '2026-11-16T02:00:04.512Z', knownTo: null }] }],
      }),
    },
  },
});
