import type { ASTNode, Environment, ParseResult } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';

/** Where and why an expression is not one. Lines and columns count from 1. */
export class ExpressionFault extends Error {
  readonly line: number;
  readonly column: number;

  constructor(
    readonly reason: string,
    readonly source: string,
    readonly position: number,
  ) {
    const before = source.slice(0, position);
    const line = before.split('\n').length;
    const column = position - before.lastIndexOf('\n');
    super(`${line}:${column}: ${reason}`);
    this.name = 'ExpressionFault';
    this.line = line;
    this.column = column;
  }
}

export type Variables = Readonly<Record<string, unknown>>;

/** What an expression mentions, as its text has it. */
export interface Mentions {
  /** Functions and macros: `size`; of a receiver with a dot before it: `.size`. */
  readonly functions: ReadonlySet<string>;
  /** Variables that no macro binds. */
  readonly variables: ReadonlySet<string>;
  /** Those of them of which more is taken than a field by its name. */
  readonly whole: ReadonlySet<string>;
  /** Fields of variables: `cluster.provider`. */
  readonly fields: ReadonlySet<string>;
  /** Where variables stand. */
  readonly places: readonly { readonly name: string; readonly start: number }[];
  /** The kinds that objects('…'), inNamespace('…', …), objectsBy('…', …) and reportOn('…', …) name. */
  readonly kinds: ReadonlySet<string>;
}

export interface Expression extends Mentions {
  readonly source: string;
  /** Throws what evaluation throws. */
  readonly evaluate: (variables: Variables) => unknown;
  readonly ast: ASTNode;
  readonly type: string;
}

/** Macros of two arguments or more whose first is the name of a variable. */
const BINDING_MACROS: ReadonlySet<string> = new Set(['.all', '.exists', '.exists_one', '.map', '.filter']);

/** Functions whose argument must be a literal, with its place among the arguments: what a check reads, and what its regular expressions cost, is known when it is loaded. */
const LITERALS: Readonly<Record<string, number>> = {
  objects: 0,
  inNamespace: 0,
  objectsBy: 0,
  reportOn: 0,
  '.matches': 0,
  '.find': 0,
  '.findAll': 0,
};

/**
 * Functions of the library that are replaced, for it does not let them be registered anew. `matches` is JavaScript's there, which backtracks: `^(a+)+$` takes seconds
 * on 27 characters. The conversions take what CEL refuses: int('') is 0, duration('s') is 0s, timestamp() reads any text that JavaScript takes for a date,
 * in the time zone of the machine. `join` makes texts of any length.
 */
const REPLACED: Readonly<Record<string, string>> = {
  '.matches': 're2Matches',
  '.join': 'boundedJoin',
  int: 'strictInt',
  duration: 'strictDuration',
  timestamp: 'strictTimestamp',
};

/** How deep loops may lie in each other: three over 300 elements each are 27 million steps. */
const MAX_LOOPS = 4;
/** Elements of the lists that loops of one evaluation make: 40 MB. Ten thousand pods in a list for each of ten thousand are more memory than there is. */
const MAX_ELEMENTS = 5_000_000;
/** Each may double what it names: `cel.bind(b, a + a, cel.bind(c, b + b, …`. */
const MAX_BINDS = 8;
const MAX_PATTERN = 1_000;

let elements = 0;

/** Loops that make lists. The library has no bound for them, but a place where each hands on what it has made. */
function boundLists(node: ASTNode): void {
  const { meta } = node as unknown as {
    meta: { alternate?: { args: { result?: (list: readonly unknown[]) => unknown } } };
  };
  const loop = meta.alternate?.args;
  if (typeof loop?.result !== 'function') throw new Error('the CEL library expands its loops otherwise than it did');
  loop.result = (list) => {
    elements += list.length;
    if (elements > MAX_ELEMENTS) throw new Error(`makes lists of more than ${MAX_ELEMENTS} elements`);
    return list;
  };
}

/** Parses, looks for what may not be said, and checks types. Throws `ExpressionFault`. */
export function compileExpression(
  source: string,
  environment: Environment,
  known: ReadonlySet<string>,
  expected: 'bool' | 'any',
): Expression {
  const parsed = parse(source, environment);
  const mentions = inspect(parsed.ast, source, known);
  const { valid, type, error } = parsed.check();
  if (!valid || type === undefined) throw faultOf(error, source);
  if (expected === 'bool' && type !== 'bool' && type !== 'dyn') {
    throw new ExpressionFault(`is of type ${type} and must be a bool`, source, 0);
  }
  const evaluate = (variables: Variables): unknown => {
    elements = 0;
    return parsed(variables) as unknown;
  };
  return { source, ast: parsed.ast, type, evaluate, ...mentions };
}

function parse(source: string, environment: Environment): ParseResult {
  try {
    return environment.parse(source);
  } catch (error) {
    throw faultOf(error, source);
  }
}

/** What is thrown when the expression is evaluated, in one line, and where in it, if that is known. */
export function placedReasonOf(error: unknown, source: string): string {
  const range = rangeOf(error);
  if (range === undefined) return reasonOf(error);
  const { line, column, reason } = new ExpressionFault(reasonOf(error), source, range.start);
  return `line ${line}, column ${column}: ${reason}`;
}

/** The words of the library's errors, without its drawing of the place. */
function faultOf(error: unknown, source: string): ExpressionFault {
  return new ExpressionFault(reasonOf(error), source, rangeOf(error)?.start ?? 0);
}

function rangeOf(error: unknown): { start: number } | undefined {
  return typeof error === 'object' && error !== null && 'range' in error
    ? (error.range as { start: number } | undefined)
    : undefined;
}

const ORIGINAL = new Map(Object.entries(REPLACED).map(([name, own]) => [own, name.replace('.', '')]));

/** What an error of the library or of a function says, in one line. */
export function reasonOf(error: unknown): string {
  if (error instanceof RangeError && error.message.includes('call stack')) return 'is nested too deep';
  const said =
    typeof error === 'object' && error !== null && 'summary' in error && typeof error.summary === 'string'
      ? error.summary
      : error instanceof Error
        ? error.message
        : String(error);
  return said.replaceAll(/\b(re2Matches|boundedJoin|strict[A-Z][a-z]+)\b/g, (name) => ORIGINAL.get(name) ?? name);
}

/** What an expression mentions. Replaces the calls of `REPLACED` in the tree, which the library reads when it checks and evaluates. */
function inspect(root: ASTNode, source: string, known: ReadonlySet<string>): Mentions {
  const functions = new Set<string>();
  const variables = new Set<string>();
  const whole = new Set<string>();
  const fields = new Set<string>();
  const kinds = new Set<string>();
  const places: { name: string; start: number }[] = [];
  let binds = 0;
  const refuse = (reason: string, node: ASTNode): never => {
    throw new ExpressionFault(reason, source, node.start);
  };

  const call = (node: ASTNode & { op: 'call' | 'rcall' }, name: string, given: readonly ASTNode[]): void => {
    if (!known.has(name)) refuse(`there is no function ${name.replace('.', '')}`, node);
    functions.add(name);
    const place = LITERALS[name];
    if (place !== undefined) {
      const argument = given[place];
      if (argument?.op !== 'value' || typeof argument.args !== 'string') {
        return refuse(`the argument of ${name.replace('.', '')} must be a literal text`, argument ?? node);
      }
      if (name.startsWith('.')) checkPattern(argument.args, (reason) => refuse(reason, argument));
      else kinds.add(argument.args);
    }
    const own = REPLACED[name];
    if (own !== undefined) (node.args as unknown as [string])[0] = own;
  };

  const walk = (node: ASTNode, bound: ReadonlySet<string>, loops: number): void => {
    switch (node.op) {
      case 'value':
        return;
      case 'id':
        if (bound.has(node.args)) return;
        variables.add(node.args);
        places.push({ name: node.args, start: node.start });
        whole.add(node.args);
        return;
      case '.':
      case '.?': {
        const [left, name] = node.args;
        if (left.op !== 'id' || bound.has(left.args)) {
          walk(left, bound, loops);
          return;
        }
        variables.add(left.args);
        places.push({ name: left.args, start: left.start });
        fields.add(`${left.args}.${name}`);
        return;
      }
      case 'call': {
        const [name, given] = node.args;
        call(node, name, given);
        for (const argument of given) walk(argument, bound, loops);
        return;
      }
      case 'rcall': {
        const [method, receiver, given] = node.args;
        const name = `.${method}`;
        if (name === '.bind' && receiver.op === 'id' && receiver.args === 'cel') {
          if (++binds > MAX_BINDS) refuse(`may bind at most ${MAX_BINDS} names`, node);
          call(node, 'cel.bind', given);
          const [variable, value, body] = given;
          if (variable?.op !== 'id' || value === undefined || body === undefined)
            return refuse('cel.bind(name, value, expression)', node);
          walk(value, bound, loops);
          walk(body, new Set([...bound, variable.args]), loops);
          return;
        }
        const namespace = receiver.op === 'id' && !bound.has(receiver.args) ? `${receiver.args}${name}` : null;
        call(node, namespace !== null && known.has(namespace) ? namespace : name, given);
        walk(receiver, bound, loops);
        const [variable, ...rest] = given;
        if (BINDING_MACROS.has(name) && variable?.op === 'id') {
          if (loops + 1 > MAX_LOOPS) refuse(`loops may lie ${MAX_LOOPS} deep in each other`, node);
          if (name === '.map' || name === '.filter') boundLists(node);
          const inner = new Set([...bound, variable.args]);
          for (const argument of rest) walk(argument, inner, loops + 1);
        } else for (const argument of given) walk(argument, bound, loops);
        return;
      }
      default:
        for (const child of childrenOf(node)) walk(child, bound, loops);
    }
  };
  walk(root, new Set(), 0);
  return { functions, variables, whole, fields, kinds, places };
}

/** Of nodes that are neither values, names, fields nor calls. */
function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case 'map':
      return node.args.flat();
    case '!_':
    case '-_':
      return [node.args];
    default:
      return node.args;
  }
}

/** Every node of the tree, the root first. */
export function* nodesOf(root: ASTNode): Generator<ASTNode> {
  yield root;
  for (const child of childrenOf(root)) yield* nodesOf(child);
}

function checkPattern(pattern: string, refuse: (reason: string) => void): void {
  if (pattern.length > MAX_PATTERN) refuse(`a regular expression has at most ${MAX_PATTERN} characters`);
  try {
    RE2JS.compile(pattern);
  } catch (error) {
    refuse(`is no RE2 regular expression: ${error instanceof Error ? error.message : String(error)}`);
  }
}
