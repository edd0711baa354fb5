import { Controller } from '@nestjs/common';
import { Call, Download, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { XLSX_TYPE } from '../kernel/tables/xlsx-write.js';
import { exportRecords, exportRiskRegister } from './exports.schema.js';
import { RecordExport, type ExportedTable, type ExportFormat } from './record-export.js';

@Controller()
export class ExportsController {
  constructor(private readonly exports: RecordExport) {}

  @Endpoint(exportRecords)
  async export(@Call() { principal, query }: CallOf<typeof exportRecords>): Promise<Download> {
    return downloadOf(query.format, await this.exports.export(principal, query));
  }

  @Endpoint(exportRiskRegister)
  async exportRegister(@Call() { principal, params, query }: CallOf<typeof exportRiskRegister>): Promise<Download> {
    return downloadOf(query.format, await this.exports.exportRegister(principal, params.recordId, query));
  }
}

const downloadOf = (format: ExportFormat, { content, fileName }: ExportedTable): Download =>
  new Download(
    200,
    {
      'Content-Type': format === 'csv' ? 'text/csv; charset=utf-8; header=present' : XLSX_TYPE,
      'Content-Disposition': `attachment; filename="${fileName}"`,
      'Cache-Control': 'private, no-store',
    },
    content,
  );
