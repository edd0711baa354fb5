import type { TypeDefinition } from '../catalog/record-type.js';
import type { RecordLink } from './effective.js';
import { areFields, conditionFaults, orderFaults } from './conditions.js';
import { endOfField, instantOfField } from './instants.js';
import { subjectId } from './interval-filter.js';
import type { VersionRow } from './records.store.js';
import type { FieldReference } from './references.js';
import type { RecordFault } from './rules.js';

/** What of a version is found without reading its fields: posture and lists ask for it. */
export type Extracted = Pick<
  VersionRow,
  'naturalKey' | 'subject' | 'subjectId' | 'goodFrom' | 'expiresAt' | 'outcome' | 'fails' | 'about' | 'links'
>;

type Content = Pick<VersionRow, 'fields' | 'effectiveFrom' | 'links' | 'systemIds' | 'documents'>;

/** Of fields that fit their schema. */
export function extract(
  definition: TypeDefinition,
  content: Content,
  references: readonly FieldReference[],
): Extracted {
  const { fields, effectiveFrom } = content;
  const subject = textOf(fields, definition.each);
  const outcome = textOf(fields, definition.outcome?.field ?? null);
  const links = linksOf(content.links, references);
  const about = [
    ...links.filter(({ kind }) => kind === 'practice' || kind === 'control').map(({ target }) => target),
    ...references.filter(({ kind }) => kind === 'practice' || kind === 'control').map(({ target }) => target),
  ];
  return {
    naturalKey: textOf(fields, definition.key) ?? '',
    subject,
    subjectId: subject === null ? null : subjectId(definition.type, subject),
    goodFrom: (definition.good_from === null ? null : instantOfField(fields[definition.good_from])) ?? effectiveFrom,
    expiresAt: definition.expires === null ? null : endOfField(fields[definition.expires]),
    outcome,
    fails: outcome !== null && definition.outcome !== null && failsBy(definition.outcome, outcome, fields),
    about: [...new Set(about)].sort(),
    links,
  };
}

const failsBy = (
  { fails, or }: NonNullable<TypeDefinition['outcome']>,
  outcome: string,
  fields: Content['fields'],
): boolean =>
  fails.includes(outcome) || Object.entries(or).some(([field, values]) => areFields({ [field]: values }, fields));

/** A field that names a record makes a link to it. */
function linksOf(links: readonly RecordLink[], references: readonly FieldReference[]): RecordLink[] {
  const named = new Set(links.map(({ kind, target }) => `${kind} ${target}`));
  const added = references.flatMap(({ kind, target, field }): RecordLink[] => {
    if (kind !== 'record' || named.has(`record ${target}`)) return [];
    named.add(`record ${target}`);
    return [{ kind, target, note: field }];
  });
  return [...links, ...added];
}

function textOf(fields: Readonly<Record<string, unknown>>, field: string | null): string | null {
  const value = field === null ? undefined : fields[field];
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  // Composed and decomposed letters are the same name (Unicode Standard Annex #15), and so is one with a blank at its end.
  return typeof value === 'string' ? value.normalize('NFC').trim() : null;
}

/** What a type asks beside the schema of its fields, as far as the version alone tells. */
export function contentFaults(
  definition: TypeDefinition,
  content: Content,
  extracted: Extracted,
  now: Date,
): RecordFault[] {
  const faults: RecordFault[] = [];
  const { fields, systemIds, documents, effectiveFrom } = content;
  if (definition.place === 'system' && systemIds.length === 0) {
    faults.push({ pointer: '/systemIds', detail: 'A record of this type is of systems: name them.' });
  }
  if (definition.place === 'organization' && systemIds.length > 0) {
    faults.push({ pointer: '/systemIds', detail: 'A record of this type is of the whole organisation.' });
  }
  if (definition.key !== null && extracted.naturalKey === '') {
    faults.push({ pointer: `/fields/${definition.key}`, detail: 'Records of this type are told apart by it.' });
  }
  if (definition.each !== null && (extracted.subject ?? '') === '') {
    faults.push({ pointer: `/fields/${definition.each}`, detail: 'This type wants one record for each of it.' });
  }
  faults.push(...orderFaults(definition.not_before, fields), ...conditionFaults(definition.holds, content));
  if (definition.good_from !== null && extracted.goodFrom > now && fields[definition.good_from] !== undefined) {
    faults.push({
      pointer: `/fields/${definition.good_from}`,
      detail: 'It lies in the future: what has yet to come proves nothing.',
    });
  }
  if (definition.expires !== null && extracted.expiresAt !== null && extracted.expiresAt <= effectiveFrom) {
    faults.push({ pointer: `/fields/${definition.expires}`, detail: 'It lies before effectiveFrom.' });
  }
  const { least, roles } = definition.documents;
  for (const { role } of documents) {
    if (roles.length > 0 && !roles.includes(role)) {
      faults.push({
        pointer: '/documents',
        detail: `«${role}» is no role of a document of this type. There are: ${roles.join(', ')}.`,
      });
      break;
    }
  }
  if (new Set(documents.map(({ evidenceId }) => evidenceId)).size < least) {
    faults.push({
      pointer: '/documents',
      detail: `A record of this type has at least ${least} document${least === 1 ? '' : 's'}.`,
    });
  }
  return faults;
}
