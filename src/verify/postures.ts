import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Hashed } from './bag.js';
import { Fault } from './fault.js';
import type { PackageFiles } from './package-files.js';
import type { PackageIndex } from './package-index.js';
import { jsonOf, readFile } from './read.js';

const WHOLE = 'bag/data/posture/posture.json';
const OF_SYSTEMS = 'data/posture/systems/';

const counts = z.record(z.string(), z.int().nonnegative());
const wholeShape = z.object({
  systems: z.array(z.object({ id: z.string(), counts: z.record(z.string(), counts) })),
  controls: z.array(z.object({ id: z.string(), systems: counts })),
  practices: z.array(z.object({ id: z.string(), systems: counts })),
});
const items = z.array(z.object({ id: z.string(), status: z.string() }));
const systemShape = z.object({ counts: z.record(z.string(), counts), controls: items, practices: items });

/**
 * What a package says of all systems together is what it says of each: how many items of a system have which status, and in how many systems an item has it. The one is made of what the
 * service remembers of systems, which nobody has signed; the other is evaluated anew.
 */
export async function checkPostures(
  files: PackageFiles,
  { scope }: PackageIndex,
  payload: ReadonlyMap<string, Hashed>,
): Promise<string> {
  if (scope.systemId !== null) return 'of one system, which no other is counted with';
  const whole = jsonOf(wholeShape, await readFile(files, WHOLE), WHOLE);
  const held = new Set([...payload.keys()].filter((path) => path.startsWith(OF_SYSTEMS)));
  const tallies = { controls: new Tally(), practices: new Tally() };
  for (const { id, counts: told } of whole.systems) {
    const path = `${OF_SYSTEMS}${id}.json`;
    if (!held.delete(path)) throw new Fault(`${WHOLE} counts system ${id}, of which there is no posture`);
    const own = jsonOf(systemShape, await readFile(files, `bag/${path}`), path);
    if (!isDeepStrictEqual(own.counts, told)) throw new Fault(`${WHOLE} counts system ${id} otherwise than ${path}`);
    for (const kind of ['controls', 'practices'] as const) tallies[kind].add(own[kind]);
  }
  const [other] = held;
  if (other !== undefined) throw new Fault(`${WHOLE} does not count the system of ${other}`);
  // Without a system in scope the organisation's own records are told of.
  if (whole.systems.length === 0) return 'no system is in scope';
  for (const kind of ['controls', 'practices'] as const) {
    for (const { id, systems } of whole[kind]) {
      if (tallies[kind].isOf(id, systems)) continue;
      throw new Fault(`${WHOLE} counts the systems of ${id} otherwise than their postures say`);
    }
  }
  return `what is said of all systems is what is said of each of ${whole.systems.length}`;
}

/** In how many systems an item has which status. */
class Tally {
  private readonly byItem = new Map<string, Map<string, number>>();

  add(said: z.infer<typeof items>): void {
    for (const { id, status } of said) {
      const known = this.byItem.get(id) ?? new Map<string, number>();
      this.byItem.set(id, known.set(status, (known.get(status) ?? 0) + 1));
    }
  }

  isOf(id: string, told: Readonly<Record<string, number>>): boolean {
    const known = this.byItem.get(id) ?? new Map<string, number>();
    const statuses = new Set([...known.keys(), ...Object.keys(told)]);
    return [...statuses].every((status) => (known.get(status) ?? 0) === (told[status] ?? 0));
  }
}
