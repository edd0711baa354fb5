import { Injectable } from '@nestjs/common';
import { Clock } from '../kernel/clock.js';
import type { Tx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import { Refusal } from '../kernel/http/problem.js';
import { IntervalStore } from './interval.store.js';
import { shownState, type VersionState } from './moves.js';
import { dueOf, typesAsked, typesCounted } from './obligations.js';
import { RecordListStore, type ListedRecord, type RecordFilter } from './record-list.store.js';
import type { RecordSummaryView, RecordView } from './record-view.schema.js';
import { RecordsStore, type MoveRow, type RecordRow, type VersionRow } from './records.store.js';
import { RecordTypesService, type TypeInForce } from './types/record-types.service.js';

const DAY = 24 * 3_600_000;

/** Records as they are shown. */
@Injectable()
export class RecordReader {
  constructor(
    private readonly store: RecordsStore,
    private readonly lists: RecordListStore,
    private readonly intervals: IntervalStore,
    private readonly types: RecordTypesService,
    private readonly clock: Clock,
  ) {}

  /** `number` null: the version that is worked on, else the last approved one, else the last. `instant` null: now. */
  async read(tx: Tx, id: string, number: number | null = null, instant: Instant | null = null): Promise<RecordView> {
    const record = await this.require(tx, id);
    const versions = await this.store.versions(tx, id);
    const asked = number ?? record.openVersion ?? record.approvedVersion ?? record.lastVersion;
    const version = versions.find((one) => one.version === asked);
    if (version === undefined) throw new Refusal('not-found', 'The record has no such version.');
    const now = this.clock.now();
    const approved = versions.filter(({ state }) => state === 'approved');
    const at = instant ?? { asOf: now, knownAt: await this.known(tx, now) };
    const inEffect = inEffectAt(approved, at);
    const type = await this.types.definition(tx, record.type);
    const days = type?.definition.good_for.days ?? null;
    return {
      ...summaryOf(record, version, approved),
      typeVersion: version.typeVersion,
      fields: version.fields,
      links: version.links,
      documents: version.documents,
      reason: version.reason,
      createdAt: version.createdAt.toISOString(),
      createdBy: version.createdBy,
      submittedAt: version.submittedAt?.toISOString() ?? null,
      submittedBy: version.submittedBy,
      decidedAt: version.decidedAt?.toISOString() ?? null,
      decidedBy: version.decidedBy,
      inEffect: inEffect === version.version,
      obligations: inEffect === version.version ? await this.obligations(tx, id, type, at) : [],
      freshUntil: days === null ? null : new Date(version.goodFrom.getTime() + days * DAY).toISOString(),
      versions: versions.map((one) => ({
        version: one.version,
        kind: one.kind,
        state: shownState(one, approved),
        effectiveFrom: one.effectiveFrom.toISOString(),
        goodFrom: one.goodFrom.toISOString(),
        expiresAt: one.expiresAt?.toISOString() ?? null,
        submittedAt: one.submittedAt?.toISOString() ?? null,
        decidedAt: one.decidedAt?.toISOString() ?? null,
        decidedBy: one.decidedBy,
      })),
    };
  }

  /** When all that is known now is known: the last decision may be a little later than the program's clock, for the database's clock and the order of decisions tell when it was. */
  async known(tx: Tx, now: Date): Promise<Date> {
    const last = await this.intervals.lastKnown(tx, null);
    return last !== null && last > now ? last : now;
  }

  /** After it, what was known at an instant is final. */
  awaitDecisions(tx: Tx, knownAt: Date): Promise<void> {
    return this.intervals.awaitDecisions(tx, knownAt);
  }

  /** What the record makes due of others, at an instant at which it is in effect. */
  private async obligations(
    tx: Tx,
    id: string,
    type: TypeInForce | null,
    instant: Instant,
  ): Promise<RecordView['obligations']> {
    if (type === null || type.definition.obliges.length === 0) return [];
    const { definition } = type;
    const [record] = await this.intervals.effective(tx, instant, { types: [definition.type], ids: [id] });
    if (record === undefined) return [];
    const linked = definition.obliges.every(({ linked }) => linked);
    const others = await this.intervals.effective(tx, instant, {
      types: typesAsked(definition.obliges),
      ...(linked ? { linkedTo: { kind: 'record' as const, target: id } } : {}),
    });
    const counted = typesCounted(definition.obliges);
    const named = record.links.flatMap(({ kind, target }) => (kind === 'record' ? [target] : []));
    if (linked && counted.length > 0 && named.length > 0) {
      others.push(...(await this.intervals.effective(tx, instant, { types: counted, ids: named })));
    }
    return dueOf(definition, record, others, instant.asOf).map((due) => ({
      type: due.type,
      says: due.says,
      dueAt: due.dueAt.toISOString(),
      metBy: due.metBy,
      metAt: due.metAt?.toISOString() ?? null,
      isLate: due.isLate,
    }));
  }

  /** In their order. */
  async moves(
    tx: Tx,
    id: string,
    page: { after: readonly [version: number, number: number]; limit: number },
  ): Promise<MoveRow[]> {
    await this.require(tx, id);
    return this.store.moves(tx, id, page);
  }

  /** By id. `instant`: the records in effect then; null: as they are worked on. */
  async list(tx: Tx, filter: RecordFilter, instant: Instant | null): Promise<RecordSummaryView[]> {
    return (await this.lists.list(tx, filter, instant)).map(listedView);
  }

  private async require(tx: Tx, id: string): Promise<RecordRow> {
    const record = await this.store.find(tx, id);
    if (record === null) throw new Refusal('not-found', 'There is no such record.');
    return record;
  }
}

/** The rule that intervals keep: of what was known, the last version that begins by then, unless it ends the record. */
function inEffectAt(approved: readonly VersionRow[], { asOf, knownAt }: Instant): number | null {
  const last = approved.findLast(
    ({ decidedAt, effectiveFrom }) => decidedAt !== null && decidedAt <= knownAt && effectiveFrom <= asOf,
  );
  return last === undefined || last.kind === 'end' ? null : last.version;
}

function summaryOf(record: RecordRow, version: VersionRow, approved: readonly VersionRow[]): RecordSummaryView {
  return listedView({ ...record, ...version, id: record.id, state: shownState(version, approved) });
}

const listedView = (row: Omit<ListedRecord, 'state'> & { state: VersionState | 'superseded' }): RecordSummaryView => ({
  id: row.id,
  type: row.type,
  naturalKey: row.naturalKey,
  revision: row.revision,
  version: row.version,
  kind: row.kind,
  state: row.state,
  title: row.title,
  ownerId: row.ownerId,
  systemIds: row.systemIds,
  effectiveFrom: row.effectiveFrom.toISOString(),
  goodFrom: row.goodFrom.toISOString(),
  expiresAt: row.expiresAt?.toISOString() ?? null,
  disposedAt: row.disposedAt?.toISOString() ?? null,
});
