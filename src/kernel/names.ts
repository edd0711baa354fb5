/** People and things whose names a reader cannot tell apart: by letters of another form or case, by blanks, or by what has no width. */
export const isSameName = (one: string, other: string): boolean => plain(one) === plain(other);

const plain = (name: string): string =>
  name
    .normalize('NFKC')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .replace(/\s+/gu, ' ')
    .trim()
    // Twice: some letters have one capital for two small ones.
    .toUpperCase()
    .toLowerCase();
