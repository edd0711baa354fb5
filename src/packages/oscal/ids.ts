import { v5 } from 'uuid';

/** Of the names below; made once, at random. */
const NAMESPACE = '6f1d3c0e-8a5b-4b7f-9d24-47c1a05e93b6';

/**
 * UUID of version 5 (RFC 9562 section 5.5) of a thing that has another id with us: OSCAL takes versions 4 and 5 alone, ours are 7. The same names give the same
 * UUID, in every document and every package.
 * @param names what sort of thing it is, then its ids, none of which has a line feed.
 */
export const oscalUuid = (...names: readonly [sort: string, ...ids: string[]]): string =>
  v5(names.join('\n'), NAMESPACE);

/** Id of a control: `hipaa-164.312.a.2.iv` of 164.312(a)(2)(iv), and of what an overlay adds `<overlay>.<name>`. A token has neither parentheses nor a slash. */
export function controlId(id: string): string {
  const token = id.replaceAll(')', '').replace(/[^A-Za-z0-9._-]/g, '.');
  return /^\d/.test(token) ? `hipaa-${token}` : token;
}

export const statementId = (control: string): string => `${controlId(control)}_smt`;
export const objectiveId = (control: string): string => `${controlId(control)}_obj`;
