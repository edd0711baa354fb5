import type { OnModuleDestroy } from '@nestjs/common';

/** Of work that gives way: how long it rests, in times of what the last of it took. So it has a tenth of the time where others never pause. */
const REST = 9;
/** Milliseconds. A job that rests is under way, and holds one of the few that a server has in hand. */
const LONGEST_REST = 5_000;

/** What somebody waits for, counted, so that work for which nobody waits can give way to it: slowed down as long as there is any, and never stopped. */
export class Foreground implements OnModuleDestroy {
  private ending = false;
  private underWay = 0;
  private lastTook = 0;
  private readonly resting = new Set<() => void>();

  /** Work that somebody waits for. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.underWay += 1;
    try {
      return await work();
    } finally {
      this.underWay -= 1;
      if (this.underWay === 0) this.wake();
    }
  }

  /** Work that nobody waits for. Begins as soon as nobody waits for anything else, and after its rest at the latest. */
  async giveWay<T>(work: () => Promise<T>): Promise<T> {
    if (this.underWay > 0 && !this.ending) await this.rest(Math.min(REST * this.lastTook, LONGEST_REST));
    const began = performance.now();
    try {
      return await work();
    } finally {
      this.lastTook = performance.now() - began;
    }
  }

  /** A server that ends waits for the jobs under way: none of them rests. */
  onModuleDestroy(): void {
    this.ending = true;
    this.wake();
  }

  private wake(): void {
    for (const goOn of this.resting) goOn();
  }

  private async rest(longest: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        clearTimeout(timer);
        this.resting.delete(goOn);
        resolve();
      };
      const timer = setTimeout(goOn, longest);
      this.resting.add(goOn);
    });
  }
}
