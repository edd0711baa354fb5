type Work = (size: number) => void | Promise<void>;

const ROUNDS = 3;

/**
 * How many times as long this process computes for `times` as much: near `times` where that grows with it, near its square where it grows with that, near one where it
 * is bounded. The fastest of some rounds each.
 */
export const growth = (work: Work, size: number, times: number): Promise<number> =>
  grown(work, size, times, ROUNDS, () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  });

/** As `growth`, of what goes by the clock, or is done in another process. Of work so long that a busy moment makes no difference one round is enough. */
export const growthByClock = (work: Work, size: number, times: number, rounds = ROUNDS): Promise<number> =>
  grown(work, size, times, rounds, () => performance.now());

async function grown(work: Work, size: number, times: number, rounds: number, now: () => number): Promise<number> {
  const fastest = async (of: number): Promise<number> => {
    let least = Infinity;
    for (let round = 0; round < rounds; round += 1) {
      const began = now();
      await work(of);
      least = Math.min(least, now() - began);
    }
    return least;
  };
  await work(size);
  const small = await fastest(size);
  return (await fastest(size * times)) / small;
}
