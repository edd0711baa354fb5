import { Controller } from '@nestjs/common';
import { CustodyService } from '../custody/custody.service.js';
import { EngagementService, type EngagementScope } from '../engagements/engagement.service.js';
import { EvidenceService } from '../evidence/evidence.service.js';
import { evidenceView } from '../evidence/view.js';
import { Database } from '../kernel/db/database.js';
import { download } from '../kernel/http/download.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, encodeCursor, toPage } from '../kernel/http/page.js';
import { Refusal } from '../kernel/http/problem.js';
import { boundSystems, selected } from '../posture/document.js';
import { PostureService } from '../posture/posture.service.js';
import { shownBy } from '../posture/shown.js';
import { askedPage, shownPage } from '../posture/system-pages.js';
import type { EffectiveRecord } from '../records/effective.js';
import { resultView } from '../results/result-view.js';
import { ResultsService } from '../results/results.service.js';
import { scanView } from '../scans/scan-view.js';
import { ScansService } from '../scans/scans.service.js';
import {
  getCustody,
  getEvidence,
  getEvidenceContent,
  getRecord,
  getScan,
  getSystemPosture,
  getWholePosture,
  listEvidence,
  listRecords,
  listRecordTypes,
  listResults,
  listScans,
  listSystemPostures,
  listSystems,
} from './examination.schema.js';
import { Reading, type Asking } from './reading.js';
import { ScopeService } from './scope.service.js';

/** What an engaged auditor reads of systems, records and evidence. */
@Controller()
export class ExaminationController {
  constructor(
    private readonly database: Database,
    private readonly engagements: EngagementService,
    private readonly reading: Reading,
    private readonly scope: ScopeService,
    private readonly posture: PostureService,
    private readonly scans: ScansService,
    private readonly results: ResultsService,
    private readonly evidence: EvidenceService,
    private readonly custody: CustodyService,
  ) {}

  @Endpoint(listSystems)
  async systems(@Call() call: CallOf<typeof listSystems>) {
    const { limit, cursor, ...asked } = call.query;
    const [after] = decodeCursor(cursor, ['uuid']) ?? [''];
    const present = await this.posture.present(call.principal, null);
    return this.reading.seen(listSystems, call, async (tx, scope) => {
      const systems = await this.scope.systemsAsOf(tx, scope, this.scope.instantOf(scope, asked, present));
      return toPage(
        systems.filter(({ id }) => id > after),
        limit,
        ({ id, name, environment, phi }) => ({ id, name, environment, phi }),
        ({ id }) => [id],
      );
    });
  }

  @Endpoint(getWholePosture)
  async wholePosture(@Call() call: CallOf<typeof getWholePosture>) {
    const { principal, query } = call;
    const scope = await this.scopeOf(call);
    if (scope.systemIds !== null) {
      throw new Refusal(
        'forbidden',
        'The engagement is on some systems of the organisation: read the posture of each.',
      );
    }
    const instant = this.scope.instantOf(scope, query, await this.posture.present(principal, null));
    const ask = { systemId: null, ...instant };
    const { document, catalog } =
      query.knownAt === undefined
        ? await this.posture.evaluateNow(principal, ask)
        : await this.posture.evaluate(principal, ask);
    await this.reading.record(getWholePosture, call);
    return selected(boundSystems(document), shownBy(query, catalog));
  }

  @Endpoint(listSystemPostures)
  async systemPostures(@Call() call: CallOf<typeof listSystemPostures>) {
    const { principal, query } = call;
    const scope = await this.scopeOf(call);
    const { asked, latest, ...page } = askedPage(query);
    const instant = this.scope.instantOf(scope, asked, latest(await this.posture.present(principal, null)));
    const ask = { systemId: null, only: scope.systemIds, ...instant };
    const found = await this.posture.systems(principal, ask, page);
    await this.reading.record(listSystemPostures, call);
    return shownPage(found, query.limit);
  }

  @Endpoint(getSystemPosture)
  async systemPosture(@Call() call: CallOf<typeof getSystemPosture>) {
    const { principal, query, params } = call;
    const { systemId } = params;
    const scope = await this.database.read(principal, async (tx) => {
      const found = await this.engagements.scopeOf(tx, params.engagementId);
      await this.scope.requireSystem(tx, found, systemId);
      return found;
    });
    const instant = this.scope.instantOf(scope, query, await this.posture.present(principal, systemId));
    const ask = { systemId, ...instant };
    const { document, catalog } =
      query.knownAt === undefined
        ? await this.posture.evaluateNow(principal, ask)
        : await this.posture.evaluate(principal, ask);
    await this.reading.record(getSystemPosture, call);
    return selected(document, shownBy(query, catalog));
  }

  @Endpoint(listScans)
  async listScans(@Call() call: CallOf<typeof listScans>) {
    const { limit, cursor } = call.query;
    const before = decodeCursor(cursor, ['time', 'uuid']);
    return this.reading.seen(listScans, call, async (tx, scope) => {
      const { systemId } = call.params;
      await this.scope.requireSystem(tx, scope, systemId);
      const { period } = scope;
      const found = await this.scans.findScans(tx, systemId, { period, before, limit: limit + 1 });
      return toPage(
        found,
        limit,
        (scan) => scanView(scan, false),
        (scan) => [scan.receivedAt.toISOString(), scan.id],
      );
    });
  }

  @Endpoint(getScan)
  async scan(@Call() call: CallOf<typeof getScan>) {
    return this.reading.seen(getScan, call, async (tx, scope) => {
      const { systemId, scanId } = call.params;
      await this.scope.requireSystem(tx, scope, systemId);
      const scan = await this.scans.findScan(tx, systemId, scanId);
      if (scan === null || !this.scope.isOfPeriod(scope, scan)) {
        throw new Refusal('not-found', 'The system has no such scan.');
      }
      return scanView(scan, false);
    });
  }

  @Endpoint(listResults)
  async listResults(@Call() call: CallOf<typeof listResults>) {
    const { systemId } = call.params;
    const { limit, cursor, ...asked } = call.query;
    const [after] = decodeCursor(cursor, ['uuid']) ?? [null];
    const present = await this.posture.present(call.principal, systemId);
    return this.reading.seen(listResults, call, async (tx, scope) => {
      await this.scope.requireSystem(tx, scope, systemId);
      const instant = this.scope.instantOf(scope, asked, present);
      const found = await this.results.findResults(tx, systemId, instant, { after, limit: limit + 1 });
      return toPage(found, limit, resultView, ({ series }) => [series]);
    });
  }

  @Endpoint(listRecordTypes)
  async recordTypes(@Call() call: CallOf<typeof listRecordTypes>) {
    const { limit, cursor, ...asked } = call.query;
    const [after] = decodeCursor(cursor, ['text']) ?? [''];
    const present = await this.posture.present(call.principal, null);
    return this.reading.seen(listRecordTypes, call, async (tx, scope) => {
      const types = await this.scope.recordTypes(tx, scope, this.scope.instantOf(scope, asked, present));
      return toPage(
        types.filter((type) => type > after),
        limit,
        (type) => ({ type }),
        (type) => [type],
      );
    });
  }

  @Endpoint(listRecords)
  async records(@Call() call: CallOf<typeof listRecords>) {
    const { limit, cursor, type, ...asked } = call.query;
    const [after] = decodeCursor(cursor, ['uuid']) ?? [null];
    const present = await this.posture.present(call.principal, null);
    return this.reading.seen(listRecords, call, async (tx, scope) => {
      const instant = this.scope.instantOf(scope, asked, present);
      const found = await this.scope.recordsOf(tx, scope, type, instant, { after, limit: limit + 1 });
      return toPage(found, limit, recordView, ({ id }) => [id]);
    });
  }

  @Endpoint(getRecord)
  async oneRecord(@Call() call: CallOf<typeof getRecord>) {
    const present = await this.posture.present(call.principal, null);
    return this.reading.seen(getRecord, call, async (tx, scope) => {
      const instant = this.scope.instantOf(scope, call.query, present);
      // Not the record's own version as an ETag: nothing here is edited.
      return recordView(await this.scope.recordOf(tx, scope, call.params.recordId, instant));
    });
  }

  @Endpoint(listEvidence)
  async listEvidence(@Call() call: CallOf<typeof listEvidence>) {
    const { limit, cursor } = call.query;
    const [before] = decodeCursor(cursor, ['uuid']) ?? [null];
    return this.reading.seen(listEvidence, call, async (tx, scope) => {
      const { found, next } = await this.scope.evidenceOf(tx, scope, { before, limit });
      return { items: found.map(evidenceView), next: next === null ? null : encodeCursor([next]) };
    });
  }

  @Endpoint(getEvidence)
  async oneEvidence(@Call() call: CallOf<typeof getEvidence>) {
    const { evidenceId } = call.params;
    return this.reading.seen(getEvidence, call, async (tx, scope) => {
      await this.scope.requireEvidence(tx, scope, evidenceId);
      return evidenceView(await this.evidence.find(tx, evidenceId));
    });
  }

  @Endpoint(getEvidenceContent)
  async content(@Call() call: CallOf<typeof getEvidenceContent>) {
    const { principal, params, request } = call;
    const { evidenceId } = params;
    await this.database.read(principal, async (tx) => {
      const scope = await this.engagements.scopeOf(tx, params.engagementId);
      await this.scope.requireEvidence(tx, scope, evidenceId);
    });
    const info = await this.evidence.recordRead(principal, evidenceId);
    return download(
      request,
      {
        sha256: Buffer.from(info.sha256, 'hex'),
        size: info.size,
        mediaType: 'application/octet-stream',
        fileName: `evidence-${evidenceId}`,
      },
      (range) => this.evidence.open(principal, evidenceId, range),
    );
  }

  @Endpoint(getCustody)
  async chain(@Call() call: CallOf<typeof getCustody>) {
    const { evidenceId } = call.params;
    const [after] = decodeCursor(call.query.cursor, ['uuid']) ?? [null];
    return this.reading.seen(getCustody, call, async (tx, scope) => {
      await this.scope.requireEvidence(tx, scope, evidenceId);
      const packageIds = new Set(await this.engagements.sharedPackages(tx, call.params.engagementId));
      const within = this.scope.custodyWithin(tx, scope, packageIds);
      return this.custody.read(tx, evidenceId, within, { after, limit: call.query.limit });
    });
  }

  private scopeOf({ principal, params }: Asking): Promise<EngagementScope> {
    return this.database.read(principal, (tx) => this.engagements.scopeOf(tx, params.engagementId));
  }
}

const recordView = (record: EffectiveRecord) => ({
  id: record.id,
  version: record.version,
  type: record.type,
  naturalKey: record.naturalKey,
  title: record.title,
  ownerId: record.ownerId,
  systemIds: [...record.systemIds],
  fields: record.fields,
  effectiveFrom: record.effectiveFrom.toISOString(),
  goodFrom: record.goodFrom.toISOString(),
  expiresAt: record.expiresAt?.toISOString() ?? null,
  outcome: record.outcome,
  links: record.links,
  documents: record.documents.map(({ evidenceId, role, name }) => ({ evidenceId, role, name })),
  decidedAt: record.decidedAt.toISOString(),
  disposed: record.disposed,
});
