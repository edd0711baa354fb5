import { Duration } from '@marcbachmann/cel-js/evaluator';
import { RE2JS } from 're2js';
import { Unanswerable, type CheckFunction } from './function.js';

/** RFC 3339 section 5.6. The library takes whatever `new Date` takes, in the time zone of the machine. */
const INSTANT =
  /^\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

export function instantOf(text: string): Date {
  const millis = INSTANT.test(text)
    ? Date.parse(
        text
          .toUpperCase()
          .replace(/(\.\d{3})\d*/, '$1')
          .replace(/:60(?=[.Z+-])/, ':59'),
      )
    : NaN;
  if (Number.isNaN(millis)) throw new Unanswerable(`timestamp(): not an instant of RFC 3339: ${quoted(text)}`);
  return new Date(millis);
}

const NANOSECONDS: Readonly<Record<string, bigint>> = {
  h: 3_600_000_000_000n,
  m: 60_000_000_000n,
  s: 1_000_000_000n,
  ms: 1_000_000n,
  us: 1_000n,
  µs: 1_000n,
  ns: 1n,
};

/** As Go's time.ParseDuration, which Kubernetes uses: no days. */
const DURATION = /^[+-]?(?:0|(?:(?:\d{1,15}(?:\.\d{0,9})?|\.\d{1,9})(?:h|ms|us|µs|ns|m|s)){1,10})$/;

export function durationOf(text: string): Duration {
  if (!DURATION.test(text)) throw new Unanswerable(`duration(): not a duration as 1h30m: ${quoted(text)}`);
  let nanos = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of text.matchAll(/(\d*)(?:\.(\d*))?(h|ms|us|µs|ns|m|s)/g)) {
    const scale = NANOSECONDS[unit] ?? 0n;
    nanos += BigInt(whole === '' ? '0' : whole) * scale + (BigInt(fraction.padEnd(9, '0')) * scale) / 1_000_000_000n;
  }
  if (text.startsWith('-')) nanos = -nanos;
  return new Duration(nanos / 1_000_000_000n, Number(nanos % 1_000_000_000n));
}

const INTEGER = /^-?(?:0|[1-9]\d{0,18})$/;
const MAX = 2n ** 63n - 1n;

function integerOf(text: string): bigint {
  if (!INTEGER.test(text)) throw new Unanswerable(`int(): not a whole number: ${quoted(text)}`);
  return inRange(BigInt(text));
}

function inRange(value: bigint): bigint {
  if (value > MAX || value < -MAX - 1n) throw new Unanswerable('int(): more than 64 bits');
  return value;
}

function wholeOf(value: number): bigint {
  if (!Number.isFinite(value)) throw new Unanswerable('int(): not a finite number');
  return inRange(BigInt(Math.trunc(value)));
}

/** Of what an object says, so much as tells what was read. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text);
}

const patterns = new Map<string, RE2JS>();

/** Patterns are literals of checks, of which organisations try many. */
const MAX_PATTERNS = 10_000;

function pattern(text: string): RE2JS {
  let found = patterns.get(text);
  if (found === undefined && patterns.size >= MAX_PATTERNS) patterns.clear();
  if (found === undefined) patterns.set(text, (found = RE2JS.compile(text)));
  return found;
}

function findAll(text: string, expression: string, limit: bigint): string[] {
  const found: string[] = [];
  const matcher = pattern(expression).matcher(text);
  while ((limit < 0n || found.length < limit) && matcher.find()) found.push(matcher.group() ?? '');
  return found;
}

/** The functions that stand in for the library's own under another name (see REPLACED in expression.ts), and the regular expressions of Kubernetes. */
export const CONVERSIONS: readonly CheckFunction[] = [
  {
    signature: 'string.re2Matches(string): bool',
    name: '.matches',
    handler: (text: string, expression: string) => pattern(expression).matcher(text).find(),
    about: 'Whether the RE2 regular expression, a literal, is found in it; `^` and `$` bind it to the ends.',
    kubernetes: '1.26',
  },
  {
    signature: 'string.find(string): string',
    handler: (text: string, expression: string) => findAll(text, expression, 1n)[0] ?? '',
    about: 'The first place where the RE2 regular expression, a literal, fits; empty where none does.',
    kubernetes: '1.26',
  },
  {
    signature: 'string.findAll(string): list<string>',
    handler: (text: string, expression: string) => findAll(text, expression, -1n),
    about: 'All places where it fits.',
    kubernetes: '1.26',
  },
  {
    signature: 'string.findAll(string, int): list<string>',
    handler: findAll,
    about: 'So many of the places where it fits.',
    kubernetes: '1.26',
  },
  {
    signature: 'strictInt(int): int',
    name: 'int',
    handler: (value: bigint) => value,
    about: 'A whole number.',
    kubernetes: '1.26',
  },
  { signature: 'strictInt(double): int', name: 'int', handler: wholeOf, about: 'Towards zero.', kubernetes: '1.26' },
  {
    signature: 'strictInt(string): int',
    name: 'int',
    handler: integerOf,
    about: 'In decimal digits; an error of anything else.',
    kubernetes: '1.26',
  },
  {
    signature: 'strictInt(google.protobuf.Timestamp): int',
    name: 'int',
    handler: (instant: Date) => BigInt(Math.floor(instant.getTime() / 1000)),
    about: 'Seconds since 1970.',
    kubernetes: '1.26',
  },
  {
    signature: 'strictTimestamp(string): google.protobuf.Timestamp',
    name: 'timestamp',
    handler: instantOf,
    about: 'An instant of RFC 3339: `timestamp("2026-11-26T08:00:00Z")`. Instants are compared and subtracted.',
    kubernetes: '1.26',
  },
  {
    signature: 'strictTimestamp(google.protobuf.Timestamp): google.protobuf.Timestamp',
    name: 'timestamp',
    handler: (instant: Date) => instant,
    about: 'The same instant.',
    kubernetes: '1.26',
  },
  {
    signature: 'strictDuration(string): google.protobuf.Duration',
    name: 'duration',
    handler: durationOf,
    about: 'A length of time as Go writes it, in hours at most: `duration("720h")`.',
    kubernetes: '1.26',
  },
  {
    signature: 'strictDuration(google.protobuf.Duration): google.protobuf.Duration',
    name: 'duration',
    handler: (length: Duration) => length,
    about: 'The same.',
    kubernetes: '1.26',
  },
];
