import { Controller } from '@nestjs/common';
import { Database } from '../../kernel/db/database.js';
import { Call, Endpoint, type CallOf } from '../../kernel/http/endpoint.js';
import { Refusal } from '../../kernel/http/problem.js';
import { LogService } from '../log.service.js';
import { getLogAnchor } from './anchor.schema.js';
import { AnchorService } from './anchor.service.js';

@Controller()
export class AnchorController {
  constructor(
    private readonly database: Database,
    private readonly log: LogService,
    private readonly anchors: AnchorService,
  ) {}

  @Endpoint(getLogAnchor)
  async get(@Call() call: CallOf<typeof getLogAnchor>) {
    const { origin, size } = await this.database.read(call.principal, (tx) => this.log.head(tx));
    const files = await this.anchors.filesFor(origin, size);
    if (files === null)
      throw new Refusal('not-found', 'No head of the log is anchored yet. Ask again in some minutes.');
    return {
      logCheckpoint: files.tenantCheckpoint.toString('utf8'),
      proof: files.proof.toString('utf8'),
      checkpoint: files.checkpoint.toString('utf8'),
      timeStamp: files.timeStamp?.toString('base64') ?? null,
      policy: files.policy,
      keys: { anchor: files.key, witnesses: files.witnesses },
    };
  }
}
