import { Readable } from 'node:stream';
import { Controller } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import { Call, Download, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { getAgentManifest, getEnrolment } from './enrolment.schema.js';
import { EnrolmentService } from './enrolment.service.js';

@Controller()
export class EnrolmentController {
  constructor(
    private readonly database: Database,
    private readonly enrolments: EnrolmentService,
  ) {}

  @Endpoint(getEnrolment)
  async enrolment(@Call() { principal, params, query }: CallOf<typeof getEnrolment>) {
    return this.database.read(principal, (tx) => this.enrolments.enrolment(tx, params.systemId, query));
  }

  @Endpoint(getAgentManifest)
  async manifest(@Call() { principal, params, query }: CallOf<typeof getAgentManifest>) {
    const manifest = await this.database.read(principal, (tx) => this.enrolments.manifest(tx, params.systemId, query));
    const headers = { 'Content-Type': 'application/yaml', 'Cache-Control': 'private, no-store' };
    return new Download(200, headers, Readable.from([Buffer.from(manifest)]));
  }
}
