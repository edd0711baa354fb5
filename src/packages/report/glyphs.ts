/*
 * Which characters a TrueType font can show: its table `cmap` (OpenType 1.9.1, «cmap — Character To Glyph Index Mapping Table»), of which every font of today has a
 * sub-table of format 12 (segments of all of Unicode) or 4 (of its first plane).
 */

/** Segments of code points, without those that lead to no glyph. */
type Segments = readonly (readonly [first: number, last: number])[];

/** Whether a font has a glyph for a code point. */
export function glyphsOf(font: Buffer): (codePoint: number) => boolean {
  const segments = segmentsOf(font);
  return (codePoint) => segments.some(([first, last]) => codePoint >= first && codePoint <= last);
}

function segmentsOf(font: Buffer): Segments {
  const cmap = tableAt(font, 'cmap');
  const subtables = Array.from({ length: font.readUInt16BE(cmap + 2) }, (_, index) => {
    const at = cmap + font.readUInt32BE(cmap + 4 + 8 * index + 4);
    return { at, format: font.readUInt16BE(at) };
  });
  const whole = subtables.find(({ format }) => format === 12);
  if (whole !== undefined) return format12(font, whole.at);
  const plane = subtables.find(({ format }) => format === 4);
  if (plane === undefined) throw new Error('the font has no character map that is known here');
  return format4(font, plane.at);
}

function tableAt(font: Buffer, name: string): number {
  const count = font.readUInt16BE(4);
  for (let index = 0; index < count; index++) {
    const entry = 12 + 16 * index;
    if (font.toString('latin1', entry, entry + 4) === name) return font.readUInt32BE(entry + 8);
  }
  throw new Error(`the font has no table ${name}`);
}

const format12 = (font: Buffer, at: number): Segments =>
  Array.from({ length: font.readUInt32BE(at + 12) }, (_, index) => {
    const group = at + 16 + 12 * index;
    return [font.readUInt32BE(group), font.readUInt32BE(group + 4)] as const;
  });

/** A segment's glyphs are found by a shift, or by a list in which 0 stands for none. */
function format4(font: Buffer, at: number): Segments {
  const bytes = font.readUInt16BE(at + 6);
  const [ends, starts, shifts, lists] = [at + 14, at + 16 + bytes, at + 16 + 2 * bytes, at + 16 + 3 * bytes];
  const found: [number, number][] = [];
  for (let offset = 0; offset < bytes; offset += 2) {
    const [first, last] = [font.readUInt16BE(starts + offset), font.readUInt16BE(ends + offset)];
    const shift = font.readUInt16BE(shifts + offset);
    const list = font.readUInt16BE(lists + offset);
    for (let code = first; code <= last && code !== 0xffff; code++) {
      const listed = list === 0 ? code : font.readUInt16BE(lists + offset + list + 2 * (code - first));
      const glyph = list !== 0 && listed === 0 ? 0 : (listed + shift) & 0xffff;
      if (glyph === 0) continue;
      const before = found.at(-1);
      if (before?.[1] === code - 1) before[1] = code;
      else found.push([code, code]);
    }
  }
  return found;
}
