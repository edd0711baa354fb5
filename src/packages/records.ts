import { Injectable } from '@nestjs/common';
import { AgreementsService } from '../agreements/agreements.service.js';
import { vendorView } from '../agreements/view.js';
import { untilOf } from '../exceptions/coverage.js';
import { ExceptionsService } from '../exceptions/exceptions.service.js';
import { decisionOf, exceptionOf } from '../exceptions/fields.js';
import { Database } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import type { Principal } from '../kernel/principal.js';
import { KeysService } from '../keys/keys.service.js';
import { keyView } from '../keys/view.js';
import type { ApprovedRecord, KeptDocument, PastRecord } from '../records/effective.js';
import { WHOLE } from '../records/interval.js';
import { RecordBulk } from '../records/record-bulk.js';
import { RecordTypesService } from '../records/types/record-types.service.js';
import { analysisOf, riskOf, type AnalysisMatrix } from '../risks/fields.js';
import { levelOf } from '../risks/matrix.js';
import { standingOf } from '../risks/standing.js';
import { pages } from './pages.js';

/** Fields have some kilobytes, at worst some hundred. */
const RECORDS_PAGE = 500;

/** A record, as lists of a package name it. */
export interface RecordRef {
  recordId: string;
  version: number;
  type: string;
  title: string;
}

/** Where a document belongs. */
export type DocumentOf = Pick<RecordRef, 'recordId' | 'version' | 'type'> & { role: string; name: string };

/** A record that names an item of the rules, with who stands for it. */
export interface NamingRecord extends RecordRef {
  effectiveFrom: Date;
  expiresAt: Date | null;
  /** When another version took its place, or it ended; null while it is in effect. */
  endedAt: Date | null;
  submittedBy: string;
  decidedBy: string;
  decidedAt: Date;
  documents: readonly { evidenceId: string; role: string; name: string }[];
}

/** Records of one type in a package. */
export interface RecordsOfType {
  type: string;
  title: string;
  count: number;
  /** What fields they have: those of the type in its order, then others, of earlier definitions of it. */
  fields: readonly string[];
}

/** What is known of the records of a package before its first byte is written. */
export interface RecordSurvey {
  types: readonly RecordsOfType[];
  /** Versions that were in effect within the period and no longer at its end. */
  pastTypes: readonly RecordsOfType[];
  /** By evidence. */
  documents: ReadonlyMap<string, readonly DocumentOf[]>;
  /** Records that name an item of the rules, by its id: in effect, and those of the period. */
  ofControl: ReadonlyMap<string, readonly NamingRecord[]>;
  ids: ReadonlySet<string>;
}

export type RecordLine = RecordRef &
  Omit<ApprovedRecord, 'id' | 'version' | 'type' | 'title' | 'documents'> & {
    /** Of one that is no longer in effect. */
    endedAt?: Date;
    documents: (KeptDocument & { path: string | null })[];
  };

/** Which records: those of the whole organisation, and those of these systems. */
export interface RecordScope {
  systemIds: readonly string[];
  instant: Instant;
  /** From when those that are no longer in effect are told of too. */
  periodFrom: Date;
}

/** Reads the records of a package. What is in effect at an instant, as known at one, never changes: so pages are read in transactions of their own. */
@Injectable()
export class PackageRecords {
  constructor(
    private readonly database: Database,
    private readonly bulk: RecordBulk,
    private readonly types: RecordTypesService,
    private readonly agreementsOf: AgreementsService,
    private readonly keysOf: KeysService,
    private readonly exceptionsOf: ExceptionsService,
  ) {}

  async survey(principal: Principal, scope: RecordScope): Promise<RecordSurvey> {
    const { found, past, definitions } = await this.database.readSnapshot(principal, async (tx) => ({
      found: await this.bulk.effectiveTypes(tx, scope.instant, placesOf(scope)),
      past: await this.bulk.pastTypes(tx, periodOf(scope)),
      definitions: await this.types.definitions(tx, scope.instant.knownAt),
    }));
    const documents = new Map<string, DocumentOf[]>();
    const ofControl = new Map<string, NamingRecord[]>();
    const ids = new Set<string>();
    const survey = async (
      type: string,
      read: AsyncIterable<(ApprovedRecord | PastRecord)[]>,
    ): Promise<RecordsOfType> => {
      const definition = definitions.get(type)?.definition;
      const known = Object.keys(definition?.fields.properties ?? {});
      const others = new Set<string>();
      let count = 0;
      for await (const page of read) {
        count += page.length;
        for (const record of page) {
          const { id: recordId, version, title } = record;
          ids.add(recordId);
          for (const name of Object.keys(record.fields)) if (!known.includes(name)) others.add(name);
          for (const { evidenceId, role, name } of record.documents) {
            add(documents, evidenceId, { recordId, version, type, role, name });
          }
          const { effectiveFrom, expiresAt, submittedBy, decidedBy, decidedAt } = record;
          for (const { kind, target } of record.links) {
            if (kind !== 'control') continue;
            const endedAt = 'endedAt' in record ? record.endedAt : null;
            const said = { effectiveFrom, expiresAt, endedAt, submittedBy, decidedBy, decidedAt };
            add(ofControl, target, { recordId, version, type, title, ...said, documents: record.documents });
          }
        }
      }
      return { type, title: definition?.title ?? type, count, fields: [...known, ...[...others].sort()] };
    };
    const types: RecordsOfType[] = [];
    for (const type of found) types.push(await survey(type, this.pages(principal, scope, type)));
    const pastTypes: RecordsOfType[] = [];
    for (const type of past) pastTypes.push(await survey(type, this.pastPages(principal, scope, type)));
    return { types, pastTypes, documents, ofControl, ids };
  }

  /** Those in effect, by id. `paths`: where documents are in the package. */
  lines(principal: Principal, scope: RecordScope, type: string, paths: Paths): AsyncGenerator<RecordLine[], void> {
    return linesOf(this.pages(principal, scope, type), paths);
  }

  /** Versions of the period that are no longer in effect, by id and version. */
  pastLines(principal: Principal, scope: RecordScope, type: string, paths: Paths): AsyncGenerator<RecordLine[], void> {
    return linesOf(this.pastPages(principal, scope, type), paths);
  }

  /** Vendors with their agreements: the organisation's, whatever systems the package is about. */
  async *agreements(principal: Principal, { instant }: RecordScope): AsyncGenerator<object[], void> {
    const entries = await this.database.readSnapshot(principal, (tx) => this.agreementsOf.register(tx, instant));
    yield entries.map(vendorView);
  }

  async *keys(principal: Principal, { systemIds, instant }: RecordScope): AsyncGenerator<object[], void> {
    for (const systemId of systemIds) {
      const ledger = await this.database.readSnapshot(principal, (tx) => this.keysOf.ledger(tx, instant, systemId));
      yield ledger.sort((one, other) => (one.id < other.id ? -1 : 1)).map((key) => keyView(systemId, key));
    }
  }

  async *risks(principal: Principal, scope: RecordScope): AsyncGenerator<object[], void> {
    const matrices = new Map<string, AnalysisMatrix | undefined>();
    for await (const page of this.pages(principal, scope, 'risk_analysis')) {
      for (const record of page) matrices.set(record.id, analysisOf(record)?.matrix);
    }
    for await (const page of this.pages(principal, scope, 'risk')) {
      yield page.map((record) => {
        const risk = riskOf(record);
        const level = (likelihood: number | undefined, impact: number | undefined) =>
          risk === null || likelihood === undefined || impact === undefined
            ? null
            : levelOf(matrices.get(risk.analysis), likelihood, impact);
        return {
          ...headOf(record),
          isReadable: risk !== null,
          ...risk,
          level: level(risk?.likelihood, risk?.impact),
          residualLevel: level(risk?.residualLikelihood, risk?.residualImpact),
          status: risk === null ? null : standingOf(risk, scope.instant.asOf),
        };
      });
    }
  }

  async *exceptions(principal: Principal, scope: RecordScope): AsyncGenerator<object[], void> {
    for await (const page of this.pages(principal, scope, 'exception')) {
      yield page.map((record) => ({
        ...headOf(record),
        inForce: untilOf(record, scope.instant.asOf) !== null,
        expiresAt: record.expiresAt,
        ...(exceptionOf(record) ?? { checks: [], results: [], practices: [] }),
        reason: record.fields['reason'] ?? null,
      }));
    }
  }

  async *decisions(principal: Principal, scope: RecordScope): AsyncGenerator<object[], void> {
    const { controls } = await this.database.readSnapshot(principal, (tx) =>
      this.exceptionsOf.inEffect(tx, scope.instant, null),
    );
    for await (const page of this.pages(principal, scope, 'addressable_decision')) {
      yield page.map((record) => {
        const decision = decisionOf(record);
        const counted = decision === null ? undefined : controls.get(decision.control);
        return {
          ...headOf(record),
          // That it is implemented counts for nothing by itself: the measure has to be shown.
          inForce: counted?.recordId === record.id,
          until: counted?.recordId === record.id ? counted.until : null,
          goodFrom: record.goodFrom,
          ...decision,
        };
      });
    }
  }

  private pastPages(principal: Principal, scope: RecordScope, type: string): AsyncGenerator<PastRecord[], void> {
    return pages(RECORDS_PAGE, (after: PastRecord | null) =>
      this.database.readSnapshot(principal, (tx) =>
        this.bulk.past(tx, type, periodOf(scope), { after, limit: RECORDS_PAGE }),
      ),
    );
  }

  private pages(principal: Principal, scope: RecordScope, type: string): AsyncGenerator<ApprovedRecord[], void> {
    return pages(RECORDS_PAGE, (last: ApprovedRecord | null) =>
      this.database.readSnapshot(principal, (tx) =>
        this.bulk.effective(tx, type, scope.instant, {
          after: last?.id ?? null,
          limit: RECORDS_PAGE,
          places: placesOf(scope),
        }),
      ),
    );
  }
}

type Paths = ReadonlyMap<string, string | null>;

async function* linesOf(
  read: AsyncIterable<(ApprovedRecord | PastRecord)[]>,
  paths: Paths,
): AsyncGenerator<RecordLine[], void> {
  for await (const page of read) {
    yield page.map(({ id, documents, ...record }) => ({
      recordId: id,
      ...record,
      documents: documents.map((document) => ({ ...document, path: paths.get(document.evidenceId) ?? null })),
    }));
  }
}

const periodOf = (scope: RecordScope) => ({
  instant: scope.instant,
  from: scope.periodFrom,
  places: placesOf(scope),
});

const placesOf = ({ systemIds }: RecordScope): string[] => [WHOLE, ...systemIds];

const headOf = (record: ApprovedRecord) => ({
  recordId: record.id,
  version: record.version,
  title: record.title,
  ownerId: record.ownerId,
  systemIds: record.systemIds,
  effectiveFrom: record.effectiveFrom,
  submittedBy: record.submittedBy,
  decidedBy: record.decidedBy,
  decidedAt: record.decidedAt,
});

function add<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const found = map.get(key);
  if (found === undefined) map.set(key, [value]);
  else found.push(value);
}
