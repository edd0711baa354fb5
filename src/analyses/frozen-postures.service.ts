import { Injectable } from '@nestjs/common';
import type { Tx } from '../kernel/db/database.js';
import { AnalysesStore } from './analyses.store.js';

/** Why a frozen posture is withheld where only some of the organisation's systems are shown. */
export const OF_ALL_SYSTEMS =
  'It is the frozen posture of the whole organisation, and tells of systems that are not of the scope.';

/** Which evidence is a posture that the service froze. */
@Injectable()
export class FrozenPostures {
  constructor(private readonly store: AnalysesStore) {}

  /**
   * Those of the evidence that are not for whoever is shown named systems alone: a posture is frozen of the whole organisation, and names every system in it. By what was
   * frozen, not by the role of a document: the same bytes are the same evidence, whatever record they are put on.
   */
  ofAllSystems(tx: Tx, evidenceIds: readonly string[]): Promise<ReadonlySet<string>> {
    return this.store.frozenAmong(tx, evidenceIds);
  }
}
