/** Pieces of the sentences that give reasons. */

export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

export const isAre = (count: number): string => (count === 1 ? 'is' : 'are');

/** The day in UTC. */
export const day = (time: number): string => new Date(time).toISOString().slice(0, 10);

/** Each once, sorted, and no more than a sentence bears. */
export function listed(names: Iterable<string>, most = 5): string {
  const all = [...new Set(names)].sort();
  const more = all.length - most;
  return more > 0 ? `${all.slice(0, most).join(', ')} and ${more} more` : all.join(', ');
}

/** With one full stop at its end. */
export const sentence = (text: string): string => `${text.replace(/\.$/, '')}.`;
