import { createHash } from 'node:crypto';
import { currentCatalog } from '../../src/catalog/load.js';
import type {
  EvidenceItem,
  JudgedControl,
  JudgedPosture,
  JudgedPractice,
  PackageFacts,
  PackageRows,
} from '../../src/packages/contents.js';
import type { RegisterName } from '../../src/packages/record-files.js';
import { LOG_ROWS, logOf } from './log-sample.js';

/** A package about an organisation of two systems, with something of everything, and with names and reasons that nobody should have. */
export const ORGANIZATION = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00';
export const EAST = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03';
export const WEST = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a04';
const SCAN = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a20';
export const REPORT = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a10';
export const DAMAGED = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a11';
export const DISPOSED = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a12';
const WITHHELD = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a13';
const RECORD = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a40';
const RISK = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a41';

/** Markup of every sort, controls, a separator of lines, half of a surrogate pair, and the end of a text that reads from right to left. */
export const HOSTILE =
  ' <script>*a*</script>\r\n_b_ [c](d) `e` ~f^ {{ insert }} & &amp; \u2028 \u0000 \ud800 \u202e "x" ';

const at = new Date('2026-11-23T09:00:00Z');
const content = Buffer.from('{"report":true}\n');
export const contentSha256 = createHash('sha256').update(content).digest('hex');
export const catalog = currentCatalog();

const evidence = (evidenceId: string, more: Partial<EvidenceItem> = {}): EvidenceItem => ({
  evidenceId,
  path: `data/evidence/${evidenceId}/content.json`,
  sha256: contentSha256,
  size: content.length,
  mediaType: 'application/json; charset="utf-8"',
  receivedAt: at,
  source: { kind: 'agent', id: 'agent' },
  scans: [{ systemId: EAST, scanId: SCAN }],
  records: [],
  retainUntil: new Date('2032-11-23T09:00:00Z'),
  heldBy: [],
  disposedAt: null,
  withheld: null,
  redaction: null,
  ...more,
});

const STATUSES = ['evidenced', 'failing', 'missing', 'stale', 'partial', 'excepted'];

export function postureOf(systemId: string | null): JudgedPosture {
  const practices = catalog.practices.map(({ id, records }, index): JudgedPractice => ({
    id,
    status: STATUSES[index % STATUSES.length] ?? '',
    reason: `${HOSTILE} ${index}`,
    needs: records.map(({ type }) => ({ type, state: 'met', reason: HOSTILE, records: [RECORD] })),
    ...(systemId === null
      ? {}
      : {
          observedAt: index % 2 === 0 ? at.toISOString() : null,
          staleAt: index % 3 === 0 ? '2026-12-01T00:00:00.001Z' : null,
          evidence: [REPORT, DAMAGED].map((evidenceId) => ({
            scanId: SCAN,
            evidenceId,
            source: 'trivy/vulnerability',
            check: HOSTILE,
            status: 'fail' as const,
            count: 1,
            inferred: false,
            seenAt: at.toISOString(),
          })),
        }),
  }));
  const controls = catalog.controls.map(({ id, needs, records }, index): JudgedControl => ({
    id,
    status: needs === 'nothing' ? 'not_applicable' : (STATUSES[index % STATUSES.length] ?? ''),
    reason: HOSTILE,
    needs: records.map(({ type }) => ({ type, state: 'missing', reason: HOSTILE, records: [] })),
    practices: catalog.practicesOf(id).map(({ link, practice }) => ({ id: practice.id, link })),
    decisionId: null,
  }));
  return { systemId, controls, practices };
}

const system = (id: string, name: string) => ({
  id,
  version: 1,
  name,
  environment: 'production' as const,
  phi: 'stores' as const,
  phiNamespaces: [],
});

export const facts: PackageFacts = {
  id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a30',
  organization: { id: ORGANIZATION, name: HOSTILE },
  scope: { systemId: null },
  periodFrom: new Date('2025-11-23T09:00:00Z'),
  asOf: at,
  knownAt: at,
  requestedAt: new Date('2026-11-24T09:00:00Z'),
  systems: [system(EAST, HOSTILE), system(WEST, 'west')],
  catalog: { version: catalog.version, digest: catalog.digest, overlay: null },
  controls: catalog.controls,
  practices: catalog.practices,
  rules: catalog,
  systemPostures: [EAST, WEST],
  posture: postureOf(null),
  records: {
    types: [{ type: 'policy', title: 'Policy', count: 1, fields: ['name'] }],
    pastTypes: [],
    ofControl: new Map(),
  },
  evidence: [
    evidence(REPORT, { records: [{ recordId: RECORD, version: 1, type: 'policy', role: 'text', name: HOSTILE }] }),
    evidence(DAMAGED, { path: null }),
    evidence(DISPOSED, { path: null, disposedAt: at }),
  ],
  alteredRows: [],
  faults: [{ evidenceId: DAMAGED, sha256: contentSha256, size: content.length, reason: HOSTILE }],
  anchors: null,
  log: logOf(RECORD),
};

/** The same of one system. */
export const factsOfSystem: PackageFacts = {
  ...facts,
  scope: { systemId: EAST },
  systems: facts.systems.filter(({ id }) => id === EAST),
  systemPostures: [],
  posture: postureOf(EAST),
  evidence: [...facts.evidence, evidence(WITHHELD, { path: null, scans: [], withheld: 'It tells of others.' })],
};

const headOf = (recordId: string) => ({
  recordId,
  version: 1,
  title: HOSTILE,
  ownerId: EAST,
  systemIds: [],
  effectiveFrom: at,
});

const RISKS = (['Open', 'Overdue', 'Done', 'Accepted', null] as const).map((status, index) => ({
  ...headOf(`${RISK.slice(0, -1)}${index}`),
  isReadable: status !== null,
  ...(status === null
    ? { level: null, residualLevel: null }
    : {
        number: `R-${index}`,
        asset: HOSTILE,
        threat: HOSTILE,
        vulnerability: HOSTILE,
        measures: HOSTILE,
        likelihood: 3,
        impact: 4,
        residualLikelihood: 1,
        treatment: status === 'Accepted' ? 'accept' : 'mitigate',
        level: 'high',
        residualLevel: 'low',
        // Of one, a day that OSCAL's dates do not know.
        dueOn: index === 0 ? '9999-12-31' : '2026-12-31',
        ...(status === 'Done' ? { completedOn: '2026-10-01' } : {}),
      }),
  status,
}));

const EXCEPTIONS = [true, false].map((inForce, index) => ({
  ...headOf(`019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a5${index}`),
  inForce,
  expiresAt: inForce ? at : null,
  checks: inForce ? [{ source: 'trivy', check: HOSTILE }] : [],
  results: [],
  practices: [],
  reason: HOSTILE,
}));

const REGISTERS: Partial<Record<RegisterName, object[]>> = { risks: RISKS, exceptions: EXCEPTIONS };

/** Rows in pages of one. */
export const rows: PackageRows = {
  events: () => none(),
  scans: () => none(),
  results: () => none(),
  coverage: () => none(),
  facts: () => none(),
  securityEvents: () => none(),
  records: () => none(),
  pastRecords: () => none(),
  register: (name) => singly(REGISTERS[name] ?? []),
  systemPosture: (systemId) => Promise.resolve(postureOf(systemId)),
  evidence: () => bytes(),
  custody: () => Promise.resolve([]),
  log: LOG_ROWS,
  readings: () => Promise.reject(new Error('OSCAL asks for no report')),
  writeReport: () => Promise.reject(new Error('OSCAL asks for no report')),
};

export async function* singly<Row>(list: readonly Row[]): AsyncGenerator<Row[], void> {
  for (const row of list) yield await Promise.resolve([row]);
}

const none = <Row>(): AsyncGenerator<Row[], void> => singly<Row>([]);

async function* bytes(): AsyncGenerator<Uint8Array, void> {
  yield await Promise.resolve(content);
}
