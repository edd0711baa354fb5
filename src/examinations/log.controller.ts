import { Controller } from '@nestjs/common';
import { LogAnswers } from '../audit/log.answers.js';
import { LogService } from '../audit/log.service.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import {
  getEngagementEventProof,
  getEngagementLog,
  getEngagementLogAnchor,
  getEngagementLogCheckpoint,
  getEngagementLogTile,
  proveEngagementConsistency,
  proveEngagementInclusion,
} from './log.schema.js';
import { Reading } from './reading.js';

/** The log, for whom the heads of it shall bind the organisation: an auditor keeps them, and follows it by programs of others. */
@Controller()
export class EngagementLogController {
  constructor(
    private readonly reading: Reading,
    private readonly log: LogService,
    private readonly answers: LogAnswers,
  ) {}

  @Endpoint(getEngagementLog)
  async get(@Call() call: CallOf<typeof getEngagementLog>) {
    return this.reading.seen(getEngagementLog, call, (tx) => this.answers.head(tx));
  }

  @Endpoint(getEngagementLogCheckpoint)
  async checkpoint(@Call() call: CallOf<typeof getEngagementLogCheckpoint>) {
    return this.reading.seen(getEngagementLogCheckpoint, call, (tx) => this.answers.checkpoint(tx));
  }

  @Endpoint(getEngagementLogTile)
  async tile(@Call() call: CallOf<typeof getEngagementLogTile>) {
    return this.reading.seen(getEngagementLogTile, call, (tx) => this.answers.tile(tx, call.params.tile));
  }

  @Endpoint(proveEngagementInclusion)
  async inclusion(@Call() call: CallOf<typeof proveEngagementInclusion>) {
    return this.reading.seen(proveEngagementInclusion, call, (tx) => this.answers.inclusion(tx, call.query));
  }

  @Endpoint(proveEngagementConsistency)
  async consistency(@Call() call: CallOf<typeof proveEngagementConsistency>) {
    return this.reading.seen(proveEngagementConsistency, call, (tx) => this.answers.consistency(tx, call.query));
  }

  @Endpoint(getEngagementEventProof)
  async proof(@Call() call: CallOf<typeof getEngagementEventProof>) {
    return this.reading.seen(getEngagementEventProof, call, (tx) => this.answers.proof(tx, call.params.eventId));
  }

  @Endpoint(getEngagementLogAnchor)
  async anchor(@Call() call: CallOf<typeof getEngagementLogAnchor>) {
    return this.answers.anchor(await this.reading.seen(getEngagementLogAnchor, call, (tx) => this.log.head(tx)));
  }
}
