/** Time that a piece of work is given: when it is used up, the signal aborts. While it is paused, it stands still. */
export class WorkTime {
  private readonly over = new AbortController();
  private running: { since: number; timer: NodeJS.Timeout } | null = null;

  constructor(private left: number) {
    this.resume();
  }

  get signal(): AbortSignal {
    return this.over.signal;
  }

  pause(): void {
    if (this.running === null) return;
    clearTimeout(this.running.timer);
    this.left -= performance.now() - this.running.since;
    this.running = null;
  }

  resume(): void {
    if (this.running !== null) return;
    const timer = setTimeout(() => this.over.abort(), Math.max(0, this.left)).unref();
    this.running = { since: performance.now(), timer };
  }
}
