import { described, integerOf, MalformedError } from './objects.js';

/**
 * Amounts of resources as Kubernetes writes them: `1.5Gi`, `200m`, `12e6`.
 * Source: k8s.io/apimachinery/pkg/api/resource, quantity.go and suffix.go; the CEL library is k8s.io/apiserver/pkg/cel/library, quantity.go.
 */

/** Kubernetes keeps nothing finer than a nano (10⁻⁹); so an amount is a whole number of them, and comparing is exact. */
const NANO = 9;
const UNIT = 10n ** BigInt(NANO);

const DECIMAL_SUFFIXES = new Map([
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
]);
const BINARY_SUFFIXES = new Map([
  ['Ki', 10n],
  ['Mi', 20n],
  ['Gi', 30n],
  ['Ti', 40n],
  ['Pi', 50n],
  ['Ei', 60n],
]);

const MAX_BINARY = (2n ** 63n - 1n) * UNIT;

/** Bounds that Kubernetes does not have: `1e999999999` is nine characters and, exactly, a gigabyte of digits. */
const MAX_LENGTH = 256;
const MAX_EXPONENT = 1000;

/**
 * A number may begin or end with its point. The parser of Kubernetes takes numbers without digits too (`Mi` is zero to it, against its own documentation);
 * here they are refused.
 */
const QUANTITY = /^([+-]?)(\d*)(?:\.(\d*))?(|[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)$/;

export class Quantity {
  private constructor(
    private readonly nanos: bigint,
    private readonly text: string,
  ) {}

  /** @throws MalformedError for what Kubernetes refuses, and past the bounds above. */
  static parse(value: unknown): Quantity {
    // The API server reads a bare JSON number by its digits; what it gives out is always a string.
    const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
    if (typeof text !== 'string') throw new MalformedError(`a quantity is a string, not ${described(value)}`);
    const nanos = nanosOf(text);
    if (nanos === undefined) throw new MalformedError(`${described(text)} is not a quantity`);
    return new Quantity(nanos, text);
  }

  static is(text: string): boolean {
    return nanosOf(text) !== undefined;
  }

  compareTo(other: Quantity): -1 | 0 | 1 {
    return this.nanos < other.nanos ? -1 : this.nanos > other.nanos ? 1 : 0;
  }

  isLessThan(other: Quantity): boolean {
    return this.nanos < other.nanos;
  }

  isGreaterThan(other: Quantity): boolean {
    return this.nanos > other.nanos;
  }

  equals(other: Quantity): boolean {
    return this.nanos === other.nanos;
  }

  sign(): -1 | 0 | 1 {
    return this.nanos < 0n ? -1 : this.nanos > 0n ? 1 : 0;
  }

  /**
   * Whether the amount is a whole number of 64 bits. Kubernetes says no of some that are (`1000m`, `1.0`, amounts of 19 digits): its own representation
   * would have to be converted.
   */
  isInteger(): boolean {
    const whole = this.nanos / UNIT;
    return whole * UNIT === this.nanos && BigInt.asIntN(64, whole) === whole;
  }

  asInteger(): bigint {
    if (!this.isInteger()) throw new MalformedError(`the quantity ${this.text} is not an integer of 64 bits`);
    return this.nanos / UNIT;
  }

  asApproximateFloat(): number {
    return Number(`${this.nanos}e-9`);
  }

  add(other: Quantity | bigint | number): Quantity {
    return Quantity.ofNanos(this.nanos + Quantity.operand(other));
  }

  sub(other: Quantity | bigint | number): Quantity {
    return Quantity.ofNanos(this.nanos - Quantity.operand(other));
  }

  /** As it was written; of sums and differences the whole number, or the nanos where it is none. */
  toString(): string {
    return this.text;
  }

  private static ofNanos(nanos: bigint): Quantity {
    return new Quantity(nanos, nanos % UNIT === 0n ? String(nanos / UNIT) : `${nanos}n`);
  }

  private static operand(value: Quantity | bigint | number): bigint {
    return value instanceof Quantity ? value.nanos : integerOf(value, 'what is added to a quantity') * UNIT;
  }
}

function nanosOf(text: string): bigint | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const [, sign, whole = '', fraction = '', suffix = ''] = QUANTITY.exec(text) ?? [];
  if (sign === undefined || whole + fraction === '') return undefined;
  const digits = BigInt(whole + fraction);

  const shift = BINARY_SUFFIXES.get(suffix);
  const exponent = shift === undefined ? (DECIMAL_SUFFIXES.get(suffix) ?? Number(suffix.slice(1))) : 0;
  if (Math.abs(exponent) > MAX_EXPONENT) return undefined;

  let magnitude = scaled(digits << (shift ?? 0n), exponent - fraction.length + NANO);
  // Kubernetes caps what is written in binary (only that) at 2⁶³-1.
  if (shift !== undefined && magnitude > MAX_BINARY) magnitude = MAX_BINARY;
  return sign === '-' ? -magnitude : magnitude;
}

/** Away from zero: who asks for a little gets a little, says Kubernetes. */
function scaled(digits: bigint, exponent: number): bigint {
  if (exponent >= 0) return digits * 10n ** BigInt(exponent);
  const divisor = 10n ** BigInt(-exponent);
  return (digits + divisor - 1n) / divisor;
}
