import { TypeDefinition } from './record-type.js';
import { typeFaults } from './record-types.rules.js';

/*
 * What an organisation's own record type has to be: pure, for the server and the command line ask the same.
 */

/** What the name of an organisation's own type begins with. */
export const OWN = 'org/';

/** Where in a definition a fault is, as a JSON pointer, and what. */
export interface OwnTypeFault {
  readonly pointer: string;
  readonly message: string;
}

export type OwnType =
  { readonly definition: TypeDefinition; readonly faults: readonly [] } | { readonly definition: null; readonly faults: readonly OwnTypeFault[] };

/** Of the shape that the catalogue's have, and of nothing that the catalogue alone can say. `typeOf`: the types that it may name. */
export function ownType(type: string, given: unknown, typeOf: (name: string) => TypeDefinition | null): OwnType {
  if (!type.startsWith(OWN))
    return faulty({ pointer: '', message: `A type of the catalogue is tightened, not defined; one of your own begins with ${OWN}.` });
  const parsed = TypeDefinition.safeParse(given);
  if (!parsed.success) return faulty(...parsed.error.issues.map(({ path, message }) => ({ pointer: pointerOf(path), message })));
  const definition = parsed.data;
  const faults: OwnTypeFault[] = [];
  if (definition.type !== type) faults.push({ pointer: '/type', message: `The type that is changed is ${type}.` });
  if (definition.rules !== null) faults.push({ pointer: '/rules', message: 'Rules in code are of the catalogue’s types.' });
  for (const member of ['met_by', 'counted_in', 'none'] as const) {
    if (definition[member] === null) continue;
    faults.push({ pointer: `/${member}`, message: 'It speaks of needs of practices, which the catalogue has.' });
  }
  // What is wrong with a member that it may not have needs no second word.
  const isOdd = faults.length > 0;
  if (!isOdd) faults.push(...typeFaults(definition, typeOf).map(({ place, message }) => ({ pointer: pointerOf(place), message })));
  return faults.length > 0 ? faulty(...faults) : { definition, faults: [] };
}

const faulty = (...faults: readonly OwnTypeFault[]): OwnType => ({ definition: null, faults });

export const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
