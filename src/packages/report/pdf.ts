import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import pdfmake from 'pdfmake';
import type { Content, TDocumentDefinitions, TFontDictionary, TableCell as PdfCell } from 'pdfmake/interfaces.js';
import { drawn, WIDTH } from './chart.js';
import { glyphsOf } from './glyphs.js';
import { mapTexts, wordOf, type Block, type Figure, type Report, type Section, type Table, type TableCell } from './model.js';
import { ALARM, FAINT, INK, PALETTE, RULE } from './palette.js';
import { named, shortened, visible } from './visible.js';

/** Points of an A4 page, and what of its width the text has. */
const PAGE = { width: 595.28, margin: 40 };
const TEXT_WIDTH = PAGE.width - 2 * PAGE.margin;
/** Of a cell, on each side. */
const PADDING = 4;

/** Roboto comes with the library, under the Apache License 2.0. */
const FONTS = join(dirname(createRequire(import.meta.url).resolve('pdfmake/package.json')), 'fonts', 'Roboto');
const fontFile = (name: string): string => join(FONTS, `Roboto-${name}.ttf`);
const ROBOTO: TFontDictionary = {
  Roboto: {
    normal: fontFile('Regular'),
    bold: fontFile('Medium'),
    italics: fontFile('Italic'),
    bolditalics: fontFile('MediumItalic'),
  },
};

/**
 * A report as PDF: with a table of contents, page numbers and bookmarks. The same report gives the same bytes. Takes a second or two of the processor, which nothing
 * interrupts: it is called in a thread of its own (report.thread.ts).
 */
export async function pdf(given: Report): Promise<Buffer> {
  const report = mapTexts(mapTexts(given, visible), shownBy(glyphsOf(readFileSync(fontFile('Regular')))));
  pdfmake.setFonts(ROBOTO);
  // What stands in a report names nothing that is fetched; were it to, it would not be.
  pdfmake.setUrlAccessPolicy(() => false);
  pdfmake.setLocalAccessPolicy((path) => dirname(path) === FONTS);
  return pdfmake.createPdf(definition(report)).getBuffer();
}

/** A character that the font cannot show is named: a box says nothing. The page in HTML shows it by the reader's own fonts. */
const shownBy =
  (hasGlyph: (codePoint: number) => boolean) =>
  (text: string): string =>
    Array.from(text, (character) => (hasGlyph(character.codePointAt(0) ?? 0) ? character : named(character))).join('');

function definition({ title, about, opening, sections, dated }: Report): TDocumentDefinitions {
  const figures = new Numbers();
  return {
    pageSize: 'A4',
    pageMargins: [PAGE.margin, PAGE.margin, PAGE.margin, 50],
    language: 'en-GB',
    displayTitle: true,
    info: { title, creator: 'Safeguard', producer: 'pdfmake', creationDate: dated, modDate: dated },
    defaultStyle: { font: 'Roboto', fontSize: 9.5, lineHeight: 1.15, color: INK },
    styles: {
      title: { fontSize: 22, bold: true, margin: [0, 0, 0, 12] },
      h1: { fontSize: 16, bold: true, margin: [0, 0, 0, 8] },
      h2: { fontSize: 12.5, bold: true, margin: [0, 12, 0, 4] },
      h3: { fontSize: 10.5, bold: true, margin: [0, 8, 0, 4] },
      caption: { bold: true, margin: [0, 8, 0, 3] },
      faint: { color: FAINT, fontSize: 8.5 },
      cell: { fontSize: 8.5 },
    },
    footer: (page, pages) => ({
      margin: [PAGE.margin, 16, PAGE.margin, 0],
      columns: [
        { text: shortened(title, 100), style: 'faint', width: TEXT_WIDTH - 60 },
        { text: `${page} / ${pages}`, style: 'faint', alignment: 'right', width: 60 },
      ],
    }),
    content: [
      { text: title, style: 'title' },
      pairs(about),
      ...opening.map((block) => contentOf(block, figures)),
      {
        toc: { title: { text: 'Contents', style: 'h1', margin: [0, 16, 0, 6] }, numberStyle: { color: FAINT } },
      },
      ...sections.flatMap((section) => sectionOf(section, 1, null, figures)),
    ],
  };
}

class Numbers {
  private last = 0;
  next(): number {
    return ++this.last;
  }
}

const pairs = (about: Report['about']): Content => ({
  margin: [0, 0, 0, 8],
  layout: 'noBorders',
  table: {
    // A width by number: what is left over would be as wide as the longest word.
    widths: [110, TEXT_WIDTH - 110 - 4 * PADDING],
    body: about.map(([label, value]) => [{ text: label, bold: true }, value]),
  },
});

/** A chapter begins on a page of its own. */
function sectionOf(section: Section, level: 1 | 2 | 3, parent: string | null, figures: Numbers): Content[] {
  const heading: Content = {
    text: section.title,
    style: `h${level}`,
    id: section.id,
    headlineLevel: level,
    tocItem: true,
    tocMargin: [(level - 1) * 12, level === 1 ? 4 : 0, 0, 0],
    outline: true,
    ...(parent === null ? { outlineExpanded: true } : { outlineParentId: parent }),
    ...(level === 1 ? { pageBreak: 'before' } : {}),
  };
  const deeper = level === 1 ? 2 : 3;
  return [
    heading,
    ...section.blocks.map((block) => contentOf(block, figures)),
    ...section.sections.flatMap((inner) => sectionOf(inner, deeper, section.id, figures)),
  ];
}

function contentOf(block: Block, figures: Numbers): Content {
  switch (block.kind) {
    case 'text':
      return { text: block.text, margin: [0, 0, 0, 6] };
    case 'warning':
      return warning(block.text);
    case 'list':
      return { ul: [...block.items], margin: [0, 0, 0, 6] };
    case 'table':
      return tableOf(block);
    case 'figure':
      return figureOf(block, figures.next());
  }
}

const warning = (text: string): Content => ({
  margin: [0, 4, 0, 8],
  layout: {
    hLineWidth: () => 0,
    vLineWidth: (line) => (line === 0 ? 4 : 0),
    vLineColor: () => ALARM.edge,
    fillColor: () => ALARM.ground,
    paddingLeft: () => 10,
    paddingTop: () => 6,
    paddingBottom: () => 6,
  },
  table: { widths: [TEXT_WIDTH - 10 - PADDING], body: [[{ text }]] },
});

function tableOf({ caption, columns, rows, rest }: Table): Content {
  const shares = columns.reduce((sum, { width }) => sum + width, 0);
  const room = TEXT_WIDTH - columns.length * 2 * PADDING;
  return {
    stack: [
      { text: caption, style: 'caption', headlineLevel: 4 },
      {
        layout: {
          hLineWidth: (line) => (line === 1 ? 1 : 0.5),
          vLineWidth: () => 0,
          hLineColor: (line) => (line === 1 ? FAINT : RULE),
          paddingLeft: () => PADDING,
          paddingRight: () => PADDING,
        },
        style: 'cell',
        table: {
          headerRows: 1,
          keepWithHeaderRows: 1,
          dontBreakRows: true,
          widths: columns.map(({ width }) => (room * width) / shares),
          body: [columns.map(({ name }): PdfCell => ({ text: name, bold: true })), ...rows.map((cells) => cells.map(cellOf))],
        },
      },
      ...(rest === null ? [] : [{ text: rest, style: 'faint', margin: [0, 3, 0, 0] } as const]),
    ],
    margin: [0, 0, 0, 8],
  };
}

const cellOf = (cell: TableCell): PdfCell =>
  typeof cell === 'string'
    ? { text: cell }
    : {
        columnGap: 3,
        columns: [
          {
            width: 5,
            canvas: [{ type: 'rect', x: 0, y: 2, w: 5, h: 8, color: PALETTE[cell.status].color, lineColor: FAINT, lineWidth: 0.3 }],
          },
          { width: '*', text: wordOf(cell.status) },
        ],
      };

function figureOf({ title, summary, chart }: Figure, number: number): Content {
  return {
    unbreakable: true,
    margin: [0, 6, 0, 10],
    stack: [
      { text: `Figure ${number}. ${title}`, style: 'caption' },
      { text: summary, margin: [0, 0, 0, 6] },
      { svg: drawn(chart, `figure-${number}`), width: Math.min(TEXT_WIDTH, WIDTH) },
    ],
  };
}
