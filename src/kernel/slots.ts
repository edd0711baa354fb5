import { Refusal } from './http/problem.js';

/** So many at once, the others wait in order; more than may wait are told to come back. What is scarce is taken before anything is held for it. */
export class Slots {
  private free: number;
  private readonly waiting: (() => void)[] = [];
  /** Of work that nobody waits for as long as nobody else wants its slot. */
  private readonly idle = new Set<AbortController>();

  constructor(
    slots: number,
    private readonly maxWaiting: number,
  ) {
    this.free = slots;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free -= 1;
    else {
      if (this.waiting.length >= this.maxWaiting) throw busy();
      for (const wanted of this.idle) wanted.abort();
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      this.give();
    }
  }

  /** Work that can wait as well as be done: null where no slot is free. Its signal says that somebody else waits for the slot. */
  runIdle<T>(work: (wanted: AbortSignal) => Promise<T>): Promise<T> | null {
    if (this.free === 0) return null;
    this.free -= 1;
    const wanted = new AbortController();
    this.idle.add(wanted);
    return work(wanted.signal).finally(() => {
      this.idle.delete(wanted);
      this.give();
    });
  }

  private give(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free += 1;
    else next();
  }
}

/** One at a time per key, and so many over all keys. */
export class Turns {
  private readonly last = new Map<string, Promise<unknown>>();
  private readonly slots: Slots;

  constructor(
    slots: number,
    private readonly maxWaiting: number,
  ) {
    this.slots = new Slots(slots, maxWaiting);
  }

  private waiters = 0;

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (this.waiters >= this.maxWaiting) throw busy();
    this.waiters += 1;
    const before = this.last.get(key) ?? Promise.resolve();
    const turn = before.then(() => this.slots.run(work));
    const done = turn.catch(() => undefined);
    this.last.set(key, done);
    try {
      return await turn;
    } finally {
      this.waiters -= 1;
      if (this.last.get(key) === done) this.last.delete(key);
    }
  }
}

/** So many at once of each key, and so many of it that wait: whoever sends without end is told to come back before others have to wait for it. */
export class SlotsByKey {
  private readonly lanes = new Map<string, { slots: Slots; users: number }>();

  constructor(
    private readonly slots: number,
    private readonly maxWaiting: number,
  ) {}

  /** How many keys have work under way: none is remembered when its last has ended. */
  get size(): number {
    return this.lanes.size;
  }

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const lane = this.lanes.get(key) ?? { slots: new Slots(this.slots, this.maxWaiting), users: 0 };
    this.lanes.set(key, lane);
    lane.users += 1;
    try {
      return await lane.slots.run(work);
    } finally {
      lane.users -= 1;
      if (lane.users === 0) this.lanes.delete(key);
    }
  }
}

/** So much of what is scarce, shared by all who ask for some of it. */
export class Room {
  constructor(private left: number) {}

  /** False where not so much is left: then nothing was taken. */
  take(amount: number): boolean {
    if (amount > this.left) return false;
    this.left -= amount;
    return true;
  }

  give(amount: number): void {
    this.left += amount;
  }
}

export const busy = (): Refusal =>
  new Refusal('too-many-requests', 'Too much of this is under way. Try again later.', {
    headers: { 'Retry-After': '5' },
  });
