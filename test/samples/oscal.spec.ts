import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { facts, factsOfSystem, rows } from '../packages/facts.js';
import { oscalOf } from '../packages/read-oscal.js';
import { shared } from './shared.js';

const SCHEMAS = shared('schemas/oscal', 'no OSCAL document was held to the schemas of NIST');

/** By the document's root. */
const NAMES: Record<string, string> = {
  'assessment-plan': 'assessment-plan',
  'assessment-results': 'assessment-results',
  catalog: 'catalog',
  'component-definition': 'component',
  'mapping-collection': 'mapping',
  'plan-of-action-and-milestones': 'poam',
  profile: 'profile',
};

describe.skipIf(SCHEMAS === null)('the OSCAL documents, by the schemas of NIST (../shared/schemas)', () => {
  const validator = (root: string) => {
    // NIST's schemas have patterns without a type, which strict mode refuses.
    const ajv = new Ajv({ strict: false, allErrors: true });
    formats.default(ajv);
    const file = join(SCHEMAS ?? '', `oscal_${NAMES[root]}_schema-1.2.1.json`);
    return ajv.compile(JSON.parse(readFileSync(file, 'utf8')) as object);
  };

  it.each([
    ['an organisation', facts],
    ['a system', factsOfSystem],
  ])('are those of %s valid?', async (_, of) => {
    const documents = await oscalOf(of, rows);
    expect(documents.size).toBe(Object.keys(NAMES).length);
    for (const [path, document] of documents) {
      const validate = validator(Object.keys(document)[0] ?? '');
      validate(document);
      expect((validate.errors ?? []).slice(0, 3), path).toEqual([]);
    }
  });

  it('do the schemas refuse a UUID of version 7?', async () => {
    const document = (await oscalOf(facts, rows)).get('oscal/profile.json')!;
    const profile = { ...(document['profile'] as object), uuid: facts.id };
    expect(validator('profile')({ profile })).toBe(false);
  });
});
