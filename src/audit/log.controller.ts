import { Controller } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { LogAnswers } from './log.answers.js';
import { getEventProof, getLog, getLogCheckpoint, getLogTile, proveConsistency, proveInclusion } from './log.schema.js';

@Controller()
export class LogController {
  constructor(
    private readonly database: Database,
    private readonly answers: LogAnswers,
  ) {}

  @Endpoint(getLog)
  async get(@Call() { principal }: CallOf<typeof getLog>) {
    return this.database.read(principal, (tx) => this.answers.head(tx));
  }

  @Endpoint(getLogCheckpoint)
  async checkpoint(@Call() { principal }: CallOf<typeof getLogCheckpoint>) {
    return this.database.read(principal, (tx) => this.answers.checkpoint(tx));
  }

  @Endpoint(getLogTile)
  async tile(@Call() { principal, params }: CallOf<typeof getLogTile>) {
    return this.database.read(principal, (tx) => this.answers.tile(tx, params.tile));
  }

  @Endpoint(proveInclusion)
  async inclusion(@Call() { principal, query }: CallOf<typeof proveInclusion>) {
    return this.database.read(principal, (tx) => this.answers.inclusion(tx, query));
  }

  @Endpoint(proveConsistency)
  async consistency(@Call() { principal, query }: CallOf<typeof proveConsistency>) {
    return this.database.read(principal, (tx) => this.answers.consistency(tx, query));
  }

  @Endpoint(getEventProof)
  async proof(@Call() { principal, params }: CallOf<typeof getEventProof>) {
    return this.database.read(principal, (tx) => this.answers.proof(tx, params.eventId));
  }
}
