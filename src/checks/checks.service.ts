import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { Catalog } from '../catalog/catalog.js';
import { practicesOf } from '../catalog/checks.mapping.js';
import type { CheckDefinition, Params } from '../catalog/checks.schema.js';
import { Clock } from '../kernel/clock.js';
import { canonicalJson, type JsonValue } from '../kernel/crypto/canonical-json.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import { nameId } from '../kernel/ids.js';
import { Queue } from '../kernel/queue.js';
import { OrganizationService } from '../organizations/organization.service.js';
import { SystemService } from '../organizations/system.service.js';
import { requireVersion } from '../organizations/version.js';
import type { ChangeState } from './check-version.entity.js';
import { CHECKS_REVISION } from './checks-revision.js';
import type { CheckChangeBody, CheckSummary, CheckVersionView, CheckView } from './checks.schema.js';
import { ChecksStore, type LastVersion } from './checks.store.js';
import { compileCheck, DefinitionFaults, withParams } from './definition.js';
import { NO_RULES, rulesOf, type CheckChange, type SnapshotRules } from './snapshot-rules.js';

/** What the name of an organisation's own check begins with. */
const OWN = 'org/';

/** All of them are judged over every snapshot, within a time that the catalogue's need a part of. */
const MAX_CHANGES = 300;

export interface CheckFilter {
  state?: CheckSummary['state'] | undefined;
  practice?: string | undefined;
  after: string | null;
  limit: number;
}

@Injectable()
export class ChecksService {
  /** Digest of what comes with the program: the catalogue's checks, and the code that judges. */
  readonly program: string;

  constructor(
    private readonly store: ChecksStore,
    private readonly organizations: OrganizationService,
    private readonly systems: SystemService,
    private readonly catalog: Catalog,
    private readonly audit: AuditService,
    private readonly queue: Queue,
    private readonly clock: Clock,
  ) {
    this.program = this.rules([], NO_RULES.phi).digest;
  }

  /** By what a snapshot of the system is judged now. */
  async rulesFor(tx: Tx, systemId: string): Promise<SnapshotRules> {
    const { phiNamespaces } = await this.systems.requireSystem(tx, systemId);
    const { settings } = await this.organizations.read(tx);
    const changes = (await this.store.last(tx, null)).flatMap((last) => this.changeOf(last));
    return this.rules(changes, { labels: settings.phiLabels, namespaces: phiNamespaces });
  }

  /** The same with one definition in place of all: what a check would say. Refuses (`check-refused`) one that could not be kept. */
  async rulesOfOne(tx: Tx, systemId: string, definition: CheckDefinition): Promise<SnapshotRules> {
    const { phi } = await this.rulesFor(tx, systemId);
    const { id } = definition;
    this.requireFit(id, definition, (await this.store.last(tx, null)).find(({ checkId }) => checkId === id) ?? null);
    return rulesOf({ catalogue: 'dry-run', definitions: [definition], changes: [], program: CHECKS_REVISION, phi });
  }

  private rules(changes: readonly CheckChange[], phi: SnapshotRules['phi']): SnapshotRules {
    const { version, definitions } = this.catalog;
    return rulesOf({ catalogue: version, definitions, changes, program: CHECKS_REVISION, phi });
  }

  /**
   * What results that were known at an instant mean: what the organisation had made of checks by then. It does not depend on the instant that they are of, for an id
   * keeps its practices, and a new check judges what was collected before it.
   */
  meanings(tx: Tx, knownAt: Date): Promise<readonly { definition: CheckDefinition; inForce: boolean }[]> {
    return tx.once(`checks ${knownAt.toISOString()}`, async () =>
      (await this.store.last(tx, knownAt)).flatMap((last) => {
        const definition = this.definitionOf(last);
        return definition === null ? [] : [{ definition, inForce: last.state === 'defined' }];
      }),
    );
  }

  /** How often the organisation has changed its checks, and when last. */
  lastChange(tx: Tx): Promise<{ count: number; recordedAt: Date | null }> {
    return this.store.lastChange(tx);
  }

  /** By id. */
  async list(tx: Tx, { state, practice, after, limit }: CheckFilter): Promise<CheckSummary[]> {
    const views = (await this.views(tx)).filter(
      (view) =>
        (after === null || view.id > after) &&
        (state === undefined ? view.state !== 'withdrawn' : view.state === state) &&
        (practice === undefined || view.practices.includes(practice)),
    );
    return views.slice(0, limit).map(({ definition: _, ...summary }) => summary);
  }

  async read(tx: Tx, id: string): Promise<CheckView> {
    return found((await this.views(tx)).find((view) => view.id === id));
  }

  /** Newest first. */
  async versions(tx: Tx, id: string, page: { before: number | null; limit: number }): Promise<CheckVersionView[]> {
    await this.read(tx, id);
    return (await this.store.versions(tx, id, page)).map(({ recordedAt, state, definition, ...version }) => ({
      ...version,
      recordedAt: recordedAt.toISOString(),
      state: this.stateOf(id, state),
      definition: definition as Record<string, unknown> | null,
    }));
  }

  /** A definition has been tried before: it compiles, and its examples come out as they say. */
  async change(tx: WriteTx, id: string, ifMatch: number | null, body: CheckChangeBody): Promise<CheckView> {
    await this.store.lock(tx);
    const all = await this.store.last(tx, null);
    const before = all.find(({ checkId }) => checkId === id) ?? null;
    if ('definition' in body) this.requireFit(id, body.definition as CheckDefinition, before);
    else if ('params' in body) this.withConstants(id, body.params);
    else if (before === null && this.fromCatalog(id) === null) throw notFound();
    if (before === null && all.length >= MAX_CHANGES) {
      throw new Refusal('conflict', `An organisation changes or adds at most ${MAX_CHANGES} checks.`);
    }
    requireVersion(before?.version ?? 0, ifMatch);
    const version = (before?.version ?? 0) + 1;
    if ('definition' in body)
      await this.keep(tx, id, version, { state: 'defined', definition: body.definition, reason: null });
    else if ('params' in body)
      await this.keep(tx, id, version, { state: 'defined', definition: { params: body.params }, reason: null });
    else await this.keep(tx, id, version, { state: 'off', definition: null, reason: body.reason });
    return this.read(tx, id);
  }

  async withdraw(tx: WriteTx, id: string): Promise<void> {
    await this.store.lock(tx);
    const before = (await this.store.last(tx, null)).find(({ checkId }) => checkId === id);
    if (before === undefined && this.fromCatalog(id) === null) throw notFound();
    if (before === undefined || before.state === 'withdrawn') return;
    await this.keep(tx, id, before.version + 1, { state: 'withdrawn', definition: null, reason: null });
  }

  /** What the trial cannot know: that the check is the one of the path, and means what its id has always meant. */
  private requireFit(id: string, definition: CheckDefinition, before: LastVersion | null): void {
    const refuse = (pointer: string, detail: string): never => {
      throw new Refusal('check-refused', detail, { pointer: `/definition${pointer}` });
    };
    if (definition.id !== id) refuse('/id', `The check that is changed is ${id}.`);
    const original = this.fromCatalog(id);
    if (original === null && !id.startsWith(OWN)) {
      refuse('/id', `The catalogue has no check of this id. One of the organisation’s own begins with ${OWN}.`);
    }
    const practices = practicesOf(definition);
    const at = definition.practices === undefined ? '/practice' : '/practices';
    const unknown = practices.find((practice) => this.catalog.practice(practice) === null);
    if (unknown !== undefined) refuse(at, `The catalogue has no practice ${unknown}.`);
    const earlier = original ?? (before?.definition as CheckDefinition | null | undefined) ?? null;
    const same = (one: readonly string[], other: readonly string[]): boolean =>
      one.toSorted().join(' ') === other.toSorted().join(' ');
    if (earlier !== null && !same(practicesOf(earlier), practices)) {
      refuse(at, `A check keeps its practices (${practicesOf(earlier).join(', ')}), for its results do. Add another.`);
    }
  }

  /** A check of the catalogue with constants of the organisation, which are named and typed as its own. Its examples speak of its own, and are not run. */
  withConstants(id: string, params: Params): CheckDefinition {
    const original = this.fromCatalog(id);
    if (original === null) {
      if (!id.startsWith(OWN)) throw notFound();
      throw new Refusal('check-refused', 'Constants alone are set of checks of the catalogue: send the definition.', {
        pointer: '/params',
      });
    }
    try {
      return compileCheck(withParams(original, params)).definition;
    } catch (error) {
      if (!(error instanceof DefinitionFaults)) throw error;
      const [{ pointer, reason } = { pointer: '/params', reason: error.message }] = error.faults;
      throw new Refusal('check-refused', reason, { pointer });
    }
  }

  /**
   * What a check is judged by, or was last. Of constants alone all else is what the catalogue says of the check today; a constant that it has no more means nothing, and one
   * of another type makes the check an error. Null where the catalogue has the check no more.
   */
  private definitionOf({ checkId, definition }: LastVersion): CheckDefinition | null {
    if (definition === null || 'id' in definition) return definition as CheckDefinition | null;
    const original = this.fromCatalog(checkId);
    return original && { ...original, params: { ...original.params, ...(definition as { params: Params }).params } };
  }

  /** A check of the catalogue that the organisation has withdrawn its change of is as it was; one of its own is judged by no more. */
  private changeOf(last: LastVersion): CheckChange[] {
    const { checkId: id, version, state } = last;
    if (state === 'defined') return [{ id, version, definition: this.definitionOf(last) }];
    return state === 'off' || id.startsWith(OWN) ? [{ id, version, definition: null }] : [];
  }

  private async keep(
    tx: WriteTx,
    checkId: string,
    version: number,
    change: { state: ChangeState; definition: Record<string, unknown> | null; reason: string | null },
  ): Promise<void> {
    const { organizationId, principal } = tx;
    const recordedAt = this.clock.now();
    await this.store.insert(tx, { organizationId, checkId, version, recordedAt, recordedBy: principal.id, ...change });
    const definition = change.definition as JsonValue;
    await this.audit.record(tx, {
      action: change.state === 'withdrawn' ? 'check.withdrawn' : 'check.changed',
      // The id that somebody chose is in the details, which can be erased.
      object: {
        kind: 'check',
        id: nameId('check', checkId),
        version,
        ...(definition === null
          ? {}
          : { sha256: createHash('sha256').update(canonicalJson(definition)).digest('hex') }),
      },
      details: { check: checkId, state: change.state, reason: change.reason },
    });
    await this.queue.send(tx, 'reevaluation', { organizationId, systemId: '', id: organizationId });
  }

  private async views(tx: Tx): Promise<CheckView[]> {
    const views = new Map(this.catalog.definitions.map((definition) => [definition.id, viewOf(definition, 'catalog')]));
    for (const last of await this.store.last(tx, null)) {
      const original = views.get(last.checkId);
      const definition =
        last.state === 'defined' || original === undefined ? this.definitionOf(last) : original.definition;
      if (definition === null) continue;
      views.set(last.checkId, {
        ...viewOf(definition as CheckDefinition, original === undefined ? 'organization' : 'catalog'),
        state: this.stateOf(last.checkId, last.state),
        version: last.version,
        changedAt: last.recordedAt.toISOString(),
        changedBy: last.recordedBy,
        reason: last.reason,
      });
    }
    return [...views.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  private stateOf(id: string, state: ChangeState): CheckSummary['state'] {
    const isOwn = this.fromCatalog(id) === null;
    switch (state) {
      case 'off':
        return 'off';
      case 'withdrawn':
        return isOwn ? 'withdrawn' : 'on';
      case 'defined':
        return isOwn ? 'on' : 'overridden';
    }
  }

  private fromCatalog(id: string): CheckDefinition | null {
    return this.catalog.definitions.find((definition) => definition.id === id) ?? null;
  }
}

const viewOf = (definition: CheckDefinition, origin: CheckSummary['origin']): CheckView => ({
  id: definition.id,
  title: definition.title,
  practices: [...practicesOf(definition)],
  severity: definition.severity,
  origin,
  state: 'on',
  version: 0,
  changedAt: null,
  changedBy: null,
  reason: null,
  definition: { ...definition },
});

const notFound = (): Refusal => new Refusal('not-found', 'There is no such check.');

function found(view: CheckView | undefined): CheckView {
  if (view === undefined) throw notFound();
  return view;
}
