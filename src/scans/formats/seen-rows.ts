import { freeBuffer } from '../../kernel/memory.js';

/** Words of 32 bits in an id. */
const WORDS = 4;

/** Of its slots so many are taken at most: of a table twice as large, half of what a thread holds of a large report would be empty. */
const FULL = 7 / 8;

/**
 * Ids (UUIDs) that were given, each with a number below 255: two million of them in 70 MB, where a Map of texts would take ten times as much.
 * Open addressing; the ids are digests but for their first word, so that the last one is as good as a hash.
 */
export class SeenRows {
  size = 0;
  private slots = 1_024;
  private words = new Int32Array(this.slots * WORDS);
  /** 0: free; else the number, plus one. */
  private marks = new Uint8Array(this.slots);

  /** The number that the id had, null if it is new. It keeps the lesser of the two. */
  put(id: string, mark: number): number | null {
    if (this.size >= this.slots * FULL) this.grow();
    const a = word(id, 0, 8);
    const b = (word(id, 9, 13) << 16) | word(id, 14, 18);
    const c = (word(id, 19, 23) << 16) | word(id, 24, 28);
    const d = word(id, 28, 36);
    const slot = this.find(a, b, c, d);
    const found = this.marks[slot] ?? 0;
    if (found === 0) {
      this.take(slot, a, b, c, d, mark + 1);
      this.size += 1;
      return null;
    }
    if (mark + 1 < found) this.marks[slot] = mark + 1;
    return found - 1;
  }

  /** The slot of the id, or the free one where it belongs. */
  private find(a: number, b: number, c: number, d: number): number {
    const { words, marks, slots } = this;
    for (let slot = d & (slots - 1); ; slot = (slot + 1) & (slots - 1)) {
      if (marks[slot] === 0) return slot;
      const at = slot * WORDS;
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d) return slot;
    }
  }

  private take(slot: number, a: number, b: number, c: number, d: number, mark: number): void {
    const { words } = this;
    const at = slot * WORDS;
    words[at] = a;
    words[at + 1] = b;
    words[at + 2] = c;
    words[at + 3] = d;
    this.marks[slot] = mark;
  }

  private grow(): void {
    const { words, marks, slots } = this;
    this.slots = slots * 2;
    this.words = new Int32Array(this.slots * WORDS);
    this.marks = new Uint8Array(this.slots);
    for (let slot = 0; slot < slots; slot++) {
      const mark = marks[slot] ?? 0;
      if (mark === 0) continue;
      const at = slot * WORDS;
      const [a = 0, b = 0, c = 0, d = 0] = words.subarray(at, at + WORDS);
      this.take(this.find(a, b, c, d), a, b, c, d, mark);
    }
    freeBuffer(words);
    freeBuffer(marks);
  }
}

/** The 32 bits or less of some hexadecimal digits. Digits by hand: a slice and a parse of each part took a third of the reading of a report. */
function word(id: string, from: number, end: number): number {
  let bits = 0;
  for (let at = from; at < end; at++) {
    const code = id.charCodeAt(at);
    bits = (bits << 4) | (code < 0x3a ? code - 0x30 : code - 0x57);
  }
  return bits;
}
