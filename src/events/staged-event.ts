import type { CopyRows } from '../kernel/db/copy-rows.js';
import { nameId } from '../kernel/ids.js';
import type { SecurityEvent } from './event.js';

/** Where events lie until `EventsService.keep` takes them, in the order of columns in which `copyEvent` writes them. */
export const EVENT_STAGING = 'staging_event';
export const EVENT_STAGING_COLUMNS = `id uuid, source text, native_id text, at timestamptz, category text, severity text, actor text,
  action text, resource text, namespace text, status_code integer, source_ip text`;

export function copyEvent(to: CopyRows, event: SecurityEvent): void {
  to.row(12);
  to.uuid(eventId(event));
  to.text(event.source);
  to.text(event.id);
  to.instant(event.at);
  to.text(event.category);
  to.text(event.severity);
  to.text(event.actor);
  to.text(event.action);
  to.text(event.resource);
  to.text(event.namespace);
  to.integer(event.statusCode);
  to.text(event.sourceIp);
}

/**
 * The identity of an event: all that its source says of it. The source's own id alone would not do: a client of a Kubernetes API server may choose the id of its
 * requests (header `Audit-ID`), and could hide one behind an earlier one of the same id. Category and severity are our reading, and no part of it.
 */
export const eventId = (event: SecurityEvent): string =>
  nameId(
    'event',
    event.source,
    event.id,
    event.at,
    event.actor,
    event.action,
    event.resource,
    event.namespace ?? '',
    String(event.statusCode ?? ''),
    event.sourceIp,
  );
