import { Readable } from 'node:stream';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { Catalog } from '../catalog/catalog.js';
import { OPEN_DOOR } from '../evidence/redaction.js';
import { EvidenceService } from '../evidence/evidence.service.js';
import { Clock } from '../kernel/clock.js';
import { canonicalJson, type JsonValue } from '../kernel/crypto/canonical-json.js';
import { dayOf } from '../kernel/dates.js';
import { Database, type Once, type Tx, type WriteTx } from '../kernel/db/database.js';
import { MAX_SILENCE } from '../kernel/http/content.js';
import { instantOf, type Instant } from '../kernel/http/instant.js';
import { Refusal } from '../kernel/http/problem.js';
import type { Principal } from '../kernel/principal.js';
import { MemberService } from '../organizations/member.service.js';
import { OrganizationService } from '../organizations/organization.service.js';
import { PostureService } from '../posture/posture.service.js';
import { DocumentsService } from '../records/documents.service.js';
import type { EffectiveRecord } from '../records/effective.js';
import { RecordLife } from '../records/record-life.js';
import { RecordReader } from '../records/record-reader.js';
import type { RecordView } from '../records/record-view.schema.js';
import { RecordsService } from '../records/records.service.js';
import { secretFaults } from '../records/secrets.js';
import { compareAnalyses, type ComparedAnalysis } from '../risks/compare.js';
import { analysisOf, riskOf, type AnalysisFields } from '../risks/fields.js';
import { keptMatrix } from '../risks/matrix.js';
import { RisksService } from '../risks/risks.service.js';
import type { BegunView, ComparisonView, ProposalView } from './analyses.schema.js';
import { AnalysesStore } from './analyses.store.js';
import { readThreats, type Threat } from './threats.js';

/** Risks of one analysis that are taken over into the next, in one transaction; and drafts that a comparison reads. */
const MAX_RISKS = 1000;
/** Bytes. The posture of a thousand systems is some megabytes. */
const MAX_POSTURE = 256 * 1024 * 1024;

export interface NewAnalysis {
  title: string;
  ownerId: string;
  effectiveFrom: Date;
  fromPrevious: string | null;
}

interface AskedInstants {
  asOf?: string | undefined;
  knownAt?: string | undefined;
}

/** The workbench of risk analyses: what they start from, what they rest on, and what has changed since the last. Their life is that of any record. */
@Injectable()
export class AnalysesService implements OnModuleInit {
  private threats: readonly Threat[] = [];

  constructor(
    private readonly database: Database,
    private readonly risks: RisksService,
    private readonly posture: PostureService,
    private readonly records: RecordsService,
    private readonly life: RecordLife,
    private readonly reader: RecordReader,
    private readonly documents: DocumentsService,
    private readonly evidence: EvidenceService,
    private readonly organizations: OrganizationService,
    private readonly members: MemberService,
    private readonly store: AnalysesStore,
    private readonly audit: AuditService,
    private readonly catalog: Catalog,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.threats = readThreats();
    const unknown = this.threats
      .flatMap(({ practices }) => practices)
      .filter((id) => this.catalog.practice(id) === null);
    if (unknown.length > 0)
      throw new Error(`risk/threats.yaml names practices that are not there: ${unknown.join(', ')}`);
  }

  async propose(principal: Principal, query: AskedInstants): Promise<ProposalView> {
    const instant = await this.instant(principal, query);
    const { document, catalog } = await this.posture.evaluateNow(principal, { systemId: null, ...instant });
    const inventory = await this.database.readSnapshot(principal, (tx) => this.risks.inventory(tx, instant));
    return {
      asOf: instant.asOf.toISOString(),
      knownAt: instant.knownAt.toISOString(),
      ...inventory,
      systems: inventory.systems.map((system) => ({ ...system, phiNamespaces: [...system.phiNamespaces] })),
      vulnerabilities: inventory.vulnerabilities.map(({ seenAt, ...one }) => ({
        ...one,
        seenAt: seenAt.toISOString(),
      })),
      measures: document.practices
        .filter(({ status }) => status === 'evidenced')
        .map(({ id }) => ({ practice: id, summary: catalog.practice(id)?.summary ?? '' })),
      threats: [...this.threats],
    };
  }

  /** A draft of an analysis, and of the next version of each risk of the one that it goes on from: all of it or nothing. */
  async start(principal: Principal, analysis: NewAnalysis, once: Once | null): Promise<BegunView> {
    return this.database.write(
      principal,
      async (tx) => {
        const instant = await this.presentOf(tx);
        const { fromPrevious, title, ownerId, effectiveFrom } = analysis;
        const previous = fromPrevious === null ? null : await this.requirePrevious(tx, fromPrevious, instant);
        const { settings } = await this.organizations.settingsAsOf(tx, instant);
        const { systems, vendors, volumes, leftOut } = await this.risks.inventory(tx, instant);
        const names = new Map(systems.map(({ id, name }) => [id, name]));
        const kept = previous?.fields;
        const fields: Partial<AnalysisFields> = {
          method: kept?.method ?? 'NIST SP 800-30 Rev. 1',
          systems: systems.map(({ id, version }) => ({ systemId: id, ...(version === null ? {} : { version }) })),
          namespaces: systems.flatMap(({ id, phiNamespaces }) => phiNamespaces.map((name) => `${id}/${name}`)),
          volumes: volumes.map(({ systemId, name }) => `${names.get(systemId) ?? systemId}: ${name}`.slice(0, 300)),
          vendors: vendors.map(({ id }) => id),
          leftOut:
            kept?.leftOut ?? leftOut.map(({ name }) => ({ what: name, why: 'It is registered as handling no PHI.' })),
          assets: kept?.assets ?? systems.map(({ name }) => ({ name, ephi: true })),
          flows: kept?.flows ?? [],
          matrix: keptMatrix(settings.riskMatrix),
          ...(fromPrevious === null ? {} : { previous: fromPrevious }),
        };
        const id = await this.life.create(tx, {
          ...{ type: 'risk_analysis', title, ownerId, systemIds: [], effectiveFrom, fields, links: [] },
        });
        const taken =
          previous === null
            ? { risks: [], left: [], handedOver: [] }
            : await this.takeOver(tx, id, previous, { ownerId, effectiveFrom });
        return { analysis: await this.reader.read(tx, id), ...taken };
      },
      once,
    );
  }

  /** Keeps the organisation's posture as evidence, and names it on the draft. */
  async freeze(
    principal: Principal,
    recordId: string,
    ifMatch: number | null,
    query: AskedInstants,
  ): Promise<RecordView> {
    await this.database.read(principal, (tx) => this.requireAnalysis(tx, recordId));
    const instant = await this.instant(principal, query);
    // Final: whoever asks for these instants later gets these bytes.
    const { document } = await this.posture.evaluate(principal, { systemId: null, ...instant });
    const bytes = Buffer.from(canonicalJson(document as unknown as JsonValue));
    const limits = { maxEncodedBytes: MAX_POSTURE, maxDecodedBytes: MAX_POSTURE, maxSilence: MAX_SILENCE };
    const headers = { mediaType: 'application/json' };
    const received = await this.evidence.receive(principal, Readable.from([bytes]), headers, limits, OPEN_DOOR);
    const bytesAre = { named: false };
    try {
      return await this.database.write(principal, async (tx) => {
        const { id: evidenceId, isNew } = await this.evidence.keep(tx, received);
        // From here on the commit may happen without our being told: bytes that a row may name are never removed.
        bytesAre.named = isNew;
        const name = `posture-${dayOf(instant.asOf)}.json`;
        await this.documents.attach(tx, recordId, ifMatch, { evidenceId, role: 'posture', name });
        const { organizationId } = tx;
        const frozen = { ...instant, frozenAt: this.clock.now(), frozenBy: principal.id };
        await this.store.keepFrozen(tx, { organizationId, evidenceId, ...frozen });
        const view = await this.reader.read(tx, recordId);
        await this.audit.record(tx, {
          action: 'posture.frozen',
          object: { kind: 'record', id: recordId, version: view.version },
          details: {
            evidence: evidenceId,
            asOf: instant.asOf.toISOString(),
            knownAt: instant.knownAt.toISOString(),
          },
        });
        return view;
      });
    } finally {
      if (!bytesAre.named) await this.evidence.discard(received);
    }
  }

  async compare(principal: Principal, recordId: string, earlierId: string | null): Promise<ComparisonView> {
    return this.database.readSnapshot(principal, async (tx) => {
      const after = await this.requireAnalysis(tx, recordId);
      const named = earlierId ?? analysisFields(after).previous;
      if (named === undefined) {
        throw new Refusal('record-refused', 'It names no analysis before it: say which to compare with.', {
          pointer: 'query/with',
        });
      }
      const before = await this.requireAnalysis(tx, named);
      const present = await this.presentOf(tx);
      // The earlier one as it was just before the later one took its risks over.
      const last = Math.max(Date.parse(before.effectiveFrom), Date.parse(after.effectiveFrom) - 1);
      const then = { ...present, asOf: new Date(Math.min(last, present.asOf.getTime())) };
      return {
        before: before.id,
        after: after.id,
        ...compareAnalyses(await this.compared(tx, before, then), await this.compared(tx, after, present)),
      };
    });
  }

  private async instant(principal: Principal, query: AskedInstants): Promise<Instant> {
    return instantOf(query, await this.posture.present(principal, null));
  }

  /** «Now» for records: every decision that was answered is known at it. */
  private async presentOf(tx: Tx): Promise<Instant> {
    const now = this.clock.now();
    const last = await this.records.lastKnown(tx, null);
    const present = last !== null && last > now ? last : now;
    return { asOf: present, knownAt: present };
  }

  private async requireAnalysis(tx: Tx, id: string): Promise<RecordView> {
    const view = await this.reader.read(tx, id);
    if (view.type === 'risk_analysis') return view;
    throw new Refusal('not-found', 'There is no such risk analysis.');
  }

  private async requirePrevious(
    tx: Tx,
    id: string,
    instant: Instant,
  ): Promise<{ fields: AnalysisFields; risks: EffectiveRecord[] }> {
    const [record] = await this.records.effective(tx, instant, { types: ['risk_analysis'], ids: [id] });
    const fields = record === undefined ? null : analysisOf(record);
    if (fields === null) throw new Refusal('not-found', 'There is no such risk analysis in effect.');
    const risks = await this.records.effective(tx, instant, {
      types: ['risk'],
      linkedTo: { kind: 'record', target: id },
    });
    if (risks.length > MAX_RISKS) {
      throw new Refusal(
        'record-refused',
        `At most ${MAX_RISKS} risks are taken over at once: import them in its place.`,
        {
          pointer: '/fromPrevious',
        },
      );
    }
    return { fields, risks };
  }

  /**
   * Each risk goes on under its number: a next version, of the new analysis. One that somebody is working on stays as it is, and is named, and so does one in which a secret was
   * approved once; one is named too whose owner has left the organisation, for which whoever answers for the analysis answers from then on.
   */
  private async takeOver(
    tx: WriteTx,
    analysisId: string,
    { risks }: { risks: readonly EffectiveRecord[] },
    { ownerId, effectiveFrom }: Pick<NewAnalysis, 'ownerId' | 'effectiveFrom'>,
  ): Promise<Omit<BegunView, 'analysis'>> {
    const taken: string[] = [];
    const left: BegunView['left'] = [];
    const handedOver: BegunView['handedOver'] = [];
    for (const { id } of risks) {
      const { revision, state, ...written } = await this.reader.read(tx, id);
      if (state === 'draft' || state === 'submitted') {
        left.push({ recordId: id, why: `A version of it is open (${state}).` });
        continue;
      }
      const [secret] = secretFaults(written);
      if (secret !== undefined) {
        left.push({ recordId: id, why: `${secret.pointer}: ${secret.detail}` });
        continue;
      }
      await this.life.revise(tx, id, revision);
      const { revision: revised, ownerId: before, fields, links } = await this.reader.read(tx, id);
      const isOwned = await this.members.isPresent(tx, before);
      if (!isOwned) handedOver.push({ recordId: id, before });
      await this.life.edit(tx, id, revised, {
        ...(isOwned ? {} : { ownerId }),
        effectiveFrom,
        fields: { ...fields, analysis: analysisId },
        // The link that is made of the field is of the analysis before.
        links: [
          ...links.filter(({ kind, target }) => kind !== 'record' || target !== fields['analysis']),
          { kind: 'record', target: analysisId, note: 'analysis' },
        ],
      });
      taken.push(id);
    }
    return { risks: taken, left, handedOver };
  }

  private async compared(tx: Tx, analysis: RecordView, instant: Instant): Promise<ComparedAnalysis> {
    const linkedTo = { kind: 'record', target: analysis.id } as const;
    const inEffect = await this.records.effective(tx, instant, { types: ['risk'], linkedTo });
    const risks = new Map(
      inEffect.map((record) => [record.id, record as Pick<RecordView, 'id' | 'title' | 'type' | 'fields'>]),
    );
    if (analysis.state === 'draft' || analysis.state === 'submitted') {
      for (const draft of await this.openRisks(tx, linkedTo)) risks.set(draft.id, draft);
    }
    return {
      fields: analysisFields(analysis),
      risks: [...risks.values()].flatMap(({ id, title, type, fields }) => {
        const read = riskOf({ type, fields });
        return read === null || read.analysis !== analysis.id ? [] : [{ id, title, fields: read }];
      }),
    };
  }

  private async openRisks(tx: Tx, linkedTo: { kind: 'record'; target: string }): Promise<RecordView[]> {
    const open: RecordView[] = [];
    for (const state of ['draft', 'submitted'] as const) {
      const listed = await this.reader.list(tx, { type: 'risk', state, linkedTo, after: null, limit: MAX_RISKS }, null);
      for (const { id, version } of listed) open.push(await this.reader.read(tx, id, version));
    }
    return open;
  }
}

/** A draft may be unfinished: what is not there yet is empty. */
function analysisFields({ fields }: RecordView): AnalysisFields {
  const empty = {
    method: '',
    systems: [],
    namespaces: [],
    volumes: [],
    vendors: [],
    leftOut: [],
    assets: [],
    flows: [],
  };
  const read = analysisOf({ type: 'risk_analysis', fields: { ...empty, conclusion: '', ...fields } });
  if (read !== null) return read;
  throw new Refusal('record-refused', 'What is kept of a risk analysis cannot be read: it may have been disposed of.', {
    pointer: '/fields',
  });
}
