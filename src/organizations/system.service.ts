import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { brokenConstraint, type Tx, type WriteTx } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import { newId } from '../kernel/ids.js';
import { Queue } from '../kernel/queue.js';
import type { Registered, Versions } from './register.memory.js';
import { RegisterStore } from './register.store.js';
import type { SystemRow } from './system.entity.js';
import type { Environment, NewSystem, Phi, SystemChange, SystemView } from './system.schema.js';
import { SystemStore, type SystemFilter } from './system.store.js';
import { ONLY_LOCKED, requireVersion } from './version.js';

/** What was so at `asOf`, as it was known at `knownAt`. */
export interface Instants {
  asOf: Date;
  knownAt: Date;
}

/** A system as it was at an instant. */
export interface SystemInEffect {
  id: string;
  version: number;
  name: string;
  environment: Environment;
  phi: Phi;
  phiNamespaces: readonly string[];
}

/** A time through which a system handled PHI. */
export interface PhiSpan {
  id: string;
  name: string;
  from: Date;
  /** Null: it still does. */
  to: Date | null;
}

@Injectable()
export class SystemService {
  /** By what is known last of all systems: every posture asks for it. */
  private readonly spans = new WeakMap<Versions, readonly PhiSpan[]>();

  constructor(
    private readonly store: SystemStore,
    private readonly audit: AuditService,
    private readonly queue: Queue,
    private readonly register: RegisterStore,
  ) {}

  /** Null when there is none in sight of the principal: an agent sees those that it is bound to. */
  async findSystem(tx: Tx, id: string): Promise<SystemView | null> {
    const row = await this.store.find(tx, id);
    return row === null ? null : view(row);
  }

  /** The system, also a retired one; or the refusal `not-found`. */
  async requireSystem(tx: Tx, id: string): Promise<SystemView> {
    return view(found(await this.store.find(tx, id)));
  }

  /**
   * The systems in scope at `asOf` as known at `knownAt`, each in the version then in effect, by id. One that was registered after `asOf` counts with its
   * first version, because reports may tell of a time before; a retired one drops out from its retirement on.
   */
  systemsAsOf(tx: Tx, instants: Instants): Promise<readonly SystemInEffect[]> {
    return this.inScope(tx, instants, null);
  }

  /** The same of one system; null where it was not in scope. */
  async systemAsOf(tx: Tx, instants: Instants, id: string): Promise<SystemInEffect | null> {
    const [system] = await this.inScope(tx, instants, id);
    return system ?? null;
  }

  /** When each system handled PHI, as its versions said that were recorded up to `knownAt`: also of those that are retired, or do nothing with PHI any more. */
  async phiSpans(tx: Tx, knownAt: Date): Promise<readonly PhiSpan[]> {
    const systems = await this.store.versions(tx);
    const known = knownAt.getTime();
    if (systems.some((versions) => (versions.at(-1)?.recordedAt ?? 0) > known)) {
      return systems.flatMap((versions) => spansOf(versions.filter(({ recordedAt }) => recordedAt <= known)));
    }
    const spans = this.spans.get(systems) ?? systems.flatMap(spansOf);
    this.spans.set(systems, spans);
    return spans;
  }

  private inScope(tx: Tx, { asOf, knownAt }: Instants, id: string | null): Promise<readonly SystemInEffect[]> {
    const at = asOf < knownAt ? asOf : knownAt;
    return tx.once(`systems ${id ?? ''} ${at.toISOString()} ${knownAt.toISOString()}`, () =>
      this.store.versionsAsOf(tx, at, knownAt, id),
    );
  }

  /** Major and minor of the clusters of the systems, by id, as far as snapshots have said them: at `asOf` as known at `knownAt`. */
  async clusterVersions(tx: Tx, instants: Instants): Promise<Map<string, string>> {
    const rows = await this.store.clusterVersions(tx, instants);
    return new Map(rows.map(({ id, version }) => [id, version]));
  }

  /**
   * Told of each snapshot that is taken, with the system's scans locked: `version` is the major and minor of its cluster. Kept where it is another than before. What
   * is said of the organisation then changes.
   */
  async noteVersion(
    tx: WriteTx,
    systemId: string,
    { version, observedAt, knownAt }: { version: string; observedAt: Date; knownAt: Date },
  ): Promise<void> {
    if (!(await this.store.noteVersion(tx, systemId, version, observedAt, knownAt))) return;
    await this.audit.record(tx, {
      action: 'system.version_observed',
      object: { kind: 'system', id: systemId },
      details: { observedAt: observedAt.toISOString(), value: version },
      at: knownAt,
    });
    const { organizationId } = tx;
    await this.queue.send(tx, 'posture', { organizationId, systemId: '', id: organizationId });
  }

  /** The last version of a system (null: of each), retired ones too. */
  lastVersions(tx: Tx, id: string | null): Promise<{ systemId: string; version: number; recordedAt: Date }[]> {
    return this.store.lastVersions(tx, id);
  }

  /** From when on the versions of a system after one count. */
  async changes(tx: Tx, id: string, version: number): Promise<Date[]> {
    return (await this.store.versionsSince(tx, id, version)).map(({ recordedAt }) => recordedAt);
  }

  /** Waits for changes of systems and settings under way: which there are, and what they say, is final then at the instant. */
  awaitRegistered(tx: Tx, knownAt: Date): Promise<void> {
    return this.register.awaitWritten(tx, knownAt);
  }

  /** By id. */
  async list(tx: Tx, filter: SystemFilter): Promise<SystemView[]> {
    return (await this.store.list(tx, filter)).map(view);
  }

  async create(tx: WriteTx, system: NewSystem): Promise<SystemView> {
    const now = await this.register.lock(tx);
    const row: SystemRow = {
      organizationId: tx.organizationId,
      id: newId(),
      name: system.name,
      environment: system.environment,
      phi: system.phi,
      phiNamespaces: system.phiNamespaces.toSorted(),
      version: 1,
      createdAt: now,
      updatedAt: now,
      retiredAt: null,
    };
    await uniquelyNamed(this.store.insert(tx, row));
    await this.audit.record(tx, {
      action: 'system.created',
      object: { kind: 'system', id: row.id, version: 1 },
      details: described(row),
      at: row.updatedAt,
    });
    return view(row);
  }

  async change(tx: WriteTx, id: string, version: number | null, change: SystemChange): Promise<SystemView> {
    const now = await this.register.lock(tx);
    const before = found(await this.store.lock(tx, id));
    if (before.retiredAt !== null) throw new Refusal('conflict', 'The system is retired: it stays as it was.');
    requireVersion(before.version, version);
    const row: SystemRow = {
      ...before,
      name: change.name ?? before.name,
      environment: change.environment ?? before.environment,
      phi: change.phi ?? before.phi,
      phiNamespaces: change.phiNamespaces?.toSorted() ?? before.phiNamespaces,
      version: before.version + 1,
      updatedAt: now,
    };
    await uniquelyNamed(this.store.update(tx, row));
    await this.audit.record(tx, {
      action: 'system.changed',
      object: { kind: 'system', id, version: row.version },
      details: { before: described(before), after: described(row) },
      at: row.updatedAt,
    });
    // Which objects hold PHI is part of how its snapshots are judged.
    if (!isDeepStrictEqual(row.phiNamespaces, before.phiNamespaces)) {
      await this.queue.send(tx, 'reevaluation', { organizationId: row.organizationId, systemId: id, id });
    }
    return view(row);
  }

  async retire(tx: WriteTx, id: string): Promise<SystemView> {
    const now = await this.register.lock(tx);
    const before = found(await this.store.lock(tx, id));
    if (before.retiredAt !== null) {
      tx.withoutAudit(ONLY_LOCKED);
      return view(before);
    }
    const row: SystemRow = { ...before, version: before.version + 1, updatedAt: now, retiredAt: now };
    await this.store.update(tx, row);
    await this.audit.record(tx, {
      action: 'system.retired',
      object: { kind: 'system', id, version: row.version },
      details: described(row),
      at: row.updatedAt,
    });
    return view(row);
  }
}

function spansOf(versions: readonly Registered[]): PhiSpan[] {
  const spans: PhiSpan[] = [];
  const last = versions.at(-1);
  let from: Date | null = null;
  for (const { says, recordedAt, isRetired } of versions) {
    const handlesPhi = says.phi !== 'none' && !isRetired;
    if (handlesPhi) from ??= new Date(recordedAt);
    else if (from !== null) {
      spans.push({ id: says.id, name: says.name, from, to: new Date(recordedAt) });
      from = null;
    }
  }
  if (last !== undefined && from !== null) spans.push({ id: last.says.id, name: last.says.name, from, to: null });
  return spans;
}

async function uniquelyNamed(write: Promise<void>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (brokenConstraint(error) !== 'system_name') throw error;
    throw new Refusal('conflict', 'A system in use has this name. Choose another, or retire that one.', {
      pointer: '/name',
    });
  }
}

function found(row: SystemRow | null): SystemRow {
  if (row === null) throw new Refusal('not-found', 'There is no such system.');
  return row;
}

const described = ({ name, environment, phi, phiNamespaces }: SystemRow) => ({ name, environment, phi, phiNamespaces });

const view = (row: SystemRow): SystemView => ({
  id: row.id,
  name: row.name,
  environment: row.environment,
  phi: row.phi,
  phiNamespaces: row.phiNamespaces,
  version: row.version,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
  retiredAt: row.retiredAt?.toISOString() ?? null,
});
