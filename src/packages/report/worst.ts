import type { Shown } from './readings.js';

/** Of however many come the gravest; of two alike the one that came first. What is held is bounded, and all are counted. */
export class Worst<Item> {
  private total = 0;
  private kept: Item[] = [];

  /** `compare`: the gravest first. */
  constructor(
    private readonly most: number,
    private readonly compare: (one: Item, other: Item) => number,
  ) {}

  add(item: Item): void {
    this.total += 1;
    this.kept.push(item);
    if (this.kept.length >= 2 * this.most) this.drop();
  }

  shown(): Shown<Item> {
    this.drop();
    return { total: this.total, items: this.kept };
  }

  private drop(): void {
    this.kept = this.kept.sort(this.compare).slice(0, this.most);
  }
}
