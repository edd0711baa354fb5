import { TypeDefinition } from '../../src/catalog/record-type.js';
import type { Caller } from './app.js';

const text = (title: string) => ({ type: 'string', maxLength: 200, title });
const at = (title: string) => ({ type: 'string', format: 'date-time', title });
const day = (title: string) => ({ type: 'string', format: 'date', title });
const said = {
  summary: 'For tests.',
  good_for: { days: 92, basis: 'practice', why: 'For tests.' },
  auditor_asks: ['Whether the tests pass'],
};

/** Types of the tests' own, small and with all that a type can ask for. */
const OWN: readonly unknown[] = [
  {
    type: 'org/supplier',
    title: 'Supplier',
    ...said,
    place: 'organization',
    key: 'name',
    fields: {
      type: 'object',
      additionalProperties: false,
      required: ['name'],
      properties: {
        name: text('Name'),
        control: { ...text('Item'), 'x-control': true },
        ephi: { type: 'boolean', title: 'Has ePHI' },
      },
    },
    example: { title: 'Lakeside Imaging', effectiveFrom: '2026-01-01T00:00:00Z', fields: { name: 'Lakeside Imaging' } },
  },
  {
    type: 'org/target',
    title: 'Target',
    ...said,
    place: 'system',
    key: 'scope',
    fields: { type: 'object', additionalProperties: false, required: ['scope'], properties: { scope: text('Scope') } },
    example: { title: 'emr', effectiveFrom: '2026-01-01T00:00:00Z', fields: { scope: 'emr' } },
  },
  {
    type: 'org/restore',
    title: 'Restore',
    ...said,
    place: 'system',
    each: 'target',
    good_from: 'completedAt',
    outcome: { field: 'result', fails: ['failed'] },
    documents: { least: 1, roles: ['report', 'log'] },
    not_before: [['startedAt', 'completedAt']],
    obliges: [
      {
        when: { result: ['failed'] },
        type: 'org/restore',
        within_days: 31,
        from: 'completedAt',
        linked: true,
        says: 'A restore that failed is tested again.',
      },
    ],
    fields: {
      type: 'object',
      additionalProperties: false,
      required: ['startedAt', 'completedAt', 'result', 'target'],
      properties: {
        startedAt: at('Began'),
        completedAt: at('Ended'),
        result: { type: 'string', enum: ['passed', 'failed'], title: 'Result' },
        target: { type: 'string', format: 'uuid', title: 'Target', 'x-record': 'org/target' },
      },
    },
    example: {
      title: 'Quarterly',
      effectiveFrom: '2026-01-01T00:00:00Z',
      fields: {
        startedAt: '2026-01-01T00:00:00Z',
        completedAt: '2026-01-01T01:00:00Z',
        result: 'passed',
        target: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a77',
      },
    },
  },
  {
    type: 'org/contract',
    title: 'Contract',
    ...said,
    place: 'either',
    expires: 'endsOn',
    fields: {
      type: 'object',
      additionalProperties: false,
      required: ['supplier'],
      properties: {
        supplier: { type: 'string', format: 'uuid', title: 'Supplier', 'x-record': 'org/supplier' },
        signedOn: day('Signed'),
        endsOn: day('Ends'),
      },
    },
    example: {
      title: 'A',
      effectiveFrom: '2026-01-01T00:00:00Z',
      fields: { supplier: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a77' },
    },
  },
];

/** One of them. */
export function ownType(name: string): TypeDefinition {
  const found = OWN.map((one) => TypeDefinition.parse(one)).find(({ type }) => type === name);
  if (found === undefined) throw new Error(`no type ${name}`);
  return found;
}

/** Defines them for an organisation. */
export async function defineOwnTypes(officer: Caller, organizationPath: string): Promise<void> {
  for (const definition of OWN) {
    const { type } = TypeDefinition.parse(definition);
    await officer
      .put(`${organizationPath}/record-types/${encodeURIComponent(type)}`, { definition })
      .set('If-None-Match', '*')
      .expect(200);
  }
}
