const ROUNDS = 3;

/** How many times as long work takes of `times` as much: near `times` where it grows with it, near its square where it grows with that. The fastest of three rounds each, as a machine that others use too is slower now and then. */
export function growth(work: (size: number) => void, size: number, times: number): number {
  const fastest = (of: number): number =>
    Math.min(
      ...Array.from({ length: ROUNDS }, () => {
        const startedAt = performance.now();
        work(of);
        return performance.now() - startedAt;
      }),
    );
  work(size);
  return fastest(size * times) / fastest(size);
}
