import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { JudgedPosture } from './contents.js';

/** Bytes of postures that a build holds. One of a system takes some twenty-five thousand: a thousand systems fit, and a package of more takes longer and no more memory. */
const ROOM = 32 * 2 ** 20;

/** Fastest: what is held lies there for seconds. */
const LEVEL = 1;

/**
 * The postures of systems, evaluated once for all who write of them. A package is written file after file, and more than one is about every system: so what was evaluated
 * for the first is held as the JSON that it becomes, deflated, as long as there is room.
 * @param evaluate the whole posture of a system, final and the same whenever it is asked for: JSON.
 */
export function evaluatedOnce(
  evaluate: (systemId: string) => Promise<JudgedPosture>,
  room = ROOM,
): (systemId: string) => Promise<JudgedPosture> {
  const held = new Map<string, Buffer>();
  let left = room;
  return async (systemId) => {
    const found = held.get(systemId);
    if (found !== undefined) return JSON.parse(inflateRawSync(found).toString('utf8')) as JudgedPosture;
    const posture = await evaluate(systemId);
    const json = deflateRawSync(JSON.stringify(posture), { level: LEVEL });
    if (json.length <= left) {
      left -= json.length;
      held.set(systemId, json);
    }
    return posture;
  };
}
