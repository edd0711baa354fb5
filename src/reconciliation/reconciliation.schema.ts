import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { organizationParams } from '../kernel/http/parameters.js';

const AlteredRowsView = z
  .object({
    table: z.string(),
    kind: z.string().meta({ description: 'What the rows are of, as events name it.' }),
    id: z.uuid().meta({ description: 'Of that object.' }),
    foundAt: z.iso.datetime(),
    reason: z.string().meta({ description: 'Which rows and columns; nothing of what stands in them.' }),
  })
  .meta({
    id: 'AlteredRows',
    description: 'Rows that are not what the events about them say, or what they follow from.',
    examples: [
      {
        table: 'member',
        kind: 'member',
        id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02',
        foundAt: '2026-11-23T09:00:00.000Z',
        reason: 'the row has another role',
      },
    ],
  });

const AlteredRowsPage = pageOf(AlteredRowsView, 'AlteredRowsPage')
  .extend({
    lastComparedAt: z.iso.datetime().nullable().meta({
      description:
        'All rows were last compared after this instant, so that what was changed before it is listed. It stays where it is while a row cannot be read, or a thousand of one table are altered, of which no more are listed; null: all of them never were compared, and that nothing is listed says nothing.',
    }),
  })
  .meta({
    id: 'AlteredRowsPage',
    description: 'One page of a list, and when rows were last compared.',
    examples: [
      { items: AlteredRowsView.meta()?.examples ?? [], next: null, lastComparedAt: '2026-11-23T09:00:00.000Z' },
    ],
  });

export const listAlteredRows = operation({
  id: 'listAlteredRows',
  method: 'GET',
  path: '/v1/organizations/:organizationId/log/altered-rows',
  tag: 'Audit',
  summary: 'Rows that the log does not bear out',
  description:
    'Rows that somebody has changed, deleted or put in past the service. They are compared with the events about them every six hours, and before a package is built. Empty where all is well, and again when all was put right; `lastComparedAt` says of when that is.',
  permission: 'audit:read',
  params: organizationParams,
  query: z.strictObject(pageQuery),
  answers: {
    200: { description: 'One page, by table and object.', schema: AlteredRowsPage },
  },
});
