import type { z } from 'zod';
import type { Catalog } from '../catalog/catalog.js';
import { Refusal } from '../kernel/http/problem.js';
import type { selected } from './document.js';
import type { postureQuery } from './posture.operations.js';

/** What of a posture a question wants to see. Refuses a control that the catalogue does not have. */
export function shownBy(
  query: Pick<z.output<typeof postureQuery>, 'control' | 'status'>,
  catalog: Catalog,
): Parameters<typeof selected>[1] {
  if (query.control === undefined) return { control: null, statuses: query.status };
  const control = catalog.control(query.control);
  if (control === null) {
    throw new Refusal('invalid-request', 'The catalogue has no such control.', { pointer: 'query/control' });
  }
  return { control: control.id, statuses: query.status };
}
