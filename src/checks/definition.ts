import { z } from 'zod';
import { practicesOf } from '../catalog/checks.mapping.js';
import {
  CheckDefinition,
  ChecksFile,
  OrganizationChecksFile,
  OrganizationCheckDefinition,
  type Params,
} from '../catalog/checks.schema.js';
import { compile, kindsReadBy } from './environment.js';
import { ExpressionFault, nodesOf, type Expression } from './expression.js';
import { CLUSTER, WORKLOAD, kindNamed } from './kinds.js';

/** Why a definition is no check: where in it, as a JSON Pointer, and where in the expression, counted from 1. */
export interface DefinitionFault {
  readonly pointer: string;
  readonly line: number | null;
  readonly column: number | null;
  readonly reason: string;
}

export class DefinitionFaults extends Error {
  constructor(
    readonly id: string,
    readonly faults: readonly DefinitionFault[],
  ) {
    super(faults.map((fault) => `${id}: ${wordsOfFault(fault)}`).join('\n'));
    this.name = 'DefinitionFaults';
  }
}

export function wordsOfFault({ pointer, line, column, reason }: DefinitionFault): string {
  return `${pointer === '' ? '' : `${pointer}: `}${line === null ? '' : `line ${line}, column ${column ?? 1}: `}${reason}`;
}

/** A message: texts, and expressions whose values stand between them. */
export type Message = readonly (string | Expression)[];

/** A check whose expressions have been parsed and whose types agree. */
export interface CompiledCheck {
  readonly definition: CheckDefinition;
  readonly id: string;
  readonly practices: readonly string[];
  /** The values of its constants, as expressions see them. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Names of the table of kinds, `Workload` or `Cluster`. */
  readonly each: readonly string[];
  readonly where: Expression | null;
  readonly undecided: Expression | null;
  readonly pass: Expression;
  readonly message: Message;
  /** What does instead; null where nothing is said of it. */
  readonly without: Message | null;
  /** The kinds that are read beside the object that is judged. */
  readonly reads: readonly string[];
}

/** A definition in whatever shape it comes; `of`: an organisation may name its own checks `org/…`. Throws `DefinitionFaults`. */
export function compileDefinition(value: unknown, of: 'catalog' | 'organization' = 'catalog'): CompiledCheck {
  const shape = of === 'catalog' ? CheckDefinition : OrganizationCheckDefinition;
  const parsed = shape.safeParse(value);
  if (!parsed.success) {
    const id = typeof value === 'object' && value !== null && 'id' in value ? String(value.id).slice(0, 100) : '?';
    throw new DefinitionFaults(id, faultsIn(parsed.error));
  }
  return compileCheck(parsed.data);
}

/** Throws `DefinitionFaults`: all of them. */
export function compileCheck(definition: CheckDefinition): CompiledCheck {
  const faults: DefinitionFault[] = [];
  const fault = (pointer: string, reason: string): void => {
    faults.push({ pointer, line: null, column: null, reason });
  };
  const params = valuesOf(definition.params ?? {});
  const each = typeof definition.each === 'string' ? [definition.each] : definition.each;
  for (const kind of each) {
    if (kind !== CLUSTER && kind !== WORKLOAD && kindNamed(kind) === null) fault('/each', `there is no kind ${kind}`);
    else if (each.length > 1 && (kind === CLUSTER || kind === WORKLOAD)) fault('/each', `${kind} stands alone`);
  }
  if ((definition.practice === undefined) === (definition.practices === undefined)) {
    fault('/practice', 'says which practice it supports, or which practices');
  }
  const needsWithout = definition.undecided !== undefined || definition.none === 'manual';
  if (needsWithout && definition.without === undefined)
    fault('/without', 'must say what does instead, where nothing is decided');
  const expression = (
    pointer: string,
    source: string,
    expected: 'bool' | 'any',
    offset = 0,
    whole = source,
  ): Expression | null => {
    try {
      const compiled = compile(source, each, expected);
      for (const place of compiled.places) {
        if (place.name !== 'params') continue;
        const name = /^params\.(\w+)/.exec(source.slice(place.start))?.[1] ?? '';
        if (!Object.hasOwn(params, name)) {
          throw new ExpressionFault('params are named: params.<one that the check has>', source, place.start);
        }
      }
      for (const kind of compiled.kinds) {
        if (kind !== WORKLOAD && kindNamed(kind) === null) {
          throw new ExpressionFault(`there is no kind ${kind}`, source, Math.max(0, source.indexOf(kind)));
        }
      }
      return compiled;
    } catch (error) {
      if (!(error instanceof ExpressionFault)) throw error;
      const { line, column, reason } = new ExpressionFault(error.reason, whole, error.position + offset);
      faults.push({ pointer, line, column, reason });
      return null;
    }
  };
  const where = definition.where === undefined ? null : expression('/where', definition.where, 'bool');
  const pass = expression('/pass', definition.pass, 'bool');
  const undecided = definition.undecided === undefined ? null : expression('/undecided', definition.undecided, 'bool');
  const message = (pointer: string, whole: string): Message =>
    partsOf(whole).map(({ text, offset, isExpression }) => {
      if (!isExpression) return text;
      const compiled = expression(pointer, text, 'any', offset, whole);
      const named = compiled === null ? null : personIn(compiled);
      if (named !== null) {
        const { line, column } = new ExpressionFault('', whole, offset + named.position);
        faults.push({ pointer, line, column, reason: `${named.what} may name people: say who(…) of it` });
      }
      return compiled ?? text;
    });
  const said = message('/message', definition.message);
  const without = definition.without === undefined ? null : message('/without', definition.without);
  if (faults.length > 0 || pass === null) throw new DefinitionFaults(definition.id, faults);
  const deciding = [where, undecided, pass].filter((read) => read !== null);
  const reads = new Set(deciding.flatMap((read) => [...kindsReadBy(read)]));
  return {
    definition,
    id: definition.id,
    practices: practicesOf(definition),
    params,
    each: each.map((kind) => kindNamed(kind)?.name ?? kind),
    where,
    undecided,
    pass,
    message: said,
    without,
    reads: [...reads].map((kind) => kindNamed(kind)?.name ?? kind).sort(),
  };
}

/** As expressions see them: whole numbers are ints. */
function valuesOf(params: Params): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, typeof value === 'number' ? BigInt(value) : value]),
  );
}

/** The definition with other values of its constants. Throws `DefinitionFaults` for a name that it does not have, and for a value of another type. */
export function withParams<T extends CheckDefinition>(definition: T, params: Params): T {
  const own = definition.params ?? {};
  const faults = Object.entries(params).flatMap(([name, value]): DefinitionFault[] => {
    const given = Object.hasOwn(own, name) ? own[name] : undefined;
    if (given !== undefined && typeof given === typeof value) return [];
    const type = Array.isArray(given) ? 'a list of texts' : typeof given;
    const reason = given === undefined ? `the check has no constant ${name}` : `must be ${type}`;
    return [{ pointer: pointerOf(['params', name]), line: null, column: null, reason }];
  });
  if (faults.length > 0) throw new DefinitionFaults(definition.id, faults);
  return { ...definition, params: { ...own, ...params } };
}

interface Part {
  text: string;
  offset: number;
  isExpression: boolean;
}

/** `Pod {object.metadata.name} runs {size(x)}.` Braces and quotes within an expression are counted; `{{` and `}}` are braces. */
export function partsOf(message: string): Part[] {
  const parts: Part[] = [];
  let text = '';
  let from = 0;
  const flush = (at: number): void => {
    if (text !== '') parts.push({ text, offset: from, isExpression: false });
    text = '';
    from = at;
  };
  for (let index = 0; index < message.length; index++) {
    const character = message.charAt(index);
    if ((character === '{' || character === '}') && message[index + 1] === character) {
      text += character;
      index++;
    } else if (character === '{') {
      const end = endOfExpression(message, index + 1);
      flush(index);
      parts.push({ text: message.slice(index + 1, end), offset: index + 1, isExpression: true });
      index = end;
      from = end + 1;
    } else text += character;
  }
  flush(message.length);
  return parts;
}

function endOfExpression(message: string, start: number): number {
  let depth = 0;
  let quote = '';
  for (let index = start; index < message.length; index++) {
    const character = message.charAt(index);
    if (quote !== '') {
      if (character === '\\') index++;
      else if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '{') depth++;
    else if (character === '}' && depth-- === 0) return index;
  }
  return message.length;
}

/** What gives subjects, of whom some are people. */
const NAMING_FUNCTIONS: ReadonlySet<string> = new Set(['subjectsWho', 'boundTo']);
const NAMING_FIELDS: ReadonlySet<string> = new Set(['subjects', 'user', 'users', 'username', 'userName']);

/** What in the expression may give the name of a person outside of who(…). */
function personIn({ ast }: Expression): { what: string; position: number } | null {
  const hidden = new Set<object>();
  for (const node of nodesOf(ast)) {
    if (hidden.has(node)) continue;
    if (node.op === 'call' && node.args[0] === 'who') for (const inner of nodesOf(node)) hidden.add(inner);
    else if (node.op === 'call' && NAMING_FUNCTIONS.has(node.args[0]))
      return { what: `${node.args[0]}()`, position: node.pos };
    else if ((node.op === '.' || node.op === '.?') && NAMING_FIELDS.has(node.args[1]))
      return { what: `.${node.args[1]}`, position: node.pos };
    else if (node.op === 'value' && typeof node.args === 'string' && NAMING_FIELDS.has(node.args)) {
      return { what: `["${node.args}"]`, position: node.pos };
    }
  }
  return null;
}

function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** What a file of checks holds: those that compile, and what is wrong with the others. */
export function compileFile(
  value: unknown,
  of: 'catalog' | 'organization' = 'catalog',
): { checks: CompiledCheck[]; faults: DefinitionFaults[] } {
  const given = z.object({ checks: z.array(z.unknown()) }).safeParse(value);
  const checks: CompiledCheck[] = [];
  const faults: DefinitionFaults[] = [];
  const ids = new Set<string>();
  for (const definition of given.success ? given.data.checks : []) {
    try {
      const check = compileDefinition(definition, of);
      if (ids.has(check.id))
        throw new DefinitionFaults(check.id, [
          { pointer: '/id', line: null, column: null, reason: 'another check has this id' },
        ]);
      ids.add(check.id);
      checks.push(check);
    } catch (error) {
      if (!(error instanceof DefinitionFaults)) throw error;
      faults.push(error);
    }
  }
  if (faults.length > 0) return { checks, faults };
  const file = (of === 'catalog' ? ChecksFile : OrganizationChecksFile).safeParse(value);
  if (!file.success) faults.push(new DefinitionFaults('file', faultsIn(file.error)));
  return { checks, faults };
}

function faultsIn(error: z.ZodError): DefinitionFault[] {
  return error.issues.map(({ path, message }) => ({
    pointer: pointerOf(path),
    line: null,
    column: null,
    reason: message,
  }));
}
