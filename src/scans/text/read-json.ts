import { isAscii } from 'node:buffer';
import { ReportFault } from '../report.js';
import type { ByteSource } from './byte-source.js';
import { JsonScanner, type JsonLimits } from './json-scanner.js';
import { LazyList } from './lazy-list.js';

export interface JsonReading extends JsonLimits {
  /** Bytes that are read at a time. */
  window: number;
  /** A container of more bytes than this is taken apart: a list becomes lazy, an object is made member by member. */
  large: number;
  /** Bytes of all that is held at once of one value, lists left out. */
  held: number;
  /** Members of one container that is taken apart. */
  members: number;
}

/** Where a large container's members stand: each begins at `starts` (in an object: its key, behind the quote). */
interface Parts {
  end: number;
  /** Null of a list; of an object where each key ends and its value begins. */
  keys: { ends: Float64Array; values: Float64Array } | null;
  starts: Float64Array;
}

/** Bytes of small members of a list that are parsed at once: enough that a call costs nothing, few enough to be young when they are forgotten. */
const BATCH = 128 * 1024;

/**
 * The JSON texts of a source from an offset on, read strictly. All of it is scanned first, in one pass and little memory; then it is a document in which lists that
 * are too large to be held are read as they are gone through. `seen` is told each window of the pass.
 * Throws `ReportFault`, now or while a list is gone through.
 */
export function readJson(
  source: ByteSource,
  from: number,
  reading: JsonReading,
  seen: (window: Buffer) => void,
): unknown[] {
  const index = new Index(reading);
  let done = from;
  let told = from;
  while (done < source.size || told === from) {
    const end = Math.min(source.size, Math.max(done, told) + reading.window);
    const window = source.read(done, end);
    seen(window.subarray(told - done));
    told = end;
    try {
      done += index.push(window, done, end === source.size);
    } catch (error) {
      throw placed(error, source, index);
    }
    if (end === source.size && done >= end) break;
  }
  return new JsonDocument(source, index, reading).texts();
}

/** A fault of the scan with its pointer; the line is added by whoever knows where lines begin. */
function placed(error: unknown, source: ByteSource, index: Index): unknown {
  if (!(error instanceof ReportFault) || error.code !== 'duplicate-key') return error;
  const pointer = index
    .place()
    .map((step) => {
      const text = typeof step === 'number' ? String(step) : keyOf(source, step.from, step.end);
      return `/${text.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`;
    })
    .join('');
  return new ReportFault(error.code, error.detail, { ...error.place, pointer });
}

/** Numbers that grow, without an object for each. */
class Stack {
  length = 0;
  private numbers = new Float64Array(1_024);

  push(value: number): void {
    if (this.length === this.numbers.length) {
      const larger = new Float64Array(this.length * 2);
      larger.set(this.numbers);
      this.numbers = larger;
    }
    this.numbers[this.length++] = value;
  }

  /** What was pushed from a length on, removed. */
  cut(from: number): Float64Array {
    const part = this.numbers.slice(from, this.length);
    this.length = from;
    return part;
  }

  drop(from: number): void {
    this.length = from;
  }
}

/** The scan that remembers where the members of large containers stand. Of small ones it forgets them when they end. */
class Index extends JsonScanner {
  readonly parts = new Map<number, Parts>();
  readonly textStarts = new Stack();
  readonly textEnds = new Stack();
  private readonly openedAt: Float64Array;
  /** Lengths of the stacks when the container was opened. */
  private readonly startsFrom: Int32Array;
  private readonly starts = new Stack();
  private readonly keyEnds = new Stack();
  private readonly keyValues = new Stack();
  private readonly keysFrom: Int32Array;

  constructor(private readonly reading: JsonReading) {
    super(reading);
    this.openedAt = new Float64Array(reading.depth + 1);
    this.startsFrom = new Int32Array(reading.depth + 1);
    this.keysFrom = new Int32Array(reading.depth + 1);
  }

  protected override onValue(at: number): void {
    const { depth } = this;
    if (depth === 0) {
      this.textStarts.push(at);
      return;
    }
    if (this.isObject[depth]) {
      this.starts.push(this.keyFrom[depth] ?? 0);
      this.keyEnds.push(this.keyEnd[depth] ?? 0);
      this.keyValues.push(at);
    } else {
      this.starts.push(at);
    }
    if (this.starts.length > this.reading.members) {
      throw new ReportFault('too-many-values', `A list of the report has more than ${this.reading.members} members.`, {
        offset: at,
      });
    }
  }

  protected override onOpen(at: number): void {
    const { depth } = this;
    this.openedAt[depth] = at;
    this.startsFrom[depth] = this.starts.length;
    this.keysFrom[depth] = this.keyEnds.length;
  }

  protected override onClose(end: number): void {
    const { depth } = this;
    const at = this.openedAt[depth] ?? 0;
    const from = this.startsFrom[depth] ?? 0;
    const keysFrom = this.keysFrom[depth] ?? 0;
    if (end - at <= this.reading.large) {
      this.starts.drop(from);
      this.keyEnds.drop(keysFrom);
      this.keyValues.drop(keysFrom);
      return;
    }
    this.parts.set(at, {
      end,
      starts: this.starts.cut(from),
      keys: this.isObject[depth] ? { ends: this.keyEnds.cut(keysFrom), values: this.keyValues.cut(keysFrom) } : null,
    });
  }

  protected override onText(end: number): void {
    this.textEnds.push(end);
  }
}

class JsonDocument {
  constructor(
    private readonly source: ByteSource,
    private readonly index: Index,
    private readonly reading: JsonReading,
  ) {}

  /** All texts; a single lazy list of them where they are too large together. */
  texts(): unknown[] {
    const starts = this.index.textStarts.cut(0);
    const ends = this.index.textEnds.cut(0);
    const count = starts.length;
    const text = (position: number): unknown =>
      this.value(starts[position] ?? 0, ends[position] ?? 0, { held: this.reading.held });
    if (count < 2 || (ends[count - 1] ?? 0) - (starts[0] ?? 0) <= this.reading.large) {
      return Array.from(starts, (_, position) => text(position));
    }
    return [
      new LazyList(count, function* () {
        for (let position = 0; position < count; position++) yield text(position);
      }),
    ];
  }

  /** The value that stands between two offsets. `budget` is what may still be held of the value that it is part of. */
  private value(start: number, end: number, budget: { held: number }): unknown {
    const parts = this.index.parts.get(start);
    if (parts === undefined) {
      this.hold(end - start, start, budget);
      return this.parse(start, end);
    }
    const { starts, keys } = parts;
    if (keys === null) return new LazyList(starts.length, () => this.membersOf(parts));
    this.hold(sum(starts, keys.ends), start, budget);
    const members: [string, unknown][] = [];
    for (const [position, from] of starts.entries()) {
      const key = keyOf(this.source, from, keys.ends[position] ?? 0);
      const next = starts[position + 1];
      // What follows a value is a comma and the next key's quote, or the brace.
      const until = next === undefined ? parts.end - 1 : next - 1;
      const valueAt = keys.values[position] ?? 0;
      members.push([key, this.value(valueAt, this.trimmed(valueAt, until, next !== undefined), budget)]);
    }
    // An own property each, also of the name __proto__.
    return Object.fromEntries(members);
  }

  private hold(bytes: number, offset: number, budget: { held: number }): void {
    budget.held -= bytes;
    if (budget.held >= 0) return;
    throw new ReportFault(
      'too-large',
      `A part of the report that is no list is larger than ${this.reading.held} bytes.`,
      {
        offset,
      },
    );
  }

  private *membersOf({ starts, end }: Parts): Generator {
    const isLarge = (position: number): boolean => this.index.parts.has(starts[position] ?? 0);
    const count = starts.length;
    const endOf = (position: number): number => {
      const next = starts[position + 1];
      const start = starts[position] ?? 0;
      return this.trimmed(start, next ?? end - 1, next !== undefined);
    };
    for (let position = 0; position < count;) {
      const start = starts[position] ?? 0;
      if (isLarge(position) || (starts[position + 1] ?? end) - start > BATCH) {
        yield this.value(start, endOf(position), { held: this.reading.held });
        position++;
        continue;
      }
      let last = position;
      while (last + 1 < count && (starts[last + 2] ?? end) - start <= BATCH && !isLarge(last + 1)) last++;
      yield* this.parse(start, endOf(last), true) as unknown[];
      position = last + 1;
    }
  }

  /** The end of a value, where at most white space and one comma stand between it and `until`. */
  private trimmed(start: number, until: number, comma: boolean): number {
    // Mostly a comma and a line end; where somebody wrote a megabyte of blanks it is looked for further back.
    for (let reach = 64; ; reach *= 16) {
      const from = Math.max(start, until - reach);
      const bytes = this.source.read(from, until);
      let at = bytes.length - 1;
      let wanted = comma;
      for (; at >= 0; at--) {
        const byte = bytes[at] ?? 0;
        if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) continue;
        if (!wanted || byte !== 0x2c) break;
        wanted = false;
      }
      if (at >= 0 || from === start) return from + at + 1;
    }
  }

  /** `members`: the members of a list, without its brackets. */
  private parse(start: number, end: number, members = false): unknown {
    const bytes = this.source.read(start, end);
    // The same characters, decoded at a third of the cost, in half of the memory.
    const text = bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8');
    try {
      return JSON.parse(members ? `[${text}]` : text);
    } catch {
      throw new ReportFault('not-json', 'The text holds a number, word or escape that JSON does not have.', {
        offset: start,
      });
    }
  }
}

function keyOf(source: ByteSource, from: number, end: number): string {
  const raw = source.read(from, end).toString('utf8');
  if (!raw.includes('\\')) return raw;
  return JSON.parse(`"${raw}"`) as string;
}

/** Bytes of all keys. */
function sum(starts: Float64Array, ends: Float64Array): number {
  let bytes = 0;
  for (const [position, start] of starts.entries()) bytes += (ends[position] ?? start) - start;
  return bytes;
}
