import { z } from 'zod';
import { recordTypeName } from '../catalog/fields.js';
import { operation } from '../kernel/http/endpoint.js';
import { instantQuery, organizationParams } from '../kernel/http/parameters.js';
import { TABLE_TYPES, tableFormat } from '../kernel/http/table.js';
import { register, registerParams } from './imports.schema.js';

export const exportRecords = operation({
  id: 'exportRecords',
  method: 'GET',
  path: '/v1/organizations/:organizationId/exports/records',
  tag: 'Bulk',
  summary: 'Export a table of records',
  description:
    'The records of one type in effect at an instant, one a row: what each record has, and the fields of its type, members of objects as `object.member`. What names a member, a ' +
    'system or a record is written by its name or key where that leads back to it. An XLSX says on its second sheet what each column means. The same table is imported as it is: then ' +
    'every row is `unchanged`. Texts that a spreadsheet would take for formulas are disarmed. Records that were disposed of are left out.',
  permission: 'records:read',
  params: organizationParams,
  query: z.strictObject({
    type: recordTypeName.meta({ description: 'Their type.', examples: ['vendor'] }),
    format: tableFormat.default('csv').meta({ description: 'CSV (RFC 4180, UTF-8) or an XLSX workbook.' }),
    ...instantQuery,
  }),
  answers: {
    200: {
      description: 'The table.',
      binary: { mediaTypes: TABLE_TYPES, description: 'The head, and a row for each record.' },
      headers: { 'Content-Disposition': 'A name for the file.' },
    },
  },
  refusals: ['record-type-refused'],
});

export const exportRiskRegister = operation({
  id: 'exportRiskRegister',
  method: 'GET',
  path: register,
  tag: 'Bulk',
  summary: 'Export the risk register of an analysis',
  description:
    'The risks of an analysis in effect at an instant, in the shape that risk registers have: a row for each, its level by the matrix of the analysis, and its status at that instant ' +
    '(`Open`, `Overdue`, `Done`, `Accepted`). The same table is imported as it is by `importRiskRegister`.',
  permission: 'records:read',
  params: registerParams,
  query: z.strictObject({
    format: tableFormat.default('xlsx').meta({ description: 'CSV or an XLSX workbook.' }),
    ...instantQuery,
  }),
  answers: exportRecords.answers,
});
