import { Injectable } from '@nestjs/common';
import type { SignedHead } from '../audit/log.js';
import { CustodyService, type ScanOfEvidence } from '../custody/custody.service.js';
import type { Step } from '../custody/steps.js';
import { Database } from '../kernel/db/database.js';
import type { Principal } from '../kernel/principal.js';
import type { OutgoingFile } from './bag.js';

/** Evidence whose steps are read at once: each has some of them, read again and again some thousands. */
const CUSTODY_PAGE = 100;

/** The chain of custody of an evidence; they are asked for in the order of the ids. */
export type CustodyReader = (evidenceId: string) => Promise<readonly Step[]>;

/** `evidence/<id>/custody.jsonl` of each evidence, also of one that is left out: one step per line, oldest first. */
export const custodyFiles = (evidence: readonly { evidenceId: string }[], read: CustodyReader): OutgoingFile[] =>
  evidence.map(({ evidenceId }) => ({
    path: `evidence/${evidenceId}/custody.jsonl`,
    content: (async function* () {
      const steps = await read(evidenceId);
      yield Buffer.from(steps.map((step, at) => `${JSON.stringify({ seq: at + 1, ...step })}\n`).join(''), 'utf8');
    })(),
  }));

/** Reads the custody of the evidence of a package, page by page, as it was known at the package's instant, below the head that the package has. */
@Injectable()
export class PackageCustody {
  constructor(
    private readonly database: Database,
    private readonly custody: CustodyService,
  ) {}

  reader(
    principal: Principal,
    evidence: readonly { evidenceId: string }[],
    tells: (scan: ScanOfEvidence) => boolean,
    knownAt: Date,
    below: SignedHead,
  ): CustodyReader {
    const places = new Map(evidence.map(({ evidenceId }, at) => [evidenceId, at]));
    let page: ReadonlyMap<string, readonly Step[]> = new Map();
    return async (evidenceId) => {
      const found = page.get(evidenceId);
      if (found !== undefined) return found;
      const at = places.get(evidenceId);
      if (at === undefined) throw new Error('the custody of evidence that is not of the package');
      const ids = evidence.slice(at, at + CUSTODY_PAGE).map((item) => item.evidenceId);
      page = await this.database.readSnapshot(principal, (tx) => this.custody.steps(tx, ids, tells, knownAt, below));
      return page.get(evidenceId) ?? [];
    };
  }
}
