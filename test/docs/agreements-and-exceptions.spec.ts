import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { agreementRules } from '../../src/agreements/rules.js';
import { compileFields } from '../../src/catalog/fields.js';
import { loadCatalog } from '../../src/catalog/load.js';
import { decisionFaults, exceptionFaults } from '../../src/exceptions/rules.js';
import { createRecord } from '../../src/records/records.schema.js';
import type { Candidate, Neighbour, RecordFault } from '../../src/records/rules.js';
import { effective } from '../support/effective.js';

/** Three folders above the compiled file. */
const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8');

const catalog = loadCatalog();
const contract = read('openapi.yaml');
/** An instant at which what the pages tell of is new. */
const NOW = new Date('2026-06-01T12:00:00Z');

/** The analysis that a decision names. */
const inEffect = ({ fields }: Candidate): Neighbour[] => {
  const from = new Date(0);
  const analysis = effective('risk_analysis', 'analysis', {}, { from: from.toISOString() });
  return [{ ...analysis, id: String(fields['analysis']), effectiveTo: null }];
};

function faultsOf(candidate: Candidate): RecordFault[] {
  switch (candidate.type) {
    case 'exception':
      return exceptionFaults(candidate, NOW);
    case 'addressable_decision':
      return decisionFaults(
        candidate,
        inEffect(candidate),
        NOW,
        (control) => catalog.control(control)?.required === 'addressable',
      );
    default:
      return agreementRules.faults(candidate, [], NOW);
  }
}

describe.each([
  ['docs/agreements.md', ['vendor', 'baa'], 2],
  ['docs/exceptions.md', ['exception', 'addressable_decision'], 0],
])('%s', (page, types, asked) => {
  const text = read(page);
  const records = [...text.matchAll(/^```json\n(.*?)^```$/gms)].map(([, json = '']) =>
    createRecord.body.parse(JSON.parse(json)),
  );

  it('is each record in it one that its type and its rules take?', () => {
    expect(records.map(({ type }) => type)).toEqual(types);
    for (const { type, fields, systemIds, effectiveFrom, links } of records) {
      const definition = catalog.recordType(type);
      if (definition === null) throw new Error(`no type ${type}`);
      expect(compileFields(definition.fields).safeParse(fields).error).toBeUndefined();
      const until = definition.expires === null ? undefined : fields[definition.expires];
      const said = { from: effectiveFrom, systemIds, links, ...(typeof until === 'string' ? { expires: until } : {}) };
      expect(faultsOf({ ...effective(type, type, fields, said), kind: 'content', reason: null })).toEqual([]);
      for (const { kind, target } of links) {
        if (kind === 'practice') expect(catalog.practice(target)).not.toBeNull();
      }
    }
  });

  it('is each request in it one of the API?', () => {
    const requests = [...text.matchAll(/^GET (\S+)$/gm)].map(([, path = '']) => path);
    expect(requests).toHaveLength(asked);
    for (const request of requests) {
      const [path, query] = request.split('?');
      expect(contract).toContain(`\n  ${path}:\n`);
      for (const name of new URLSearchParams(query).keys()) expect(contract).toContain(`name: ${name}\n`);
    }
  });
});
