import { Controller } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import type { Tx } from '../kernel/db/database.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { instantOf } from '../kernel/http/instant.js';
import { decodeCursor, encodeCursor } from '../kernel/http/page.js';
import type { Principal } from '../kernel/principal.js';
import { SystemService } from '../organizations/system.service.js';
import { getKeyHistory, listKeys, type KeyView, type RotationView } from './keys.schema.js';
import { KeysService } from './keys.service.js';
import type { LedgerRotation } from './ledger.js';
import { keyView } from './view.js';

/** The ledger of a system is made for each question: of so many of them for one page. */
const SYSTEMS_A_PAGE = 100;

@Controller()
export class KeysController {
  constructor(
    private readonly database: Database,
    private readonly systems: SystemService,
    private readonly keys: KeysService,
  ) {}

  @Endpoint(listKeys)
  async list(@Call() call: CallOf<typeof listKeys>) {
    const { limit, cursor, asOf, knownAt, system, state, purpose } = call.query;
    const after = decodeCursor(cursor, ['uuid', 'uuid']);
    await this.awaitKnown(call.principal, system ?? null, knownAt);
    return this.database.readSnapshot(call.principal, async (tx) => {
      if (system !== undefined) await this.systems.requireSystem(tx, system);
      const instant = instantOf({ asOf, knownAt }, await this.keys.present(tx, system ?? null));
      const ids = system === undefined ? await this.inScope(tx, instant) : [system];
      const items: KeyView[] = [];
      let looked = 0;
      for (const systemId of ids.filter((id) => after === null || id >= after[0])) {
        if (looked++ === SYSTEMS_A_PAGE)
          return { items, next: encodeCursor([systemId, '00000000-0000-0000-0000-000000000000']) };
        const ledger = (await this.keys.ledger(tx, instant, systemId))
          .filter(({ fields, findings }) => {
            const isSuch =
              state === undefined ||
              (state === 'ok' ? findings.length === 0 : findings.some((finding) => finding.state === state));
            return isSuch && (purpose === undefined || fields?.purpose === purpose);
          })
          .filter(({ id }) => after?.[0] !== systemId || id > after[1])
          .sort((one, other) => (one.id < other.id ? -1 : 1));
        for (const key of ledger) {
          const last = items.at(-1);
          if (last !== undefined && items.length === limit)
            return { items, next: encodeCursor([last.systemId, last.id]) };
          items.push(keyView(systemId, key));
        }
      }
      return { items, next: null };
    });
  }

  private async inScope(tx: Tx, instant: Parameters<SystemService['systemsAsOf']>[1]): Promise<string[]> {
    return (await this.systems.systemsAsOf(tx, instant)).map(({ id }) => id);
  }

  /** Whoever names what was known is told what stays so. In transactions of their own: a snapshot is taken by its first statement, and would not show what was waited for. */
  private async awaitKnown(principal: Principal, system: string | null, knownAt: string | undefined): Promise<void> {
    if (knownAt === undefined) return;
    const instant = await this.database.read(principal, async (tx) => {
      if (system !== null) await this.systems.requireSystem(tx, system);
      const asked = instantOf({ knownAt }, await this.keys.present(tx, system));
      await this.systems.awaitRegistered(tx, asked.knownAt);
      return asked;
    });
    await this.database.read(principal, async (tx) => {
      const ids = system === null ? await this.inScope(tx, instant) : [system];
      await this.keys.awaitKnown(tx, ids, instant.knownAt);
    });
  }

  @Endpoint(getKeyHistory)
  async history(@Call() call: CallOf<typeof getKeyHistory>) {
    await this.awaitKnown(call.principal, null, call.query.knownAt);
    return this.database.readSnapshot(call.principal, async (tx) => {
      const instant = instantOf(call.query, await this.keys.present(tx, null));
      const { key, rotations } = await this.keys.history(tx, instant, call.params.recordId);
      return { recordId: key.id, name: key.naturalKey, items: rotations.map(rotationView) };
    });
  }
}

function rotationView({ at, version, event, denied, tellings }: LedgerRotation): RotationView {
  return {
    at: at.toISOString(),
    version,
    fromVersion: event?.fromVersion ?? null,
    requestedBy: event?.requestedBy ?? null,
    performedBy: event?.performedBy ?? null,
    reason: event?.reason ?? null,
    incident: event?.incident ?? null,
    reencryption: event?.reencryption ?? null,
    counts: !denied,
    tellings: tellings.map((telling) => ({ ...telling.by, at: telling.at.toISOString() })),
  };
}
