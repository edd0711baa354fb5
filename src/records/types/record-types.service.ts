import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { AuditService } from '../../audit/audit.service.js';
import { Catalog } from '../../catalog/catalog.js';
import { compileFields } from '../../catalog/fields.js';
import { OWN, ownType } from '../../catalog/own-type.js';
import { TypeDefinition } from '../../catalog/record-type.js';
import { Clock } from '../../kernel/clock.js';
import { canonicalJson, type JsonValue } from '../../kernel/crypto/canonical-json.js';
import { brokenConstraint, type Tx, type WriteTx } from '../../kernel/db/database.js';
import { Refusal } from '../../kernel/http/problem.js';
import { nameId } from '../../kernel/ids.js';
import { requireVersion } from '../../organizations/version.js';
import type { TypeChangeState } from './record-type-version.entity.js';
import type {
  RecordTypeSummary,
  RecordTypeVersionView,
  RecordTypeView,
  TypeChangeBody,
} from './record-types.schema.js';
import { RecordTypesStore, type LastChange } from './record-types.store.js';
import { tightened, tighteningFaults, type Tightening } from './tightening.js';

/** Changes of the catalogue's, and its own. */
const MAX_CHANGES = 200;

/** A record type as records of it are checked now. */
export interface TypeInForce {
  definition: TypeDefinition;
  /** What it is made of: a version of the catalogue, `org/<n>` of the organisation's own, or both where the organisation tightens the catalogue's. */
  version: string;
  /** Checks a record's fields; its output is what is kept. */
  schema: z.ZodType<Record<string, unknown>>;
}

/** `days`: null: of any age. */
export type TightenedDays = (type: string, days: number | null) => number | null;

/** The record types of the catalogue, and what an organisation has made of them. */
@Injectable()
export class RecordTypesService {
  constructor(
    private readonly store: RecordTypesStore,
    private readonly catalog: Catalog,
    private readonly audit: AuditService,
    private readonly clock: Clock,
  ) {}

  /** Null where there is no such type, or none any more. */
  async definition(tx: Tx, type: string): Promise<TypeInForce | null> {
    const [change] = await this.store.last(tx, null, type);
    return this.inForce(type, change);
  }

  /** All of them, as the organisation had made them by then; by type. */
  definitions(tx: Tx, knownAt: Date): Promise<ReadonlyMap<string, TypeInForce>> {
    return tx.once(`record types ${knownAt.toISOString()}`, async () => {
      const changes = new Map((await this.known(tx, knownAt)).map((change) => [change.type, change]));
      const names = new Set([...this.catalog.recordTypes.map(({ type }) => type), ...changes.keys()]);
      return new Map(
        [...names].sort().flatMap((type): [string, TypeInForce][] => {
          const found = this.inForce(type, changes.get(type));
          return found === null ? [] : [[type, found]];
        }),
      );
    });
  }

  /** How often the organisation has changed its record types, and when last. */
  lastChange(tx: Tx): Promise<{ count: number; recordedAt: Date | null }> {
    return this.store.lastChange(tx);
  }

  /** How many days records are good for where `days` are asked for: fewer, if the organisation had tightened their type by then. */
  async tightenedDays(tx: Tx, knownAt: Date): Promise<TightenedDays> {
    const own = new Map(
      (await this.known(tx, knownAt)).flatMap(({ type, state, lastDefinition }): [string, number][] => {
        const original = this.catalog.recordType(type);
        if (original === null || state !== 'defined') return [];
        const { days } = tightened(original, lastDefinition).good_for;
        return days === null || days === original.good_for.days ? [] : [[type, days]];
      }),
    );
    return (type, days) => {
      const its = own.get(type);
      return its === undefined ? days : Math.min(its, days ?? its);
    };
  }

  /** By type. */
  async list(tx: Tx, filter: { after: string | null; limit: number }): Promise<RecordTypeSummary[]> {
    const views = (await this.views(tx)).filter(
      ({ type, state }) => state !== 'withdrawn' && (filter.after === null || type > filter.after),
    );
    return views.slice(0, filter.limit).map(({ definition: _, tightened: __, ...summary }) => summary);
  }

  async read(tx: Tx, type: string): Promise<RecordTypeView> {
    const view = (await this.views(tx)).find((one) => one.type === type);
    if (view === undefined) throw notFound();
    return view;
  }

  /** Newest first. */
  async versions(
    tx: Tx,
    type: string,
    page: { before: number | null; limit: number },
  ): Promise<RecordTypeVersionView[]> {
    await this.read(tx, type);
    const isOwn = this.catalog.recordType(type) === null;
    return (await this.store.versions(tx, type, page)).map(
      ({ version, recordedAt, recordedBy, state, definition, reason }) => ({
        version,
        recordedAt: recordedAt.toISOString(),
        recordedBy,
        state,
        definition: isOwn ? (definition as Record<string, unknown> | null) : null,
        tightened: isOwn ? null : (definition as Tightening | null),
        reason,
      }),
    );
  }

  async change(tx: WriteTx, type: string, ifMatch: number | null, body: TypeChangeBody): Promise<RecordTypeView> {
    const all = await this.store.last(tx, null);
    const before = all.find((change) => change.type === type);
    const kept =
      'definition' in body
        ? this.requireOwn(type, body.definition, before, all)
        : this.requireTighter(type, body.tightened);
    if (before === undefined && all.length >= MAX_CHANGES) {
      throw new Refusal('conflict', `An organisation changes or adds at most ${MAX_CHANGES} record types.`);
    }
    requireVersion(before?.version ?? 0, ifMatch);
    await this.keep(tx, type, (before?.version ?? 0) + 1, 'defined', kept, body.reason ?? null);
    return this.read(tx, type);
  }

  /** Records of a type of the organisation's own that is withdrawn stay in effect; none is submitted any more. */
  async withdraw(tx: WriteTx, type: string): Promise<void> {
    const [before] = await this.store.last(tx, null, type);
    if (before === undefined && this.catalog.recordType(type) === null) throw notFound();
    if (before === undefined || before.state === 'withdrawn') return;
    await this.keep(tx, type, before.version + 1, 'withdrawn', null, null);
  }

  private known(tx: Tx, knownAt: Date): Promise<readonly LastChange[]> {
    return tx.once(`record type changes ${knownAt.toISOString()}`, () => this.store.last(tx, knownAt));
  }

  private inForce(type: string, change: LastChange | undefined): TypeInForce | null {
    const original = this.catalog.recordType(type);
    const said = change?.state === 'defined' ? change : undefined;
    if (original === null) {
      if (said === undefined) return null;
      return typeOf(ownOf(said), `${OWN}${said.version}`);
    }
    const { version } = this.catalog;
    if (said === undefined) return typeOf(original, version);
    return typeOf(tightened(original, said.lastDefinition), `${version}+${OWN}${said.version}`);
  }

  private requireTighter(type: string, tightening: Tightening): Tightening {
    const original = this.catalog.recordType(type);
    if (original === null) {
      throw refused(
        '',
        `The catalogue has no record type of this name. One of the organisation’s own begins with ${OWN}.`,
      );
    }
    const [fault] = tighteningFaults(original, tightening);
    if (fault !== undefined) throw refused(`/tightened${fault.pointer}`, fault.detail);
    return tightening;
  }

  /** One of its own: of the shape that the catalogue's have, and of the meaning that it had. */
  private requireOwn(
    type: string,
    given: unknown,
    before: LastChange | undefined,
    all: readonly LastChange[],
  ): TypeDefinition {
    const refuse = (pointer: string, detail: string): never => {
      throw refused(`/definition${pointer}`, detail);
    };
    const own = new Map(
      all.flatMap(({ type: name, state, lastDefinition }): [string, TypeDefinition][] =>
        state === 'defined' && name.startsWith(OWN) ? [[name, ownOf({ lastDefinition })]] : [],
      ),
    );
    const { definition, faults } = ownType(
      type,
      given,
      (name) => this.catalog.recordType(name) ?? own.get(name) ?? null,
    );
    if (definition === null) return refuse(faults[0]?.pointer ?? '', faults[0]?.message ?? '');
    const earlier = before === undefined ? undefined : ownOf(before);
    // Records are found by them, whatever version they were checked by.
    for (const member of ['key', 'each', 'place'] as const) {
      if (earlier !== undefined && earlier[member] !== definition[member]) {
        refuse(`/${member}`, `It stays ${earlier[member] ?? 'null'}, for there may be records. Define another type.`);
      }
    }
    return definition;
  }

  private async keep(
    tx: WriteTx,
    type: string,
    version: number,
    state: TypeChangeState,
    definition: object | null,
    reason: string | null,
  ): Promise<void> {
    const { organizationId, principal } = tx;
    const row = {
      organizationId,
      type,
      version,
      recordedAt: this.clock.now(),
      recordedBy: principal.id,
      state,
      definition,
      reason,
    };
    try {
      await this.store.insert(tx, row);
    } catch (error) {
      // Two at once: the second has read what is no longer so.
      if (brokenConstraint(error) === 'record_type_version_pk') requireVersion(version, version - 1);
      throw error;
    }
    const sha256 =
      definition === null
        ? {}
        : {
            sha256: createHash('sha256')
              .update(canonicalJson(definition as JsonValue))
              .digest('hex'),
          };
    await this.audit.record(tx, {
      action: state === 'withdrawn' ? 'record_type.withdrawn' : 'record_type.changed',
      // The name that somebody chose is in the details, which can be erased.
      object: { kind: 'record_type', id: nameId('record_type', type), version, ...sha256 },
      details: { type, state, reason },
    });
  }

  private async views(tx: Tx): Promise<RecordTypeView[]> {
    const changes = new Map((await this.store.last(tx, null)).map((change) => [change.type, change]));
    const names = new Set([...this.catalog.recordTypes.map(({ type }) => type), ...changes.keys()]);
    return [...names].sort().map((type) => this.viewOf(type, changes.get(type)));
  }

  private viewOf(type: string, change: LastChange | undefined): RecordTypeView {
    const original = this.catalog.recordType(type);
    const definition = this.inForce(type, change)?.definition ?? ownOf(change);
    const needs = this.catalog.needsOf(type);
    const isTightened = original !== null && change?.state === 'defined';
    return {
      type,
      title: definition.title,
      summary: definition.summary,
      section: this.catalog.recordTypes.find((one) => one.type === type)?.section ?? null,
      place: definition.place,
      origin: original === null ? 'organization' : 'catalog',
      state: isTightened ? 'tightened' : original === null && change?.state === 'withdrawn' ? 'withdrawn' : 'on',
      goodForDays: definition.good_for.days,
      practices: needs.practices.map(({ id }) => id),
      controls: needs.controls.map(({ id }) => id),
      version: change?.version ?? 0,
      changedAt: change?.recordedAt.toISOString() ?? null,
      changedBy: change?.recordedBy ?? null,
      reason: change?.reason ?? null,
      tightened: isTightened ? change.lastDefinition : null,
      definition: { ...definition },
    };
  }
}

const typeOf = (definition: TypeDefinition, version: string): TypeInForce => ({
  definition,
  version,
  schema: compileFields(definition.fields),
});

/** As it was stored, with what types have got since: an older program knew fewer members. */
function ownOf(change: Pick<LastChange, 'lastDefinition'> | undefined): TypeDefinition {
  return TypeDefinition.parse(change?.lastDefinition);
}

const notFound = (): Refusal => new Refusal('not-found', 'There is no such record type.');

const refused = (pointer: string, detail: string): Refusal => new Refusal('record-type-refused', detail, { pointer });
