import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { cloudEventOf } from '../../src/notices/cloud-event.js';
import { NOTICE_TYPES } from '../../src/notices/events.js';
import { changeWebhook, createWebhook } from '../../src/notices/webhooks.schema.js';

/** Three folders above the compiled file. */
const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8');

const page = read('docs/notices.md');
const contract = parse(read('openapi.yaml')) as {
  paths: Record<string, Record<string, { operationId: string; tags: string[]; parameters?: { name: string }[] }>>;
};

describe('does docs/notices.md say what the program does?', () => {
  it('is each event in its table, and no other?', () => {
    const rows = [...page.matchAll(/^\| `([a-z.-]+)` +\| `([a-z-]+)\//gm)].map(([, type]) => type);
    expect(rows.sort()).toEqual(Object.keys(NOTICE_TYPES).sort());
  });

  it('is each body in it one that its operation takes?', () => {
    const bodies = [...page.matchAll(/^```json\n(.*?)^```$/gms)].map(([, json = '']) => JSON.parse(json) as unknown);
    expect(bodies).toHaveLength(2);
    createWebhook.body.parse(bodies[0]);
    changeWebhook.body.parse(bodies[1]);
  });

  it('is each request in it one of the API, and each operation told of?', () => {
    const requests = [...page.matchAll(/^(GET|POST|DELETE) (\/v1\S+)$/gm)];
    expect(requests.length).toBeGreaterThan(4);
    for (const [, method = '', request = ''] of requests) {
      const [path = '', query] = request.split('?');
      const found = contract.paths[path]?.[method.toLowerCase()];
      expect(found, request).toBeDefined();
      for (const name of new URLSearchParams(query).keys()) {
        expect(found?.parameters?.map((parameter) => parameter.name)).toContain(name);
      }
    }
    const operations = Object.values(contract.paths)
      .flatMap((methods) => Object.values(methods))
      .filter(({ tags }) => tags.includes('Notices'));
    expect(operations.length).toBe(10);
    expect(operations.filter(({ operationId }) => !page.includes(`\`${operationId}\``))).toEqual([]);
  });

  it('is the event in it what is sent?', () => {
    const shown = /^\{\n {2}"specversion".*?^\}$/ms.exec(page)?.[0] ?? '';
    const event = JSON.parse(shown) as { id: string; subject: string; time: string; data: Record<string, string> };
    const { id, subject, time, data } = event;
    const notice = { id, type: 'control.status-changed', subject, at: new Date(time), data } as const;
    expect(JSON.parse(cloudEventOf('019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00', notice))).toEqual(event);
  });
});
