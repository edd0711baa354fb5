import type { Notice } from './events.js';

/** What is sent is small, so that a receiver may bound what it reads. Bytes. */
export const MAX_BODY_BYTES = 32 * 1024;

/** The media type of an event that is one JSON text with its data (CloudEvents 1.0, HTTP protocol binding, section 3.2). */
export const CLOUD_EVENT = 'application/cloudevents+json';

/** A notice as a CloudEvent 1.0 in JSON: the same bytes each time it is sent. Never of more than 32 kB. */
export function cloudEventOf(organizationId: string, { id, type, subject, at, data }: Notice): string {
  const text = JSON.stringify({
    specversion: '1.0',
    id,
    source: `/v1/organizations/${organizationId}`,
    type: `dev.safeguard.${type}.v1`,
    subject,
    time: at.toISOString(),
    datacontenttype: 'application/json',
    data,
  });
  if (Buffer.byteLength(text) > MAX_BODY_BYTES) throw new Error(`a notice of type ${type} is larger than what is sent`);
  return text;
}
