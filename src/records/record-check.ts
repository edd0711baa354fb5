import { Injectable } from '@nestjs/common';
import { Catalog } from '../catalog/catalog.js';
import type { TypeDefinition } from '../catalog/record-type.js';
import { AuditService } from '../audit/audit.service.js';
import { EvidenceService } from '../evidence/evidence.service.js';
import { Clock } from '../kernel/clock.js';
import { dayOf } from '../kernel/dates.js';
import type { Tx } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import { MemberService } from '../organizations/member.service.js';
import { SystemService } from '../organizations/system.service.js';
import type { RecordLink } from './effective.js';
import { contentFaults, extract, type Extracted } from './extraction.js';
import { IntervalStore } from './interval.store.js';
import { tooEarlyFor, typesCounted } from './obligations.js';
import { RecordsStore, type RecordRow, type VersionRow } from './records.store.js';
import { Batch } from './record-batch.js';
import { referencesOf, type FieldReference } from './references.js';
import { secretFaults } from './secrets.js';
import { RecordRulesRegistry, type Candidate, type Neighbour, type RecordFault, type RecordRules } from './rules.js';
import { RecordTypesService, type TypeInForce } from './types/record-types.service.js';

/** No record's id: what nothing is left out for. */
const NOBODY = '00000000-0000-0000-0000-000000000000';
/** Before anything that is kept here; Postgres knows no earlier millennia. */
const EVER = new Date('0001-01-01T00:00:00Z');

/** A version that fits its type, with what was found in it. */
export type CheckedVersion = Pick<VersionRow, 'typeVersion' | 'fields'> & Extracted;

/** Whether a version is what its type asks for: all of it that is asked when it is submitted. */
@Injectable()
export class RecordCheck {
  constructor(
    private readonly types: RecordTypesService,
    private readonly records: RecordsStore,
    private readonly intervals: IntervalStore,
    private readonly registry: RecordRulesRegistry,
    private readonly catalog: Catalog,
    private readonly members: MemberService,
    private readonly systems: SystemService,
    private readonly evidence: EvidenceService,
    private readonly audit: AuditService,
    private readonly clock: Clock,
  ) {}

  async requireType(tx: Tx, type: string): Promise<TypeInForce> {
    const found = await this.types.definition(tx, type);
    if (found !== null) return found;
    throw new Refusal('record-type-refused', 'There is no such record type, or none any more.', { pointer: '/type' });
  }

  /** Of what is written into a draft: who answers for it is a member, the systems that it is of are the organisation's, and no secret stands in it. */
  async draftFaults(
    tx: Tx,
    version: Partial<Pick<VersionRow, 'ownerId' | 'systemIds' | 'title' | 'fields' | 'links' | 'reason'>>,
    batch: Batch = new Batch(),
  ): Promise<RecordFault[]> {
    const faults: RecordFault[] = secretFaults(version);
    if (version.ownerId !== undefined && !(await this.exists(tx, 'member', version.ownerId, batch))) {
      faults.push({ pointer: '/ownerId', detail: 'The organisation has no such member.' });
    }
    for (const [index, id] of (version.systemIds ?? []).entries()) {
      if (await this.exists(tx, 'system', id, batch)) continue;
      faults.push({ pointer: `/systemIds/${index}`, detail: 'The organisation has no such system.' });
    }
    return faults;
  }

  /**
   * The version with what was found in it; or its faults. An end has the content of what it ends, which was checked.
   * @param batch what is checked together with it, in one transaction.
   */
  async check(
    tx: Tx,
    version: VersionRow,
    batch: Batch = new Batch(),
  ): Promise<{ checked: CheckedVersion; faults: RecordFault[] }> {
    const now = this.clock.now();
    if (version.kind === 'end') {
      // Also of a type that is no more.
      const type = await batch.once(`type ${version.type}`, () => this.types.definition(tx, version.type));
      return { checked: version, faults: await this.ruleFaults(tx, type, candidateOf(version, version), now, batch) };
    }
    const type = await batch.once(`required ${version.type}`, () => this.requireType(tx, version.type));
    const { definition } = type;
    const parsed = type.schema.safeParse(version.fields);
    if (!parsed.success) {
      const faults = parsed.error.issues.slice(0, 50).map((issue) => ({
        pointer: [
          '/fields',
          ...issue.path.map((part) => String(part).replaceAll('~', '~0').replaceAll('/', '~1')),
        ].join('/'),
        detail: issue.message,
      }));
      return { checked: version, faults };
    }
    const content = { ...version, fields: parsed.data };
    const references = referencesOf(definition.fields, content.fields);
    const extracted = extract(definition, content, references);
    const checked = { ...extracted, typeVersion: type.version, fields: content.fields };
    const faults = [
      ...(await this.draftFaults(tx, version, batch)),
      ...(await this.referenceFaults(tx, version, references, batch)),
      ...(await this.linkFaults(tx, definition.place, version, extracted.links, batch)),
      ...contentFaults(definition, content, extracted, now),
    ];
    if (faults.length > 0) return { checked, faults };
    const candidate = candidateOf(version, checked);
    return {
      checked,
      faults: [
        ...(await this.dutyFaults(tx, definition, candidate, references, now)),
        ...(await this.ruleFaults(tx, type, candidate, now, batch)),
      ],
    };
  }

  /** What it names makes it due, and from a later day on: a notice of a breach is not older than the discovery, a register not than the incidents that are in it. */
  private async dutyFaults(
    tx: Tx,
    { type, good_from: field }: TypeDefinition,
    candidate: Candidate,
    references: readonly FieldReference[],
    now: Date,
  ): Promise<RecordFault[]> {
    const instant = { asOf: now, knownAt: now };
    const named = Map.groupBy(
      references.filter(({ kind }) => kind === 'record'),
      (reference) => reference.type ?? '',
    );
    const faults: RecordFault[] = [];
    for (const [name, its] of named) {
      const definition = (await this.types.definition(tx, name))?.definition;
      const obliges = definition?.obliges.filter((obligation) => obligation.type === type) ?? [];
      if (definition === undefined || obliges.length === 0) continue;
      const ids = its.map(({ target }) => target);
      const records = await this.intervals.effective(tx, instant, { types: [name], ids });
      const linked = records.flatMap(({ links }) =>
        links.flatMap(({ kind, target }) => (kind === 'record' ? [target] : [])),
      );
      const counted = typesCounted(obliges);
      const others =
        counted.length === 0 ? [] : await this.intervals.effective(tx, instant, { types: counted, ids: linked });
      for (const record of records) {
        const first = tooEarlyFor({ ...definition, obliges }, record, candidate, others);
        if (first === null) continue;
        const detail = `It lies before ${dayOf(first)}, from which day on the record that it names asks for it: what was done before answers nothing.`;
        const pointer = field === null ? '/effectiveFrom' : `/fields/${field}`;
        faults.push({ pointer, detail, extra: { conflictsWith: record.id } });
      }
    }
    return faults;
  }

  /** Null where the schema of the type's fields is all. */
  private rulesOf(type: TypeInForce | null): RecordRules | null {
    const name = type?.definition.rules ?? null;
    return name === null ? null : this.registry.get(name);
  }

  async rules(tx: Tx, type: string): Promise<RecordRules | null> {
    return this.rulesOf(await this.types.definition(tx, type));
  }

  /** What the rules of the type say, by what is known now and by what is to be known with it. */
  private async ruleFaults(
    tx: Tx,
    type: TypeInForce | null,
    candidate: Candidate,
    now: Date,
    batch: Batch,
  ): Promise<RecordFault[]> {
    const rules = this.rulesOf(type);
    if (rules === null) return [];
    const neighbours = new Map<string, Neighbour>();
    for (const filter of rules.neighbours(candidate)) {
      // Of the whole past, so that it is asked once for all that ask the same.
      const found = await batch.once(`neighbours ${JSON.stringify(filter)}`, () =>
        this.intervals.neighbours(tx, NOBODY, EVER, filter),
      );
      for (const one of batch.withPeers(filter, found)) {
        const isOver = one.effectiveTo !== null && one.effectiveTo <= candidate.effectiveFrom;
        if (one.id !== candidate.id && !isOver) neighbours.set(`${one.id}/${one.version}`, one);
      }
    }
    const faults = rules.faults(candidate, [...neighbours.values()], now);
    return [...faults, ...((await rules.examine?.(tx, candidate, now)) ?? [])];
  }

  private async referenceFaults(
    tx: Tx,
    version: VersionRow,
    references: readonly FieldReference[],
    batch: Batch,
  ): Promise<RecordFault[]> {
    const faults: RecordFault[] = [];
    for (const { kind, target, type, pointer } of references) {
      if (kind === 'record') {
        const found = await this.recordOf(tx, target, batch);
        if (found === null || found.type !== type || target === version.recordId) {
          faults.push({
            pointer,
            detail: `The organisation has no other record of the type ${type ?? ''} with this id.`,
          });
        }
      } else if (!(await this.exists(tx, kind, target, batch))) {
        faults.push({ pointer, detail: `There is no such ${kind}.` });
      }
    }
    return faults;
  }

  private async linkFaults(
    tx: Tx,
    place: 'organization' | 'system' | 'either',
    version: VersionRow,
    links: readonly RecordLink[],
    batch: Batch,
  ): Promise<RecordFault[]> {
    const faults: RecordFault[] = [];
    for (const [index, { kind, target }] of links.entries()) {
      const pointer = `/links/${index}`;
      if (!(await this.exists(tx, kind, target, batch))) {
        faults.push({ pointer, detail: `There is no such ${kind}.` });
      } else if (kind === 'record' && place !== 'organization') {
        const others = (await batch.once(`place ${target}`, () => this.placeOf(tx, target))).filter(
          (id) => !version.systemIds.includes(id),
        );
        // A system's posture depends on its own place alone: what speaks of its records is of it.
        if (others.length > 0) {
          faults.push({
            pointer: '/systemIds',
            detail: 'It links to a record of a system that it does not name.',
            extra: { systemIds: others },
          });
        }
      }
    }
    return faults;
  }

  private async placeOf(tx: Tx, recordId: string): Promise<readonly string[]> {
    const record = await this.records.find(tx, recordId);
    if (record === null) return [];
    const version = await this.records.findVersion(tx, recordId, record.approvedVersion ?? record.lastVersion);
    return version?.systemIds ?? [];
  }

  private recordOf(tx: Tx, id: string, batch: Batch): Promise<RecordRow | null> {
    return batch.once(`record ${id}`, () => (isUuid(id) ? this.records.find(tx, id) : Promise.resolve(null)));
  }

  private exists(
    tx: Tx,
    kind: RecordLink['kind'] | 'system' | 'member',
    target: string,
    batch: Batch,
  ): Promise<boolean> {
    return batch.once(`exists ${kind} ${target}`, () => this.isThere(tx, kind, target, batch));
  }

  /** Series and checks are of other rooms: whose rules read them ask there. */
  private async isThere(
    tx: Tx,
    kind: RecordLink['kind'] | 'system' | 'member',
    target: string,
    batch: Batch,
  ): Promise<boolean> {
    switch (kind) {
      case 'practice':
        return this.catalog.practice(target) !== null;
      case 'control':
        return this.catalog.control(target)?.id === target;
      case 'record':
        return (await this.recordOf(tx, target, batch)) !== null;
      case 'evidence':
        return isUuid(target) && (await this.evidence.isKept(tx, target));
      case 'system':
        return isUuid(target) && (await this.systems.findSystem(tx, target)) !== null;
      case 'member':
        return isUuid(target) && (await this.members.isPresent(tx, target));
      case 'namespace': {
        const [system = ''] = target.split('/');
        return this.exists(tx, 'system', system, batch);
      }
      case 'event':
        return isUuid(target) && (await this.audit.isThere(tx, target));
      case 'series':
        return isUuid(target);
      case 'check':
        return /^[^/]+\/.+$/.test(target);
    }
  }
}

const isUuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);

export function candidateOf(version: VersionRow, checked: CheckedVersion): Candidate {
  const { recordId, kind, type, title, ownerId, systemIds, effectiveFrom, documents, reason } = version;
  const { fields, naturalKey, subject, goodFrom, expiresAt, outcome, fails, links } = checked;
  return {
    id: recordId,
    version: version.version,
    kind,
    type,
    naturalKey,
    subject,
    title,
    ownerId,
    systemIds,
    fields,
    effectiveFrom,
    expiresAt,
    goodFrom,
    outcome,
    fails,
    links,
    documents: documents.map(({ evidenceId, role, name }) => ({ evidenceId, role, name })),
    reason,
  };
}
