/**
 * What a business associate agreement has to contain, each with the paragraph of 45 CFR 164 that asks for it: 164.504(e)(2), the Privacy Rule's list, and
 * 164.314(a)(2)(i), the Security Rule's. An agreement ticks a term with the clause that holds it.
 */
export const TERMS = [
  { term: '504e2i', control: '164.504(e)(2)(i)' },
  { term: '504e2iiA', control: '164.504(e)(2)(ii)(A)' },
  { term: '504e2iiB', control: '164.504(e)(2)(ii)(B)' },
  { term: '504e2iiC', control: '164.504(e)(2)(ii)(C)' },
  { term: '504e2iiD', control: '164.504(e)(2)(ii)(D)' },
  { term: '504e2iiE', control: '164.504(e)(2)(ii)(E)' },
  { term: '504e2iiF', control: '164.504(e)(2)(ii)(F)' },
  { term: '504e2iiG', control: '164.504(e)(2)(ii)(G)' },
  { term: '504e2iiH', control: '164.504(e)(2)(ii)(H)' },
  { term: '504e2iiI', control: '164.504(e)(2)(ii)(I)' },
  { term: '504e2iiJ', control: '164.504(e)(2)(ii)(J)' },
  { term: '504e2iii', control: '164.504(e)(2)(iii)' },
  { term: '314A', control: '164.314(a)(2)(i)(A)' },
  { term: '314B', control: '164.314(a)(2)(i)(B)' },
  { term: '314C', control: '164.314(a)(2)(i)(C)' },
] as const;

export type Term = (typeof TERMS)[number]['term'];

export const TERM_NAMES: readonly Term[] = TERMS.map(({ term }) => term);

/** A permission (own management and legal duties), not a duty: an agreement may tick it, nobody asks for it. */
export const OPTIONAL_TERM = '504e4';

/** What binds a business associate's subcontractors: the Privacy Rule's term and the Security Rule's. */
export const FLOW_DOWN_TERMS: readonly Term[] = ['504e2iiD', '314B'];

/** Return or destruction at termination: what an agreement that has ended leaves open. */
export const RETURN_CONTROL = '164.504(e)(2)(ii)(J)';

const CONTROL_OF = new Map<Term, string>(TERMS.map(({ term, control }) => [term, control]));

/** The paragraph that asks for a term. */
export function controlOf(term: Term): string {
  const control = CONTROL_OF.get(term);
  if (control === undefined) throw new Error(`no term ${term}`);
  return control;
}
