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
import type { EffectiveRecord } from '../records/effective.js';
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
export type DocumentOf = Pick<RecordRef, 'recordId' | 'version'> & { role: string; name: string };

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
  /** By evidence. */
  documents: ReadonlyMap<string, readonly DocumentOf[]>;
  /** Records that name an item of the rules, by its id. */
  ofControl: ReadonlyMap<string, readonly RecordRef[]>;
  ids: ReadonlySet<string>;
}

export type RecordLine = RecordRef &
  Omit<EffectiveRecord, 'id' | 'version' | 'type' | 'title' | 'documents'> & {
    documents: { evidenceId: string; role: string; name: string; path: string | null }[];
  };

/** Which records: those of the whole organisation, and those of these systems. */
export interface RecordScope {
  systemIds: readonly string[];
  instant: Instant;
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
    const { found, definitions } = await this.database.readSnapshot(principal, async (tx) => ({
      found: await this.bulk.effectiveTypes(tx, scope.instant, placesOf(scope)),
      definitions: await this.types.definitions(tx, scope.instant.knownAt),
    }));
    const types: RecordsOfType[] = [];
    const documents = new Map<string, DocumentOf[]>();
    const ofControl = new Map<string, RecordRef[]>();
    const ids = new Set<string>();
    for (const type of found) {
      const definition = definitions.get(type)?.definition;
      const known = Object.keys(definition?.fields.properties ?? {});
      const others = new Set<string>();
      let count = 0;
      for await (const page of this.pages(principal, scope, type)) {
        count += page.length;
        for (const record of page) {
          const { id: recordId, version, title } = record;
          ids.add(recordId);
          for (const name of Object.keys(record.fields)) if (!known.includes(name)) others.add(name);
          for (const { evidenceId, role, name } of record.documents) {
            add(documents, evidenceId, { recordId, version, role, name });
          }
          for (const { kind, target } of record.links) {
            if (kind === 'control') add(ofControl, target, { recordId, version, type, title });
          }
        }
      }
      types.push({ type, title: definition?.title ?? type, count, fields: [...known, ...[...others].sort()] });
    }
    return { types, documents, ofControl, ids };
  }

  /** By id. `paths`: where documents are in the package. */
  async *lines(
    principal: Principal,
    scope: RecordScope,
    type: string,
    paths: ReadonlyMap<string, string | null>,
  ): AsyncGenerator<RecordLine[], void> {
    for await (const page of this.pages(principal, scope, type)) {
      yield page.map(({ id, documents, ...record }) => ({
        recordId: id,
        ...record,
        documents: documents.map(({ evidenceId, role, name }) => ({
          evidenceId,
          role,
          name,
          path: paths.get(evidenceId) ?? null,
        })),
      }));
    }
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

  private pages(principal: Principal, scope: RecordScope, type: string): AsyncGenerator<EffectiveRecord[], void> {
    return pages(RECORDS_PAGE, (last: EffectiveRecord | null) =>
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

const placesOf = ({ systemIds }: RecordScope): string[] => [WHOLE, ...systemIds];

const headOf = ({ id, version, title, ownerId, systemIds, effectiveFrom }: EffectiveRecord) => ({
  recordId: id,
  version,
  title,
  ownerId,
  systemIds,
  effectiveFrom,
});

function add<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const found = map.get(key);
  if (found === undefined) map.set(key, [value]);
  else found.push(value);
}
