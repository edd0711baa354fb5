import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { currentCatalog } from '../../src/catalog/load.js';
import type { FieldSchema, TypeDefinition } from '../../src/catalog/record-type.js';
import { FACT_KINDS } from '../../src/results/fact.js';
import { startSuite, type Caller, type Clinic } from '../support/app.js';

// The example of every record type of the catalogue is kept through the API: made, documented, submitted by one person and approved by another.

const TYPES = currentCatalog().recordTypes;

/** What no example alone can be: a disposal names what is past its retention (test/api/record-documents.spec.ts). */
const DRAFTS = new Set(['record_disposal']);

let clinic: Clinic;
let officer: Caller;
let approver: Caller;
let owner: string;
beforeAll(async () => {
  const suite = await startSuite();
  ({ clinic, officer } = suite);
  approver = await clinic.member('approver');
  const { body } = await clinic.admin.get(`${clinic.path}/members`).expect(200);
  owner = body.items.find(({ role }: { role: string }) => role === 'compliance_officer').id;
  return suite.stop;
});

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

/** An example's dates stand still; an exception whose end has passed accepts nothing. */
const inForce = ({ type, example }: TypeDefinition): TypeDefinition['example'] => {
  if (type !== 'exception') return example;
  const from = Date.now();
  const length = Date.parse(String(example.fields['until'])) - Date.parse(example.effectiveFrom);
  return {
    ...example,
    effectiveFrom: new Date(from).toISOString(),
    fields: { ...example.fields, until: new Date(from + length).toISOString() },
  };
};

async function keep(definition: TypeDefinition): Promise<string> {
  const { type, documents } = definition;
  const { title, effectiveFrom, fields } = inForce(definition);
  const { body } = await officer
    .post(`${clinic.path}/records`, {
      type,
      title,
      ownerId: owner,
      systemIds: isOfSystem(definition) ? [clinic.systemId] : [],
      effectiveFrom,
      fields: await placed(definition.fields, fields),
      // Of the record that found what is to be done.
      links: type === 'corrective_action' ? [{ kind: 'record', target: await known('exercise_report'), note: '' }] : [],
    })
    .expect(201);
  const id = String(body.id);
  const record = `${clinic.path}/records/${id}`;
  const etag = async () => `"${(await officer.get(record).expect(200)).body.revision}"`;
  // What an analysis rests on is frozen by the service, as of the day from which it counts.
  if (type === 'risk_analysis') {
    await officer
      .post(`${clinic.path}/risk-analyses/${id}/posture?asOf=${new Date(effectiveFrom).toISOString()}`)
      .set('If-Match', await etag())
      .expect(200);
  }
  const roles = documents.roles.filter((role) => type !== 'risk_analysis' || role !== 'posture');
  for (let number = 0; number < Math.max(documents.least, 1); number += 1) {
    const text = `${type}, document ${number}`;
    const query = new URLSearchParams({ role: roles[number] ?? roles[0] ?? 'document', name: 'document.txt' });
    await officer
      .post(`${record}/documents?${query.toString()}`)
      .set('If-Match', await etag())
      .set('Content-Type', 'text/plain')
      .set('Content-Digest', `sha-256=:${createHash('sha256').update(text).digest('base64')}:`)
      .send(text)
      .expect(201);
  }
  if (DRAFTS.has(type)) return id;
  const waiting = await officer.post(`${record}/submission`).set('If-Match', await etag());
  expect(waiting.body).toMatchObject({ state: 'submitted' });
  const decided = await approver.post(`${record}/decision`, { decision: 'approve' }).set('If-Match', await etag());
  expect(decided.body).toMatchObject({ state: 'approved', type });
  return id;
}

describe('is the example of each type a record?', () => {
  it.each(TYPES)('$type', async ({ type }) => {
    const { body } = await officer.get(`${clinic.path}/records/${await known(type)}`).expect(200);
    expect(body).toMatchObject({ type, state: DRAFTS.has(type) ? 'draft' : 'approved' });
  });
});

it('is what a machine says in place of a record something that a machine can say?', () => {
  const kinds = TYPES.flatMap(({ met_by: met }) => met?.facts ?? []);
  expect(kinds.filter((kind) => !Object.hasOwn(FACT_KINDS, kind))).toEqual([]);
  // Sources of a scanner are its tool's, which the catalogue maps.
  const catalog = currentCatalog();
  const tools = TYPES.flatMap(({ met_by: met }) => met?.sources ?? []).filter(
    (source) => catalog.toolOf(source) === null,
  );
  expect(tools).toEqual([]);
});
