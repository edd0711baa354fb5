import { Controller } from '@nestjs/common';
import { Call, type Download, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { exportRecords, exportRiskRegister } from './exports.schema.js';
import { RecordExport } from './record-export.js';

@Controller()
export class ExportsController {
  constructor(private readonly exports: RecordExport) {}

  @Endpoint(exportRecords)
  export(@Call() { principal, query }: CallOf<typeof exportRecords>): Promise<Download> {
    return this.exports.export(principal, query);
  }

  @Endpoint(exportRiskRegister)
  exportRegister(@Call() { principal, params, query }: CallOf<typeof exportRiskRegister>): Promise<Download> {
    return this.exports.exportRegister(principal, params.recordId, query);
  }
}
