import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { cloudEventOf } from './cloud-event.js';
import type { Notice } from './events.js';
import { newSecret, signedHeaders, writtenSecret } from './signature.js';

const ORGANIZATION = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00';
const NOTICE: Notice = {
  id: '5c6fdb9a-07d0-8f2e-a4b6-2a40f4ac2b1f',
  type: 'control.status-changed',
  subject: 'controls/164.312(b)',
  at: new Date('2026-11-26T09:00:00Z'),
  data: { control: '164.312(b)', from: 'evidenced', to: 'stale', words: 'Prüfung — «süß»' },
};

describe('is what is sent what Standard Webhooks asks for?', () => {
  const secret = newSecret();
  const body = cloudEventOf(ORGANIZATION, NOTICE);

  it('is it verified by the library of the specification?', () => {
    const headers = signedHeaders(NOTICE.id, new Date(), body, [secret]);
    expect(new Webhook(writtenSecret(secret)).verify(body, headers)).toMatchObject({ specversion: '1.0' });
  });

  it('is it verified by either of two secrets while one takes the place of the other?', () => {
    const next = newSecret();
    const headers = signedHeaders(NOTICE.id, new Date(), body, [next, secret]);
    for (const one of [secret, next]) new Webhook(writtenSecret(one)).verify(body, headers);
    expect(() => new Webhook(writtenSecret(newSecret())).verify(body, headers)).toThrow();
  });

  it('does a change of any of what is signed break it?', () => {
    const headers = signedHeaders(NOTICE.id, new Date(), body, [secret]);
    const receiver = new Webhook(writtenSecret(secret));
    expect(() => receiver.verify(body.replace('stale', 'evidenced'), headers)).toThrow();
    expect(() => receiver.verify(body, { ...headers, 'webhook-id': randomUUID() })).toThrow();
    const later = String(Number(headers['webhook-timestamp']) + 1);
    expect(() => receiver.verify(body, { ...headers, 'webhook-timestamp': later })).toThrow();
  });

  it('is an old message refused that is sent again?', () => {
    const headers = signedHeaders(NOTICE.id, new Date(Date.now() - 6 * 60_000), body, [secret]);
    expect(() => new Webhook(writtenSecret(secret)).verify(body, headers)).toThrow(/old/);
  });

  it('has each secret 32 bytes of its own?', () => {
    const secrets = Array.from({ length: 50 }, () => writtenSecret(newSecret()));
    expect(new Set(secrets).size).toBe(50);
    for (const one of secrets) expect(Buffer.from(one.replace(/^whsec_/, ''), 'base64')).toHaveLength(32);
  });
});

describe('is what is sent a CloudEvent?', () => {
  it('has it the attributes of version 1.0, and the same bytes each time?', () => {
    const text = cloudEventOf(ORGANIZATION, NOTICE);
    expect(text).toBe(cloudEventOf(ORGANIZATION, { ...NOTICE }));
    expect(JSON.parse(text)).toEqual({
      specversion: '1.0',
      id: NOTICE.id,
      source: `/v1/organizations/${ORGANIZATION}`,
      type: 'dev.safeguard.control.status-changed.v1',
      subject: 'controls/164.312(b)',
      time: '2026-11-26T09:00:00.000Z',
      datacontenttype: 'application/json',
      data: NOTICE.data,
    });
  });

  it('is one refused that is larger than receivers are told to read?', () => {
    const records = Array.from({ length: 2_000 }, () => randomUUID());
    expect(() => cloudEventOf(ORGANIZATION, { ...NOTICE, data: { records } })).toThrow(/larger/);
  });
});
