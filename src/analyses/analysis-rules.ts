import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { Tx } from '../kernel/db/database.js';
import { RecordReader } from '../records/record-reader.js';
import { RecordRulesRegistry, type Candidate, type RecordFault, type RecordRules } from '../records/rules.js';
import { analysisOf } from '../risks/fields.js';
import { RisksService } from '../risks/risks.service.js';
import { riskFaults, riskNeighbours, scopeFaults } from '../risks/rules.js';
import { AnalysesStore } from './analyses.store.js';

/** How old the posture may be that an analysis is submitted with, and how far from the instant of which the analysis is: a working day and the night before it. */
const MAX_AGE = 24 * 3_600_000;

/** The rules of risk analyses, plans and risks: their own, and what only the register of systems and the frozen postures tell. */
@Injectable()
export class AnalysisRules implements RecordRules, OnModuleInit {
  readonly neighbours = riskNeighbours;
  readonly faults = riskFaults;

  constructor(
    private readonly registry: RecordRulesRegistry,
    private readonly risks: RisksService,
    private readonly reader: RecordReader,
    private readonly store: AnalysesStore,
  ) {}

  onModuleInit(): void {
    this.registry.add('risks', this);
  }

  async examine(tx: Tx, candidate: Candidate, now: Date): Promise<RecordFault[]> {
    if (candidate.type !== 'risk_analysis' || candidate.kind === 'end') return [];
    const analysis = analysisOf(candidate);
    if (analysis === null) return [];
    const { systems, versions } = await this.risks.scope(tx, { asOf: now, knownAt: now });
    return [...scopeFaults(analysis, systems, versions), ...(await this.postureFaults(tx, candidate, now))];
  }

  /**
   * Of the postures that it is documented by one was frozen by the service, of the instant from which the analysis is to count (or of now, where that is to come), and by
   * what was known shortly before it was submitted. An analysis of an earlier day rests on the measures of that day, and on none that came since.
   */
  private async postureFaults(tx: Tx, candidate: Candidate, now: Date): Promise<RecordFault[]> {
    const named = candidate.documents.filter(({ role }) => role === 'posture');
    if (named.length === 0) return [];
    const { submittedAt } = await this.reader.read(tx, candidate.id, candidate.version);
    // Null while it is being submitted; whoever decides on it later decides on what was submitted.
    const submitted = submittedAt === null ? now : new Date(submittedAt);
    const counts = Math.min(candidate.effectiveFrom.getTime(), submitted.getTime());
    for (const { evidenceId } of named) {
      const frozen = await this.store.findFrozen(tx, evidenceId);
      if (frozen === null) continue;
      const isKnown = submitted.getTime() - frozen.knownAt.getTime() <= MAX_AGE;
      if (isKnown && Math.abs(frozen.asOf.getTime() - counts) <= MAX_AGE) return [];
    }
    return [
      {
        pointer: '/documents',
        detail:
          'The posture is not one that the service froze in the last 24 hours, as of the day from which the analysis counts: ' +
          `freeze it anew, with asOf=${new Date(counts).toISOString()}.`,
      },
    ];
  }
}
