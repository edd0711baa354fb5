import { setTimeout as wait } from 'node:timers/promises';

/** Says a thing that holds. What does not, is said too, and ends the run. */
export async function holds(what: string, check: () => void | Promise<void>): Promise<void> {
  try {
    await check();
  } catch (error) {
    console.error(`DOES NOT HOLD: ${what}`);
    throw error;
  }
  console.log(`holds: ${what}`);
}

/** The first answer that is one, asked for again and again. */
export async function until<T>(what: string, seconds: number, ask: () => T | null | Promise<T | null>): Promise<T> {
  for (const began = Date.now(); ;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (Date.now() > began + seconds * 1_000) throw new Error(`not within ${seconds} s: ${what}`);
    await wait(200);
  }
}
