import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCatalog } from '../../src/catalog/load.js';
import type { FieldSchema, TypeDefinition } from '../../src/catalog/record-type.js';
import type { RuleSet } from '../../src/catalog/rule-sets.js';
import { RecordRulesRegistry } from '../../src/records/rules.js';
import { FACT_KINDS } from '../../src/results/fact.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';

// The example of every record type of the catalogue is kept through the API: made, documented, submitted by one person and approved by another.

const TYPES = loadCatalog().recordTypes;

/** What rules in code ask beside the fields, which an example alone does not have; where it is tried. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  exception: 'it covers what fails now: test/api/exceptions.spec.ts',
  record_disposal: 'it names what is past its retention: test/api/record-retention.spec.ts',
  risk_analysis: 'its posture is frozen by the service first: test/api/risk-analyses.spec.ts',
  risk_management_plan: 'of an analysis in effect: test/api/risk-analyses.spec.ts',
  risk: 'of an analysis in effect: test/api/risk-analyses.spec.ts',
};

let world: World;
let clinic: Clinic;
let officer: Caller;
let approver: Caller;
let owner: string;
beforeAll(async () => {
  world = await startApp();
  clinic = await startClinic(world);
  officer = await clinic.member('compliance_officer');
  approver = await clinic.member('approver');
  const { body } = await clinic.admin.get(`${clinic.path}/members`).expect(200);
  owner = body.items.find(({ role }: { role: string }) => role === 'compliance_officer').id;
});
afterAll(() => world.stop());

/** A draft by now, or an approved record. */
const kept = new Map<string, Promise<string>>();
const known = (type: string): Promise<string> => {
  const found = kept.get(type) ?? keep(TYPES.find((one) => one.type === type)!);
  kept.set(type, found);
  return found;
};

/** The same value with ids of what is there in place of those of the example. */
async function placed(field: FieldSchema, value: unknown): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map((item) => placed(field.items ?? field, item)));
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value).map(async ([name, member]) => [
      name,
      await placed(field.properties?.[name] ?? field, member),
    ]);
    return Object.fromEntries((await Promise.all(members)) as [string, unknown][]);
  }
  if (field['x-record'] !== undefined) return known(field['x-record']);
  if (field['x-system'] === true) return clinic.systemId;
  if (field['x-member'] === true) return owner;
  return typeof value === 'string' ? value.replace(/^[0-9a-f-]{36}(?=\/)/, clinic.systemId) : value;
}

const namesRecords = (field: FieldSchema): boolean =>
  field['x-record'] !== undefined ||
  (field.items !== undefined && namesRecords(field.items)) ||
  Object.values(field.properties ?? {}).some(namesRecords);

/** What is of no place by itself is of the system where it names records, which may be of it. */
const isOfSystem = ({ place, fields }: TypeDefinition): boolean =>
  place === 'system' || (place === 'either' && namesRecords(fields));

async function keep(definition: TypeDefinition): Promise<string> {
  const { type, example, documents } = definition;
  const { body }: { body: { id: string; revision: number } } = await officer
    .post(`${clinic.path}/records`, {
      type,
      title: example.title,
      ownerId: owner,
      systemIds: isOfSystem(definition) ? [clinic.systemId] : [],
      effectiveFrom: example.effectiveFrom,
      fields: await placed(definition.fields, example.fields),
    })
    .expect(201);
  const record = `${clinic.path}/records/${body.id}`;
  for (let number = 0; number < documents.least; number += 1) {
    const text = `${type}, document ${number}`;
    const query = new URLSearchParams({
      role: documents.roles[number] ?? documents.roles[0] ?? 'document',
      name: 'document.txt',
    });
    await officer
      .post(`${record}/documents?${query.toString()}`)
      .set('If-Match', `"${body.revision + number}"`)
      .set('Content-Type', 'text/plain')
      .set('Content-Digest', `sha-256=:${createHash('sha256').update(text).digest('base64')}:`)
      .send(text)
      .expect(201);
  }
  if (type in ELSEWHERE) return body.id;
  const waiting = await officer.post(`${record}/submission`).set('If-Match', `"${body.revision + documents.least}"`);
  expect(waiting.body).toMatchObject({ state: 'submitted' });
  const decided = await approver
    .post(`${record}/decision`, { decision: 'approve' })
    .set('If-Match', `"${waiting.body.revision}"`)
    .expect(200);
  expect(decided.body).toMatchObject({ state: 'approved', type });
  return body.id;
}

const hasRules = (rules: RuleSet): boolean => {
  try {
    world.app.get(RecordRulesRegistry).get(rules);
    return true;
  } catch {
    return false;
  }
};

describe('is the example of each type a record?', () => {
  it.for(TYPES.map((type) => [type.type, type] as const))('%s', async ([, { type, rules }], { skip }) => {
    skip(rules !== null && !hasRules(rules), `the room of the rules ${rules} has not added them`);
    const { body } = await officer.get(`${clinic.path}/records/${await known(type)}`).expect(200);
    expect(body).toMatchObject({ type, state: type in ELSEWHERE ? 'draft' : 'approved' });
  });
});

it('is what a machine says in place of a record something that a machine can say?', () => {
  const kinds = TYPES.flatMap(({ met_by: met }) => met?.facts ?? []);
  expect(kinds.filter((kind) => !Object.hasOwn(FACT_KINDS, kind))).toEqual([]);
  // Sources of a scanner are its tool's, which the catalogue maps or which gives findings without check ids.
  const catalog = loadCatalog();
  const tools = TYPES.flatMap(({ met_by: met }) => met?.sources ?? []).filter(
    (source) => catalog.toolOf(source) === null && !source.endsWith('/vulnerability'),
  );
  expect(tools).toEqual([]);
});
