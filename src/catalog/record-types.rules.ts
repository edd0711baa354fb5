import type { CatalogContent } from './catalog.files.js';
import { CONTROLS } from './catalog.files.js';
import { allMappings } from './checks.mapping.js';
import { compileFields, fieldAt, type FieldSchema } from './fields.js';
import type { Condition, TypeDefinition } from './record-type.js';
import { once, type Tell } from './tell.js';

/*
 * What must hold of record types, and between them and what asks for records. Of catalogues of before there were any, practices name types that nothing defines.
 */

/** One fault of a definition: where in it, and what. */
export interface TypeFault {
  readonly place: readonly PropertyKey[];
  readonly message: string;
}

/** Posture keeps what each need of a practice says in two bits of one number, five of them. */
const MOST_NEEDS = 5;

export function recordTypeRules(content: CatalogContent, tell: Tell): void {
  const types = new Map<string, TypeDefinition>();
  for (const { types: list } of content.recordTypes.values()) for (const type of list) types.set(type.type, type);
  needRules(content, types, tell);
  if (types.size === 0) return;
  const asked = askedFor(content);
  const names = new Map<string, string>();
  for (const [file, { section, types: list }] of content.recordTypes) {
    if (file !== `record-types/${section}.yaml`) tell(file, ['section'], `"${section}" belongs in record-types/${section}.yaml`);
    list.forEach((type, index) => {
      const at = (place: readonly PropertyKey[], message: string) => tell(file, ['types', index, ...place], message);
      once(names, type.type, `a type of ${file}`, (message) => at(['type'], message));
      if (type.type.startsWith('org/')) at(['type'], 'org/ begins the types of organisations');
      // What rules in code ask for they ask for by themselves: risks of an analysis, the return of PHI after an agreement.
      if (section !== 'service' && type.rules === null && !asked.has(type.type))
        at(['type'], 'no practice, no item and no other type asks for it');
      for (const { place, message } of typeFaults(type, (name) => types.get(name) ?? null)) at(place, message);
    });
  }
  dueRules(content, tell);
  wayRules(content, tell);
}

/** What is wrong with one definition by itself, given the types that it may name. */
export function typeFaults(type: TypeDefinition, typeOf: (name: string) => TypeDefinition | null): TypeFault[] {
  const faults: TypeFault[] = [];
  const fault = (place: readonly PropertyKey[], message: string): void => void faults.push({ place, message });
  const { properties, required } = type.fields;
  const fieldOf = (name: string): FieldSchema | null =>
    Object.hasOwn(properties, name) ? (properties[name] ?? null) : null;

  for (const member of ['key', 'each'] as const) {
    const name = type[member];
    if (name === null) continue;
    const field = fieldOf(name);
    if (field === null || (field.type !== 'string' && field.type !== 'integer')) fault([member], `${name} is no field of text`);
    else if (!required.includes(name)) fault([member], `${name} is not required, and records are told apart by it`);
  }
  for (const member of ['good_from', 'expires'] as const) {
    const name = type[member];
    if (name === null) continue;
    if (!isDay(fieldOf(name))) fault([member], `${name} is no day and no instant`);
    // Left out, it would be good from when it was entered.
    else if (member === 'good_from' && !required.includes(name)) fault([member], `${name} is not required`);
  }
  if (type.outcome !== null) {
    const { field: name, fails } = type.outcome;
    const words = fieldOf(name)?.type === 'boolean' ? ['true', 'false'] : fieldOf(name)?.enum;
    if (words === undefined) fault(['outcome', 'field'], `${name} is no list of words`);
    // Left out, it would not fail.
    else if (!required.includes(name)) fault(['outcome', 'field'], `${name} is not required`);
    for (const word of fails)
      if (words !== undefined && !words.includes(word)) fault(['outcome', 'fails'], `${name} is never ${word}`);
  }
  const { or = {} } = type.outcome ?? {};
  valueFaults(or, type, (place, message) => fault(['outcome', 'or', ...place], message));
  for (const name of Object.keys(or)) if (!required.includes(name)) fault(['outcome', 'or', name], `${name} is not required`);
  type.holds.forEach((condition, index) =>
    conditionFaults(condition, type, (place, message) => fault(['holds', index, ...place], message)),
  );
  type.not_before.forEach((pair, index) => {
    for (const name of pair) if (!isDay(fieldAt(type.fields, name))) fault(['not_before', index], `${name} is no day and no instant`);
    const [first, second] = pair.map((name) => (name.includes('[].') ? name.split('[].')[0] : null));
    if (first !== null && second !== null && first !== second) fault(['not_before', index], 'its fields are of two lists');
  });
  if (type.good_for.basis === 'regulation' && type.good_for.days !== null)
    fault(['good_for', 'basis'], 'the regulation sets no number of days');
  const names = Object.entries(properties).some(
    ([name, field]) => required.includes(name) && (field['x-practice'] ?? field.items?.['x-practice']) === true,
  );
  if (type.counts_for === 'named' && !names) fault(['counts_for'], 'no required field names practices');
  if (type.met_by !== null && type.rules !== null) fault(['met_by'], 'rules in code say themselves what meets it');
  if (type.none !== null && !['integer', 'array'].includes(properties[type.none]?.type ?? ''))
    fault(['none'], `${type.none} is no number and no list`);
  if (type.counted_in !== null) {
    const count = type.counted_in === type.type ? null : typeOf(type.counted_in);
    if (count === null) fault(['counted_in'], `no other record type ${type.counted_in}`);
    // A statement that there was none is of a period, and is made anew.
    else if (count.good_for.days === null || count.counted_in !== null)
      fault(['counted_in'], `records of ${type.counted_in} are good for good, or counted themselves`);
    if (type.rules !== null) fault(['counted_in'], 'rules in code say themselves what meets it');
  }

  type.obliges.forEach((obligation, index) => {
    const at = (place: readonly PropertyKey[], message: string): void => fault(['obliges', index, ...place], message);
    valueFaults(obligation.when, type, (place, message) => at(['when', ...place], message));
    if (!isDay(fieldOf(obligation.from))) at(['from'], `${obligation.from} is no day and no instant`);
    const due = obligation.type === type.type ? type : typeOf(obligation.type);
    if (due === null) at(['type'], `no record type ${obligation.type}`);
    else valueFaults(obligation.having, due, (place, message) => at(['having', ...place], message));
    if (obligation.unless !== null && typeOf(obligation.unless) === null)
      at(['unless'], `no record type ${obligation.unless}`);
    if (obligation.or_earlier === null) return;
    const { type: name, field } = obligation.or_earlier;
    const earlier = name === type.type ? type : typeOf(name);
    if (earlier === null) at(['or_earlier', 'type'], `no record type ${name}`);
    else if (!isDay(earlier.fields.properties[field] ?? null))
      at(['or_earlier', 'field'], `${field} of ${name} is no day and no instant`);
  });
  for (const { place, name } of recordsNamed(type.fields))
    if (name !== type.type && typeOf(name) === null) fault(['fields', ...place], `no record type ${name}`);

  const example = compileFields(type.fields).safeParse(type.example.fields);
  for (const issue of example.error?.issues ?? []) fault(['example', 'fields', ...issue.path], issue.message);
  return faults;
}

/** What a condition names has to be there, and of the sort that can be so. */
function conditionFaults(
  { when, present, absent, are, includes, between, equal, at_most: atMost, below, some, differ, within, documents }: Condition,
  type: TypeDefinition,
  fault: (place: readonly PropertyKey[], message: string) => void,
): void {
  const { properties, required } = type.fields;
  const fieldOf = (name: string): FieldSchema | null => (Object.hasOwn(properties, name) ? (properties[name] ?? null) : null);
  valueFaults(when, type, (place, message) => fault(['when', ...place], message));
  valueFaults(are, type, (place, message) => fault(['are', ...place], message));
  for (const name of present) if (fieldAt(type.fields, name) === null) fault(['present'], `no field ${name}`);
  for (const name of absent) {
    if (fieldOf(name) === null) fault(['absent'], `no field ${name}`);
    else if (required.includes(name)) fault(['absent'], `${name} is required`);
  }
  for (const name of differ.flat()) if (fieldOf(name)?.['x-person'] !== true) fault(['differ'], `${name} is no person`);
  for (const [name, values] of Object.entries(includes)) {
    const known = fieldOf(name)?.items?.enum ?? [];
    for (const value of values) if (!known.includes(value)) fault(['includes', name], `${name} never holds ${value}`);
  }
  for (const name of [...Object.keys(between), ...[...equal, ...atMost, ...below, ...some].flat()]) {
    const field = fieldOf(name);
    const isNumber = field?.type === 'integer' || field?.type === 'number';
    // A number that is left out would be taken for none.
    if (field?.type !== 'array' && !(isNumber && required.includes(name))) fault([], `${name} is no list and no number that is required`);
  }
  for (const name of within === null ? [] : [within.from, within.to])
    if (!isDay(fieldOf(name))) fault(['within'], `${name} is no day and no instant`);
  const asks = [present, absent, equal, atMost, below, some, differ, ...[are, includes, between].map((one) => Object.keys(one))].some(({ length }) => length > 0);
  if (!asks && within === null && documents === 0) fault([], 'it asks for nothing');
}

function valueFaults(
  values: Readonly<Record<string, readonly (string | boolean)[]>>,
  type: TypeDefinition,
  fault: (place: readonly PropertyKey[], message: string) => void,
): void {
  const { properties } = type.fields;
  for (const [name, wanted] of Object.entries(values)) {
    const field = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const known = field?.type === 'boolean' ? [true, false] : field?.enum;
    for (const value of wanted)
      if (!(known ?? []).some((one) => one === value)) fault([name], `${name} of ${type.type} is never ${value}`);
  }
}

const isDay = (field: FieldSchema | null): boolean => field?.format === 'date' || field?.format === 'date-time';

/** The types whose records fields name, each with its place in the schema. */
function recordsNamed(schema: FieldSchema, place: readonly PropertyKey[] = []): { place: readonly PropertyKey[]; name: string }[] {
  const name = schema['x-record'];
  return [
    ...(name === undefined ? [] : [{ place: [...place, 'x-record'], name }]),
    ...(schema.items === undefined ? [] : recordsNamed(schema.items, [...place, 'items'])),
    ...Object.entries(schema.properties ?? {}).flatMap(([property, field]) =>
      recordsNamed(field, [...place, 'properties', property]),
    ),
  ];
}

/** Types that something asks for. */
function askedFor({ practices, controls, recordTypes }: CatalogContent): Set<string> {
  const asked = new Set<string>();
  for (const { practices: list } of practices.values())
    for (const { evidence } of list) for (const { type } of evidence.records ?? []) asked.add(type);
  for (const { records } of controls.controls) for (const { type } of records ?? []) asked.add(type);
  for (const { types } of recordTypes.values())
    for (const type of types) {
      for (const { name } of recordsNamed(type.fields)) if (name !== type.type) asked.add(name);
      if (type.counted_in !== null) asked.add(type.counted_in);
      for (const { type: due, unless } of type.obliges)
        for (const name of [due, unless]) if (name !== null && name !== type.type) asked.add(name);
    }
  return asked;
}

function needRules({ practices, controls }: CatalogContent, types: ReadonlyMap<string, TypeDefinition>, tell: Tell): void {
  for (const [file, { practices: list }] of practices)
    list.forEach(({ evidence: { records = [] } }, index) => {
      const place = ['practices', index, 'evidence', 'records'];
      if (types.size === 0) return;
      if (records.length > MOST_NEEDS) tell(file, place, `asks for more than ${MOST_NEEDS} types`);
      records.forEach(({ type }, n) => {
        if (!types.has(type)) tell(file, [...place, n, 'type'], `no record type ${type}`);
        uncounted(types.get(type), records, (message) => tell(file, [...place, n, 'type'], message));
      });
      countedAlike(types, records, (message) => tell(file, place, message));
    });
  controls.controls.forEach(({ needs, records = [] }, index) => {
    const place = ['controls', index, 'records'];
    if (needs === 'nothing' && records.length > 0) tell(CONTROLS, place, 'the item needs nothing');
    if (records.length > MOST_NEEDS) tell(CONTROLS, place, `asks for more than ${MOST_NEEDS} types`);
    records.forEach(({ type, term }, n) => {
      const found = types.get(type);
      uncounted(found, records, (message) => tell(CONTROLS, [...place, n, 'type'], message));
      if (found === undefined) tell(CONTROLS, [...place, n, 'type'], `no record type ${type}`);
      else if (term !== undefined && !termsOf(found).includes(term))
        tell(CONTROLS, [...place, n, 'term'], `records of ${type} have no term ${term}`);
    });
    countedAlike(types, records, (message) => tell(CONTROLS, place, message));
  });
}

/** What is counted elsewhere is asked for together with what counts it: else one record of years ago would speak for good. */
function uncounted(
  type: TypeDefinition | undefined,
  asked: readonly { readonly type: string }[],
  fault: (message: string) => void,
): void {
  const count = type?.counted_in ?? null;
  if (count !== null && !asked.some((need) => need.type === count)) fault(`${type?.type ?? ''} is counted in ${count}, which is not asked for`);
}

/** Of a practice or item one thing is said of what is counted: that there was none of it. */
function countedAlike(
  types: ReadonlyMap<string, TypeDefinition>,
  asked: readonly { readonly type: string }[],
  fault: (message: string) => void,
): void {
  const counts = new Set(asked.flatMap(({ type }) => types.get(type)?.counted_in ?? []));
  if (counts.size > 1) fault(`asks for what is counted in several places: ${[...counts].join(', ')}`);
}

/** What is overdue fails whatever asks for the record that is due, or for the one that makes it due: else nobody would see it. */
function dueRules({ practices, controls, recordTypes }: CatalogContent, tell: Tell): void {
  const items = new Set(controls.controls.filter(({ needs }) => needs !== 'nothing').map(({ id }) => id));
  const asked = new Set<string>();
  for (const { practices: list } of practices.values())
    for (const { evidence } of list) for (const { type } of evidence.records ?? []) asked.add(type);
  for (const { records } of controls.controls) for (const { type } of records ?? []) asked.add(type);
  for (const [file, { types }] of recordTypes)
    types.forEach(({ type, obliges }, index) => {
      obliges.forEach(({ type: due, items: named }, n) => {
        for (const id of named)
          if (!items.has(id)) tell(file, ['types', index, 'obliges', n, 'items'], `no item ${id} that is judged`);
        if (!asked.has(due) && !asked.has(type))
          tell(file, ['types', index, 'obliges', n], `nothing asks for ${due} or ${type}: overdue, it would fail nothing`);
      });
    });
}

/** The terms that an agreement may have. */
function termsOf({ fields }: TypeDefinition): readonly string[] {
  return fields.properties['terms']?.items?.properties?.['term']?.enum ?? [];
}

/**
 * Every item that needs a document can become evidenced: something is asked for, and whatever is asked for can be had. A practice can become evidenced by its
 * records where it rests on records, or where scanners count for nothing; else by a check that is found by its id, and, where machines see a part of it, records.
 */
function wayRules(content: CatalogContent, tell: Tell): void {
  const checked = new Set(
    allMappings(content)
      .filter(({ match }) => match === 'id')
      .flatMap(({ checks }) => checks.filter(({ evidence }) => evidence !== false).flatMap((check) => check.practices ?? [])),
  );
  const practices = [...content.practices.values()].flatMap(({ practices: list }) => list);
  content.controls.controls.forEach((control, index) => {
    if (control.needs === 'nothing') return;
    const primary = practices.filter(({ hipaa }) => hipaa.primary.includes(control.id));
    if (primary.length + (control.records ?? []).length === 0)
      tell(CONTROLS, ['controls', index, 'needs'], 'nothing could ever show it: no primary practice, and no records');
    for (const { id, automation, evidence } of primary) {
      const rests = automation === 'records' || control.scanners === 'never';
      const hasRecords = (evidence.records ?? []).length > 0;
      const can = rests ? hasRecords : checked.has(id) && (automation === 'full' || hasRecords);
      if (!can) tell(CONTROLS, ['controls', index, 'id'], `its practice ${id} can never become evidenced`);
    }
  });
}
