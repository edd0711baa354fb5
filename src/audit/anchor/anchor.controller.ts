import { Controller } from '@nestjs/common';
import { Database } from '../../kernel/db/database.js';
import { Call, Endpoint, type CallOf } from '../../kernel/http/endpoint.js';
import { LogAnswers } from '../log.answers.js';
import { LogService } from '../log.service.js';
import { getLogAnchor } from './anchor.schema.js';

@Controller()
export class AnchorController {
  constructor(
    private readonly database: Database,
    private readonly log: LogService,
    private readonly answers: LogAnswers,
  ) {}

  @Endpoint(getLogAnchor)
  async get(@Call() { principal }: CallOf<typeof getLogAnchor>) {
    return this.answers.anchor(await this.database.read(principal, (tx) => this.log.head(tx)));
  }
}
