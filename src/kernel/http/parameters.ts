import { z } from 'zod';
import { instant } from './instant.js';

/** Path parameters that many operations share. */
export const organizationId = z
  .uuid()
  .toLowerCase()
  .meta({ description: 'The organisation.', examples: ['019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00'] });
export const systemId = z
  .uuid()
  .toLowerCase()
  .meta({ description: 'The system.', examples: ['019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03'] });

export const organizationParams = z.object({ organizationId });
export const systemParams = z.object({ organizationId, systemId });

/** Query parameters of everything that can be asked of a past instant. */
export const instantQuery = {
  asOf: instant.optional().meta({
    description: 'What was so at this instant (RFC 3339 with a zone), by the time that the sources say. Default: now.',
    examples: ['2026-11-16T00:00:00Z'],
  }),
  knownAt: instant.optional().meta({
    description:
      'As it was known to this service at this instant (RFC 3339 with a zone): what was received later is left out. Default: now.',
    examples: ['2026-11-17T00:00:00Z'],
  }),
};

/** A query parameter that is `true` or `false`; false when it is absent. */
export const flag = (description: string) =>
  z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .meta({ description });
