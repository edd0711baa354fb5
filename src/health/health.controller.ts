import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { Readiness } from './readiness.js';
import { Refusal } from '../kernel/http/problem.js';
import { Endpoint, operation } from '../kernel/http/endpoint.js';

const Health = z
  .object({ status: z.literal('ok') })
  .meta({ id: 'Health', description: 'All is well.', examples: [{ status: 'ok' }] });

const Ready = z
  .object({
    status: z.literal('ok'),
    log: z.enum(['signed', 'refused']).meta({
      description:
        '`refused`: what is kept of a log here is not what it has signed, or not what was kept of it outside, and its head is no longer signed. An operator is needed; the service goes on.',
    }),
  })
  .meta({ id: 'Readiness', description: 'It can serve.', examples: [{ status: 'ok', log: 'signed' }] });

const live = operation({
  id: 'getLiveness',
  method: 'GET',
  path: '/health/live',
  tag: 'Health',
  summary: 'Is the process alive',
  description: 'For a liveness probe: answers while the event loop turns, whatever the database does.',
  permission: 'public',
  answers: { 200: { description: 'Alive.', schema: Health } },
});

const ready = operation({
  id: 'getReadiness',
  method: 'GET',
  path: '/health/ready',
  tag: 'Health',
  summary: 'Can it serve',
  description: 'For a readiness probe: the database answers and the evidence store can be written.',
  permission: 'public',
  answers: { 200: { description: 'Ready.', schema: Ready } },
  refusals: ['unavailable'],
});

@Controller()
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

  @Endpoint(live)
  live() {
    return { status: 'ok' };
  }

  @Endpoint(ready)
  async ready() {
    const log = await this.readiness.check();
    if (log === null) {
      throw new Refusal('unavailable', 'The database or the evidence store does not answer.', {
        headers: { 'Retry-After': '5' },
      });
    }
    return { status: 'ok', log };
  }
}
