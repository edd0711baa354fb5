import type { Bench, BenchOptions } from './system.js';

/** One of the benches that `npm run bench` knows. */
export interface BenchProgram {
  about: string;
  flags: Readonly<Record<string, Flag>>;
  run: (run: Run) => Promise<void>;
}

export interface Flag {
  /** As it would be typed. */
  default: string;
  about: string;
}

/** What one run of a bench was asked for. */
export interface Run {
  text(flag: string): string;
  /** A whole number; 0 where that is said to mean none. */
  number(flag: string): number;
  numbers(flag: string): number[];
  /** Started with the CPU profiles that were asked for; stopped when the run ends, however it ends. */
  start(options?: Omit<BenchOptions, 'profileDirectory'>): Promise<Bench>;
}
