import { z } from 'zod';
import type { FieldsSchema } from '../../catalog/fields.js';
import type { TypeDefinition } from '../../catalog/record-type.js';

/** How an organisation makes a type of the catalogue stricter. What it does not say stays as the catalogue has it. */
export const Tightening = z
  .strictObject({
    goodForDays: z.int().min(1).max(36_500).optional().meta({ description: 'Fewer days than the catalogue’s.' }),
    required: z
      .array(z.string().max(64))
      .max(60)
      .optional()
      .meta({ description: 'Fields that every record has, beside those that the catalogue asks for.' }),
    documentsLeast: z
      .int()
      .min(0)
      .max(20)
      .optional()
      .meta({ description: 'More documents than the catalogue asks for.' }),
  })
  .meta({ id: 'RecordTypeTightening', description: 'What makes a record type of the catalogue stricter.' });
export type Tightening = z.output<typeof Tightening>;

/** Where a tightening is none: into the tightening. */
export interface TighteningFault {
  pointer: string;
  detail: string;
}

export function tighteningFaults(definition: TypeDefinition, tightening: Tightening): TighteningFault[] {
  const { goodForDays, required = [], documentsLeast } = tightening;
  const { days } = definition.good_for;
  const faults: TighteningFault[] = [];
  if (goodForDays !== undefined && days !== null && goodForDays > days) {
    faults.push({
      pointer: '/goodForDays',
      detail: `Records of this type are good for ${days} days: fewer, not more.`,
    });
  }
  required.forEach((name, index) => {
    if (Object.hasOwn(definition.fields.properties, name)) return;
    faults.push({ pointer: `/required/${index}`, detail: 'Records of this type have no such field.' });
  });
  if (documentsLeast !== undefined && documentsLeast < definition.documents.least) {
    const { least } = definition.documents;
    faults.push({
      pointer: '/documentsLeast',
      detail: `Records of this type have at least ${least}: more, not fewer.`,
    });
  }
  return faults;
}

/** Never looser than the catalogue, also where a later catalogue has become stricter than the organisation was or has dropped a field. */
export function tightened(definition: TypeDefinition, tightening: Tightening): TypeDefinition {
  const { goodForDays, required = [], documentsLeast = 0 } = tightening;
  const { good_for: goodFor, documents, fields } = definition;
  const isStricter = goodForDays !== undefined && goodForDays < (goodFor.days ?? Infinity);
  const more = required.filter((name) => Object.hasOwn(fields.properties, name));
  const stricter: FieldsSchema = { ...fields, required: [...new Set([...fields.required, ...more])] };
  return {
    ...definition,
    good_for: isStricter ? { days: goodForDays, basis: 'practice', why: 'set by the organisation' } : goodFor,
    documents: { ...documents, least: Math.max(documents.least, documentsLeast) },
    fields: stricter,
  };
}
