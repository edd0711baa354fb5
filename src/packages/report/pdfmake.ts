import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/*
 * What is used of pdfmake, which is CommonJS. Its published types bring the globals of browsers (lib.dom) into the whole program, where some have other shapes than
 * Node's; so they stay out, and its nodes are as its documentation has them.
 */

/** A document, or a node of one. */
export interface Options {
  readonly [option: string]: unknown;
}

interface PdfMake {
  setFonts(
    fonts: Readonly<Record<string, Readonly<Record<'normal' | 'bold' | 'italics' | 'bolditalics', string>>>>,
  ): void;
  /** Whether an address may be fetched. */
  setUrlAccessPolicy(allows: (url: string) => boolean): void;
  /** Whether a file may be read. */
  setLocalAccessPolicy(allows: (path: string) => boolean): void;
  createPdf(definition: Options): { getBuffer(): Promise<Buffer> };
}

const load = createRequire(import.meta.url);

/** Roboto comes with it, under the Apache License 2.0. */
const FONTS = join(dirname(load.resolve('pdfmake/package.json')), 'fonts', 'Roboto');
const fontFile = (name: string): string => join(FONTS, `Roboto-${name}.ttf`);

export const REGULAR = fontFile('Regular');

/** Ready to lay out with Roboto: what stands in a document names nothing that is fetched or read beside the font; were it to, it would not be. */
export function pdfMake(): PdfMake {
  const made = load('pdfmake') as PdfMake;
  made.setFonts({
    Roboto: {
      normal: REGULAR,
      bold: fontFile('Medium'),
      italics: fontFile('Italic'),
      bolditalics: fontFile('MediumItalic'),
    },
  });
  made.setUrlAccessPolicy(() => false);
  made.setLocalAccessPolicy((path) => dirname(path) === FONTS);
  return made;
}
