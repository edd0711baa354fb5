import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compileFields } from '../../src/catalog/fields.js';
import { loadCatalog } from '../../src/catalog/load.js';
import { createRecord } from '../../src/records/records.schema.js';

/** Three folders above the compiled file. */
const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8');

const catalog = loadCatalog();
const contract = read('openapi.yaml');

describe.each(['docs/keys.md', 'docs/recovery.md'])('%s', (page) => {
  const text = read(page);
  const records = [...text.matchAll(/^```json\n(.*?)^```$/gms)].map(([, json = '']) => JSON.parse(json) as unknown);
  const requests = [...text.matchAll(/^GET (\S+)$/gm)].map(([, path = '']) => path);

  it('is each record in it one that its type takes?', () => {
    expect(records).toHaveLength(2);
    for (const record of records) {
      const { type, fields } = createRecord.body.parse(record);
      const definition = catalog.recordType(type);
      if (definition === null) throw new Error(`no type ${type}`);
      expect(compileFields(definition.fields).safeParse(fields).error).toBeUndefined();
    }
  });

  it('is each request in it one of the API?', () => {
    expect(requests).toHaveLength(2);
    for (const request of requests) {
      const [path, query] = request.split('?');
      expect(contract).toContain(`\n  ${path}:\n`);
      for (const name of new URLSearchParams(query).keys()) expect(contract).toContain(`name: ${name}\n`);
    }
  });

  it('are all the practices and types that it names there?', () => {
    const names = [...text.matchAll(/`([a-z]+(?:[-_][a-z]+)+)`/g)].map(([, name = '']) => name);
    const types = names.filter((name) => catalog.recordType(name) !== null);
    const practices = names.filter((name) => catalog.practice(name) !== null);
    expect(types.length).toBeGreaterThan(3);
    expect(practices.length).toBeGreaterThan(3);
  });
});
