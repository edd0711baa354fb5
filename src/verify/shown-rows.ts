import type { Said } from './said.js';

/** Bytes of an id, and of a digest of what is said. */
const WIDTH = 16;

/** The bytes of a UUID, or of a digest in hex. */
const idBytes = (id: string): Buffer => Buffer.from(id.replaceAll('-', ''), 'hex');

/** What has come out of a row that is compared with more than one report. */
export type Outcome = 0 | 1 | 2 | 3;
/** `UNKNOWN`: no report has spoken of it yet. `UNSURE`: it is told otherwise by a report that may have been read otherwise, or be passed over. */
export const [UNKNOWN, SAME, OTHER, UNSURE] = [0, 1, 2, 3] as const satisfies Outcome[];

/** The scan of a row that names none that is there. */
export const NOBODY = -1;

/** Rows that a package shows, by their ids: 60 bytes for each and no objects, for a package may have millions. Open addressing at half load. */
export class ShownRows {
  size = 0;
  /** Of each row: its id, a digest of all that it says, and one of what a later report may say otherwise. */
  private bytes = Buffer.alloc(1_024 * 3 * WIDTH);
  /** Which scan each rests on. */
  private scans = new Int32Array(1_024);
  /** Which scan last spoke of it. */
  private speakers = new Int32Array(1_024);
  /** What came of it by its own scan, and by the last that spoke of it. */
  private own = new Uint8Array(1_024);
  private last = new Uint8Array(1_024);
  /** The row and one, so that 0 is an empty place. */
  private places = new Uint32Array(2_048);

  /** False where there is a row of that id already. */
  add(id: string, scan: number, { whole, says }: Said): boolean {
    if (this.size === this.scans.length) this.grow();
    const bytes = idBytes(id);
    const place = this.placeOf(bytes);
    if (this.places[place] !== 0) return false;
    const at = this.size * 3 * WIDTH;
    bytes.copy(this.bytes, at, 0, WIDTH);
    idBytes(whole).copy(this.bytes, at + WIDTH, 0, WIDTH);
    idBytes(says).copy(this.bytes, at + 2 * WIDTH, 0, WIDTH);
    this.scans[this.size] = scan;
    this.speakers[this.size] = NOBODY;
    this.size += 1;
    this.places[place] = this.size;
    return true;
  }

  /** Null where there is none of that id. */
  find(id: string): number | null {
    const found = this.places[this.placeOf(idBytes(id))] ?? 0;
    return found === 0 ? null : found - 1;
  }

  idOf(row: number): string {
    const hex = this.bytes.toString('hex', row * 3 * WIDTH, row * 3 * WIDTH + WIDTH);
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }

  scanOf(row: number): number {
    return this.scans[row] ?? NOBODY;
  }

  isWhole(row: number, { whole }: Pick<Said, 'whole'>): boolean {
    return this.isAt(row * 3 * WIDTH + WIDTH, idBytes(whole));
  }

  doesSay(row: number, { says }: Pick<Said, 'says'>): boolean {
    return this.isAt(row * 3 * WIDTH + 2 * WIDTH, idBytes(says));
  }

  ownOutcome(row: number): Outcome {
    return (this.own[row] ?? UNKNOWN) as Outcome;
  }

  setOwn(row: number, outcome: Outcome): void {
    this.own[row] = outcome;
  }

  lastOutcome(row: number): Outcome {
    return (this.last[row] ?? UNKNOWN) as Outcome;
  }

  /** Who spoke last of it; `NOBODY` where none did yet. */
  speakerOf(row: number): number {
    return this.speakers[row] ?? NOBODY;
  }

  setLast(row: number, speaker: number, outcome: Outcome): void {
    this.speakers[row] = speaker;
    this.last[row] = outcome;
  }

  private isAt(at: number, digest: Buffer): boolean {
    return this.bytes.compare(digest, 0, WIDTH, at, at + WIDTH) === 0;
  }

  /** The last bytes of an id are as good as a hash: ids are digests but for their heads. */
  private placeOf(id: Buffer): number {
    const mask = this.places.length - 1;
    for (let place = id.readUInt32BE(WIDTH - 4) & mask; ; place = (place + 1) & mask) {
      const found = this.places[place] ?? 0;
      if (found === 0 || this.isAt((found - 1) * 3 * WIDTH, id)) return place;
    }
  }

  private grow(): void {
    const rows = this.size * 2;
    this.bytes = Buffer.concat([this.bytes], rows * 3 * WIDTH);
    this.scans = longer(this.scans, new Int32Array(rows));
    this.speakers = longer(this.speakers, new Int32Array(rows));
    this.own = longer(this.own, new Uint8Array(rows));
    this.last = longer(this.last, new Uint8Array(rows));
    this.places = new Uint32Array(rows * 2);
    for (let row = 0; row < this.size; row += 1) {
      const at = row * 3 * WIDTH;
      this.places[this.placeOf(this.bytes.subarray(at, at + WIDTH))] = row + 1;
    }
  }
}

function longer<Numbers extends Int32Array | Uint8Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from);
  return to;
}
