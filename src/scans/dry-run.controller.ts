import { Controller } from '@nestjs/common';
import type { CheckDefinition } from '../catalog/checks.schema.js';
import { ChecksService } from '../checks/checks.service.js';
import { CheckTrial } from '../checks/trial.js';
import { EvidenceService } from '../evidence/evidence.service.js';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { Refusal } from '../kernel/http/problem.js';
import { MAX_TRIED, tryCheck } from './dry-run.schema.js';
import { Parser } from './parser.js';
import { SnapshotsService } from './snapshots.service.js';

/** Tries a check on what was collected last. */
@Controller()
export class DryRunController {
  constructor(
    private readonly database: Database,
    private readonly checks: ChecksService,
    private readonly trial: CheckTrial,
    private readonly snapshots: SnapshotsService,
    private readonly evidence: EvidenceService,
    private readonly parser: Parser,
  ) {}

  @Endpoint(tryCheck)
  async run(@Call() { principal, body }: CallOf<typeof tryCheck>) {
    if ('definition' in body) await this.trial.require(body.definition);
    const definition =
      'definition' in body
        ? (body.definition as CheckDefinition)
        : this.checks.withConstants(body.checkId, body.params);
    const { snapshot, rules, size } = await this.database.read(principal, async (tx) => {
      const rules = await this.checks.rulesOfOne(tx, body.systemId, definition);
      const snapshot = await this.snapshots.find(tx, body.systemId);
      if (snapshot === null) {
        throw new Refusal('conflict', 'The system has no snapshot yet: post one first.', { pointer: '/systemId' });
      }
      return { snapshot, rules, size: (await this.evidence.find(tx, snapshot.evidenceId)).size };
    });
    const tried = await this.parser.tryOut(size, () => this.evidence.openFile(principal, snapshot.evidenceId), {
      declared: { targets: [], partial: false },
      rules,
      most: MAX_TRIED,
    });
    if (tried === 'limit')
      throw new Refusal('check-refused', 'It takes more time or memory than a snapshot is given.', {
        pointer: 'definition' in body ? '/definition' : '/checkId',
      });
    return {
      snapshot: {
        scanId: snapshot.scanId,
        evidenceId: snapshot.evidenceId,
        observedAt: snapshot.observedAt.toISOString(),
      },
      counts: tried.counts,
      complete: tried.complete,
      results: tried.results.map(({ resource, namespace, status, message }) => ({
        resource,
        namespace,
        status,
        message,
      })),
      notes: tried.notes,
    };
  }
}
