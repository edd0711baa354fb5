const SYLLABLES = 'an ber con der el fi gra ho in jo ker lo mem net or pro qui re sec tor un ver wi xen yo za'.split(
  ' ',
);

/** Some 8,000 pseudo-words, as often as the hash has it: so the text compresses about as prose does. */
export function word(index: number): string {
  const hash = mix(index);
  return from(1 + (hash % 3), (part) => SYLLABLES[(hash >>> (5 + 7 * part)) % SYLLABLES.length] ?? '').join('');
}

export const sentence = (seed: number, words: number): string =>
  from(words, (index) => word(Math.imul(seed, 1_000) + index)).join(' ');

/** Bits of Knuth's multiplicative hash, with the high ones, which are the mixed ones, brought down. */
export function mix(index: number): number {
  const product = Math.imul(index + 1, 2_654_435_761) >>> 0;
  return (product ^ (product >>> 15)) >>> 0;
}

/** 64 hexadecimal digits. */
export const hex = (seed: number): string =>
  from(8, (part) =>
    mix(seed * 8 + part)
      .toString(16)
      .padStart(8, '0'),
  ).join('');

export const from = <T>(length: number, make: (index: number) => T): T[] =>
  Array.from({ length }, (_, index) => make(index));
