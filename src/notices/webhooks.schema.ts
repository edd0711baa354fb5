import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { instant } from '../kernel/http/instant.js';
import { pageOf, pageQuery } from '../kernel/http/page.js';
import { organizationId, organizationParams } from '../kernel/http/parameters.js';
import { NOTICE_TYPE_NAMES, NOTICE_TYPES } from './events.js';

export const WEBHOOK_STATES = ['on', 'off', 'failing'] as const;
export type WebhookState = (typeof WEBHOOK_STATES)[number];

export const DELIVERY_STATUSES = ['waiting', 'delivered', 'failed', 'dropped'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

const time = z.iso.datetime();

const noticeType = z.enum(NOTICE_TYPE_NAMES).meta({
  description: Object.entries(NOTICE_TYPES)
    .map(([type, says]) => `\`${type}\`: ${says}`)
    .join(' '),
});

const url = z
  .string()
  .max(2_000)
  .meta({
    description:
      'An https URL of the public Internet, or of a host that the operator has named (WEBHOOK_PRIVATE_HOSTS).',
    examples: ['https://hooks.example.com/safeguard'],
  });

const events = z
  .array(noticeType)
  .min(1)
  .max(NOTICE_TYPE_NAMES.length)
  .refine((list) => new Set(list).size === list.length, 'A type is named once.')
  .meta({ description: 'What it is told of.' });

const example = {
  id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a60',
  url: 'https://hooks.example.com/safeguard',
  events: ['control.status-changed', 'agreement.ending'],
  state: 'on',
  failures: 0,
  failingSince: null,
  previousSecretUntil: null,
  version: 1,
  createdAt: '2026-11-26T09:00:00.000Z',
  createdBy: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a07',
  updatedAt: '2026-11-26T09:00:00.000Z',
} as const;

const SECRET = `whsec_${Buffer.alloc(32).toString('base64')}`;

const webhook = {
  id: z.uuid(),
  url: z.string(),
  events: z.array(noticeType),
  state: z.enum(WEBHOOK_STATES).meta({
    description:
      '`on`: it is told. `off`: somebody has switched it off. `failing`: the service has, because it answered 410, or failed for a day and twenty times in a row.',
  }),
  failures: z.int().meta({ description: 'Failures since it last answered as it should.' }),
  failingSince: time.nullable().meta({ description: 'When the first of them was, UTC.' }),
  previousSecretUntil: time.nullable().meta({ description: 'Until when the secret before this one signs too, UTC.' }),
  version: z.int(),
  createdAt: time.meta({ description: 'UTC.' }),
  createdBy: z.string().meta({ description: 'Id of the member.' }),
  updatedAt: time.meta({ description: 'UTC.' }),
};

const WebhookView = z.object(webhook).meta({
  id: 'Webhook',
  description: 'Where the organisation is told of what happens.',
  examples: [{ ...example, events: [...example.events] }],
});
export type WebhookView = z.output<typeof WebhookView>;

const secret = z.string().meta({
  description: 'By which receivers verify what is sent (Standard Webhooks): shown here and never again.',
});

const WebhookWithSecret = z.object({ ...webhook, secret }).meta({
  id: 'WebhookWithSecret',
  description: 'A webhook, with its secret.',
  examples: [{ ...example, events: [...example.events], secret: SECRET }],
});

const DeliveryView = z
  .object({
    noticeId: z.uuid(),
    type: noticeType,
    subject: z.string(),
    status: z.enum(DELIVERY_STATUSES).meta({
      description:
        '`waiting`: for its first or next try. `failed`: no try is left. `dropped`: the webhook was off or removed when its turn came.',
    }),
    attempts: z.int().meta({ description: 'How often it was sent.' }),
    nextAt: time.nullable().meta({ description: 'When it is tried again at the earliest, UTC.' }),
    lastAt: time.nullable().meta({ description: 'When it was tried last, UTC.' }),
    answered: z.int().nullable().meta({ description: 'The status of the last answer; null: there was none.' }),
    fault: z.string().nullable().meta({ description: 'Why there was no answer.' }),
    createdAt: time.meta({ description: 'UTC.' }),
  })
  .meta({
    id: 'Delivery',
    description: 'What became of telling a notice to a webhook.',
    examples: [
      {
        noticeId: '5c6fdb9a-07d0-8f2e-a4b6-2a40f4ac2b1f',
        type: 'control.status-changed',
        subject: 'controls/164.312(b)',
        status: 'delivered',
        attempts: 1,
        nextAt: null,
        lastAt: '2026-11-26T09:00:01.000Z',
        answered: 204,
        fault: null,
        createdAt: '2026-11-26T09:00:00.000Z',
      },
    ],
  });
export type DeliveryView = z.output<typeof DeliveryView>;

const NoticeView = z
  .object({
    id: z.uuid().meta({ description: '`id` of the CloudEvent, and `webhook-id` of each of its deliveries.' }),
    type: noticeType,
    subject: z.string().meta({ description: 'What it is about, relative to the organisation.' }),
    at: time.meta({ description: 'When it was so, UTC.' }),
    data: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]))
      .meta({ description: 'Ids, types, statuses and instants; docs/notices.md says which for each type.' }),
  })
  .meta({
    id: 'Notice',
    description: 'Something that happened.',
    examples: [
      {
        id: '5c6fdb9a-07d0-8f2e-a4b6-2a40f4ac2b1f',
        type: 'control.status-changed',
        subject: 'controls/164.312(b)',
        at: '2026-11-26T09:00:00.000Z',
        data: { control: '164.312(b)', from: 'evidenced', to: 'stale' },
      },
    ],
  });
export type NoticeView = z.output<typeof NoticeView>;

const webhooks = '/v1/organizations/:organizationId/webhooks';
const webhookParams = z.object({
  organizationId,
  webhookId: z
    .uuid()
    .toLowerCase()
    .meta({ description: 'The webhook.', examples: [example.id] }),
});

export const listWebhooks = operation({
  id: 'listWebhooks',
  method: 'GET',
  path: webhooks,
  tag: 'Notices',
  summary: 'List webhooks',
  description: 'By id. An organisation has at most ten.',
  permission: 'notices:read',
  params: organizationParams,
  query: z.strictObject(pageQuery),
  answers: { 200: { description: 'One page.', schema: pageOf(WebhookView, 'WebhookPage') } },
});

export const createWebhook = operation({
  id: 'createWebhook',
  method: 'POST',
  path: webhooks,
  tag: 'Notices',
  summary: 'Add a webhook',
  description:
    'From now on it is told of what happens, by CloudEvents that are signed as Standard Webhooks says. What happened before is in `listNotices`. The secret is in this answer ' +
    'alone; a retry with the same Idempotency-Key is given it again.',
  permission: 'notices:write',
  params: organizationParams,
  body: z.strictObject({ url, events }).meta({
    id: 'NewWebhook',
    description: 'Who is to be told of what.',
    examples: [{ url: example.url, events: [...example.events] }],
  }),
  answers: { 201: { description: 'Added.', schema: WebhookWithSecret } },
  refusals: ['address-refused', 'conflict'],
  creates: true,
});

export const getWebhook = operation({
  id: 'getWebhook',
  method: 'GET',
  path: `${webhooks}/:webhookId`,
  tag: 'Notices',
  summary: 'Read a webhook',
  description: 'Without its secret.',
  permission: 'notices:read',
  params: webhookParams,
  answers: { 200: { description: 'The webhook.', schema: WebhookView } },
});

export const changeWebhook = operation({
  id: 'changeWebhook',
  method: 'PUT',
  path: `${webhooks}/:webhookId`,
  tag: 'Notices',
  summary: 'Change a webhook',
  description:
    'Its address, what it is told of, and whether. One that the service has switched off is told again once it is `on`; what was dropped meanwhile is sent again by ' +
    '`redeliver`. The secret stays.',
  permission: 'notices:write',
  params: webhookParams,
  body: z.strictObject({ url, events, state: z.enum(['on', 'off']) }).meta({
    id: 'WebhookChange',
    description: 'The whole of what a webhook shall be.',
    examples: [{ url: example.url, events: [...example.events], state: 'off' }],
  }),
  answers: { 200: { description: 'As it is now.', schema: WebhookView } },
  refusals: ['address-refused'],
  edits: true,
});
export type WebhookChange = z.output<(typeof changeWebhook)['body']>;

export const removeWebhook = operation({
  id: 'removeWebhook',
  method: 'DELETE',
  path: `${webhooks}/:webhookId`,
  tag: 'Notices',
  summary: 'Remove a webhook',
  description: 'It is told nothing more, and its secrets are erased.',
  permission: 'notices:write',
  params: webhookParams,
  answers: { 204: { description: 'Removed.' } },
});

export const rotateWebhookSecret = operation({
  id: 'rotateWebhookSecret',
  method: 'POST',
  path: `${webhooks}/:webhookId/secret`,
  tag: 'Notices',
  summary: 'Give a webhook a new secret',
  description:
    'The secret before it signs too for 24 hours, so that receivers may go over to the new one in their own time. Of a secret that somebody else may know rotate twice: then ' +
    'it signs nothing more.',
  permission: 'notices:write',
  params: webhookParams,
  answers: { 200: { description: 'The webhook, with its new secret.', schema: WebhookWithSecret } },
  edits: true,
});

export const listDeliveries = operation({
  id: 'listDeliveries',
  method: 'GET',
  path: `${webhooks}/:webhookId/deliveries`,
  tag: 'Notices',
  summary: 'List deliveries of a webhook',
  description: 'Newest first.',
  permission: 'notices:read',
  params: webhookParams,
  query: z.strictObject({
    ...pageQuery,
    status: z.enum(DELIVERY_STATUSES).optional().meta({ description: 'Only this status.' }),
  }),
  answers: { 200: { description: 'One page.', schema: pageOf(DeliveryView, 'DeliveryPage') } },
});

export const redeliver = operation({
  id: 'redeliver',
  method: 'POST',
  path: `${webhooks}/:webhookId/deliveries/:noticeId/redelivery`,
  tag: 'Notices',
  summary: 'Send a notice again',
  description:
    'At once, with as many tries as at first, and under the same `webhook-id`, by which receivers know what they have had. `conflict` where the webhook is not on.',
  permission: 'notices:write',
  params: webhookParams.extend({
    noticeId: z
      .uuid()
      .toLowerCase()
      .meta({ description: 'The notice.', examples: ['5c6fdb9a-07d0-8f2e-a4b6-2a40f4ac2b1f'] }),
  }),
  answers: { 202: { description: 'It will be sent.', schema: DeliveryView } },
  refusals: ['conflict'],
});

export const listNotices = operation({
  id: 'listNotices',
  method: 'GET',
  path: '/v1/organizations/:organizationId/notices',
  tag: 'Notices',
  summary: 'List notices',
  description:
    'What happened, newest first, for as long as the organisation has had a webhook: nobody looks for news that nobody wants to be told of.',
  permission: 'notices:read',
  params: organizationParams,
  query: z.strictObject({
    ...pageQuery,
    type: noticeType.optional(),
    since: instant.optional().meta({ description: 'Only what was so at this instant or later.' }),
  }),
  answers: { 200: { description: 'One page.', schema: pageOf(NoticeView, 'NoticePage') } },
});

export const getCalendar = operation({
  id: 'getCalendar',
  method: 'GET',
  path: '/v1/organizations/:organizationId/calendar',
  tag: 'Notices',
  summary: 'Calendar of what is due, and of what has changed',
  description:
    'As iCalendar (RFC 5545): agreements that end, records that expire, keys, treatments and duties that are due; days on which statuses of items of the law changed; and days from ' +
    'which on scans are too old, of sources that have stopped or are late. While it is worked out how many systems stood on the last days, one event says so in place of the changes of statuses. There are no secret URLs: whoever reads it has a token. `safeguard calendar` writes the file.',
  permission: 'posture:read',
  params: organizationParams,
  answers: {
    200: {
      description: 'The calendar.',
      binary: { mediaTypes: ['text/calendar'], description: 'RFC 5545, UTF-8.' },
    },
  },
});
