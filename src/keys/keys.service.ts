import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Catalog } from '../catalog/catalog.js';
import { overlaid } from '../catalog/overlaid.js';
import type { Tx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import { Refusal } from '../kernel/http/problem.js';
import { OrganizationService } from '../organizations/organization.service.js';
import type { EffectiveRecord } from '../records/effective.js';
import { RecordsService } from '../records/records.service.js';
import { RecordRulesRegistry, type Candidate, type RecordFault } from '../records/rules.js';
import type { Statement } from '../records/statement.js';
import { RecordTypesService } from '../records/types/record-types.service.js';
import { ResultsService } from '../results/results.service.js';
import { readKey, readRotation } from './fields.js';
import { judgeKeys } from './judge.js';
import { keyLedger, rotationsOf, seenOf, type LedgerKey, type LedgerRotation } from './ledger.js';
import { keysRules, orderFaults } from './rules.js';
import { seenKeys, type SeenKey } from './seen.js';

const LEDGER_TYPES = ['key', 'key_rotation_event', 'reencryption_record', 'incident_record'];

/** The beginning of the time that this service is about. */
const BEGINNING = new Date(0);

@Injectable()
export class KeysService implements OnModuleInit {
  constructor(
    private readonly records: RecordsService,
    private readonly recordTypes: RecordTypesService,
    private readonly registry: RecordRulesRegistry,
    private readonly results: ResultsService,
    private readonly organizations: OrganizationService,
    private readonly catalog: Catalog,
  ) {}

  onModuleInit(): void {
    this.registry.add('keys', {
      ...keysRules,
      examine: (tx, candidate, now) => this.examine(tx, candidate, now),
    });
  }

  /** The keys of a system: those that records tell of, then those that reports alone have seen. */
  async ledger(tx: Tx, instant: Instant, systemId: string): Promise<LedgerKey[]> {
    const records = await this.records.effective(tx, instant, { types: LEDGER_TYPES, systemId });
    return keyLedger({ records, seen: await this.seen(tx, instant, systemId), asOf: instant.asOf });
  }

  /** What «now» means for a question: everything that reports and decisions have told is known at it. */
  async present(tx: Tx, systemId: string | null): Promise<Date> {
    const told = await this.results.present(tx, systemId);
    const decided = await this.records.lastKnown(tx, null);
    return decided !== null && decided > told ? decided : told;
  }

  /** After it, what was known at the instant of the systems and of records is final. Refuses (`unavailable`) when that takes too long. */
  async awaitKnown(tx: Tx, systemIds: readonly string[], knownAt: Date): Promise<void> {
    await this.results.awaitMerges(tx, systemIds, knownAt);
    await this.records.awaitDecisions(tx, knownAt);
  }

  /** What keys say of practices: in a system's part alone. */
  async statements(tx: Tx, instant: Instant, place: string | null): Promise<Statement[]> {
    if (place === null) return [];
    const types = [...LEDGER_TYPES, 'secret_rotation_event'];
    const records = await this.records.effective(tx, instant, { types, systemId: place });
    const ledger = keyLedger({ records, seen: await this.seen(tx, instant, place), asOf: instant.asOf });
    const { settings } = await this.organizations.settingsAsOf(tx, instant);
    const [overlay] = settings.overlays;
    const catalog = overlay === undefined ? this.catalog : overlaid(this.catalog, overlay);
    const tightened = await this.recordTypes.tightenedDays(tx, instant.knownAt);
    return judgeKeys({
      ledger,
      records,
      limitOf: (practice, type) => {
        const freshness = catalog.freshnessOf(practice, { records: settings.recordFreshness }).records[type];
        return freshness && { days: tightened(type, freshness.maxAgeDays) };
      },
      asOf: instant.asOf,
    });
  }

  /** All rotations of a key up to an instant, newest first, with what its facts ever said of them; refuses (`not-found`) what is no key in effect. */
  async history(
    tx: Tx,
    instant: Instant,
    recordId: string,
  ): Promise<{ key: EffectiveRecord; rotations: LedgerRotation[] }> {
    const [key] = await this.records.effective(tx, instant, { types: ['key'], ids: [recordId] });
    const fields = key && readKey(key.fields);
    if (!key || !fields) throw new Refusal('not-found', 'There is no such key in effect at that instant.');
    const events = await this.records.effective(tx, instant, { types: ['key_rotation_event'], subjects: [recordId] });
    const told: SeenKey[] = [];
    for (const systemId of key.systemIds) {
      const found = seenOf(fields, seenKeys(await this.facts(tx, systemId, { ...instant, from: BEGINNING })));
      if (found !== null) told.push(found);
    }
    const seen = {
      tellings: told.flatMap(({ tellings }) => tellings),
      listedSince: told.map(({ listedSince }) => listedSince).find((since) => since !== null) ?? null,
    };
    return { key, rotations: rotationsOf(recordId, events, seen, instant.asOf) };
  }

  private facts(tx: Tx, systemId: string, { from, asOf, knownAt }: Instant & { from: Date }) {
    return this.results.findFactsOverlapping(tx, systemId, ['key', 'certificate'], { from, to: asOf, knownAt });
  }

  private async seen(tx: Tx, instant: Instant, systemId: string): Promise<SeenKey[]> {
    return seenKeys(await this.facts(tx, systemId, { ...instant, from: instant.asOf }));
  }

  /** Whether what reports tell of the key bears what the record of its rotation says. */
  private async examine(tx: Tx, candidate: Candidate, now: Date): Promise<RecordFault[]> {
    const fields =
      candidate.type === 'key_rotation_event' && candidate.kind === 'content' ? readRotation(candidate.fields) : null;
    if (fields === null) return [];
    const instant = { asOf: now, knownAt: now };
    const [key] = await this.records.effective(tx, instant, { types: ['key'], ids: [fields.key] });
    const keyFields = key && readKey(key.fields);
    if (!key || !keyFields) return [];
    const faults: RecordFault[] = [];
    const events = await this.records.effective(tx, instant, { types: ['key_rotation_event'], subjects: [fields.key] });
    const others = events.filter(({ id }) => id !== candidate.id);
    for (const systemId of key.systemIds) {
      const seen = seenOf(keyFields, await this.seen(tx, instant, systemId));
      if (seen?.createdAt != null && fields.performedAt < seen.createdAt) {
        const detail = `It lies before the key was made: by ${seen.provider} on ${seen.createdAt.toISOString()}.`;
        faults.push({ pointer: '/fields/performedAt', detail });
      }
      const known = rotationsOf(fields.key, others, seen ?? { tellings: [], listedSince: null }, now);
      faults.push(...orderFaults(fields, known));
    }
    return faults;
  }
}
