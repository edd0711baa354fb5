import { readFileSync } from 'node:fs';
import { drawn, Figures, WIDTH, type Draw } from './chart.js';
import { glyphsOf } from './glyphs.js';
import {
  mapTexts,
  wordOf,
  type Block,
  type Figure,
  type Report,
  type Section,
  type Table,
  type TableCell,
} from './model.js';
import { ALARM, FAINT, INK, PALETTE, RULE } from './palette.js';
import { pdfMake, REGULAR, type Options } from './pdfmake.js';
import { named, shortened, visible } from './visible.js';

/** Points of an A4 page, and what of its width the text has. */
const PAGE = { width: 595.28, margin: 40 };
const TEXT_WIDTH = PAGE.width - 2 * PAGE.margin;
/** Of a cell, on each side. */
const PADDING = 4;

/**
 * A report as PDF: with a table of contents, page numbers and bookmarks. The same report gives the same bytes. Takes a second or two of the processor, which nothing
 * interrupts: it is called in a thread of its own (report.thread.ts).
 */
export async function pdf(given: Report, draw: Draw = drawn): Promise<Buffer> {
  const report = mapTexts(mapTexts(given, visible), shownBy(glyphsOf(readFileSync(REGULAR))));
  return pdfMake().createPdf(definition(report, draw)).getBuffer();
}

/** A character that the font cannot show is named: a box says nothing. The page in HTML shows it by the reader's own fonts. */
const shownBy =
  (hasGlyph: (codePoint: number) => boolean) =>
  (text: string): string =>
    Array.from(text, (character) => (hasGlyph(character.codePointAt(0) ?? 0) ? character : named(character))).join('');

function definition({ title, about, opening, sections, dated }: Report, draw: Draw): Options {
  const figures = new Figures(draw);
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
      caption: { bold: true, fontSize: 9.5, margin: [-PADDING, 2, 0, 2] },
      faint: { color: FAINT, fontSize: 8.5 },
      cell: { fontSize: 8.5 },
    },
    footer: (page: number, pages: number) => ({
      margin: [PAGE.margin, 16, PAGE.margin, 0],
      columns: [
        { text: shortened(title, 100), style: 'faint', width: TEXT_WIDTH - 60 },
        { text: `${page} / ${pages}`, style: 'faint', alignment: 'right', width: 60 },
      ],
    }),
    // A heading at the foot of a page says nothing: in its last seventh there is no room for what comes under it.
    pageBreakBefore: (node: { headlineLevel?: number; startPosition: { verticalRatio: number } }) =>
      node.headlineLevel !== undefined && node.startPosition.verticalRatio > 6 / 7,
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

const pairs = (about: Report['about']): Options => ({
  margin: [0, 0, 0, 8],
  layout: 'noBorders',
  table: {
    // A width by number: what is left over would be as wide as the longest word.
    widths: [110, TEXT_WIDTH - 110 - 4 * PADDING],
    body: about.map(([label, value]) => [{ text: label, bold: true } satisfies Options, value]),
  },
});

/** A chapter begins on a page of its own. */
function sectionOf(section: Section, level: 1 | 2 | 3, parent: string | null, figures: Figures): Options[] {
  // The library keeps ids as properties of a list, which has some of its own.
  const id = `section-${section.id}`;
  const heading: Options = {
    text: section.title,
    style: `h${level}`,
    id,
    headlineLevel: level,
    tocItem: true,
    tocMargin: [(level - 1) * 12, level === 1 ? 2 : -2, 0, 0],
    outline: true,
    ...(parent === null ? { outlineExpanded: true } : { outlineParentId: parent }),
    ...(level === 1 ? { pageBreak: 'before' } : {}),
  };
  const deeper = level === 1 ? 2 : 3;
  return [
    heading,
    ...section.blocks.map((block) => contentOf(block, figures)),
    ...section.sections.flatMap((inner) => sectionOf(inner, deeper, id, figures)),
  ];
}

function contentOf(block: Block, figures: Figures): Options {
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
      return figureOf(block, figures);
  }
}

const warning = (text: string): Options => ({
  margin: [0, 4, 0, 8],
  layout: {
    hLineWidth: () => 0,
    vLineWidth: (line: number) => (line === 0 ? 4 : 0),
    vLineColor: () => ALARM.edge,
    fillColor: () => ALARM.ground,
    paddingLeft: () => 10,
    paddingTop: () => 6,
    paddingBottom: () => 6,
  },
  table: { widths: [TEXT_WIDTH - 10 - PADDING], body: [[{ text }]] },
});

function tableOf({ caption, columns, rows, rest }: Table): Options {
  const shares = columns.reduce((sum, { width }) => sum + width, 0);
  const room = TEXT_WIDTH - columns.length * 2 * PADDING;
  return {
    stack: [
      {
        layout: {
          hLineWidth: (line: number) => (line === 0 ? 0 : line === 2 ? 1 : 0.5),
          vLineWidth: () => 0,
          hLineColor: (line: number) => (line === 2 ? FAINT : RULE),
          paddingLeft: () => PADDING,
          paddingRight: () => PADDING,
        },
        style: 'cell',
        table: {
          // What it shows, and its columns: again on each page, and never at the foot of one.
          headerRows: 2,
          keepWithHeaderRows: 1,
          dontBreakRows: true,
          widths: columns.map(({ width }) => (room * width) / shares),
          body: [
            [{ text: caption, style: 'caption', colSpan: columns.length }, ...columns.slice(1).map(() => '')],
            columns.map(({ name }): Options => ({ text: name, bold: true })),
            ...rows.map((cells) => cells.map(cellOf)),
          ],
        },
      },
      ...(rest === null ? [] : [{ text: rest, style: 'faint', margin: [0, 3, 0, 0] }]),
    ],
    margin: [0, 0, 0, 8],
  };
}

const cellOf = (cell: TableCell): Options =>
  typeof cell === 'string'
    ? { text: cell }
    : {
        columnGap: 3,
        columns: [
          {
            width: 5,
            canvas: [
              {
                type: 'rect',
                x: 0,
                y: 2,
                w: 5,
                h: 8,
                color: PALETTE[cell.status].color,
                lineColor: FAINT,
                lineWidth: 0.3,
              },
            ],
          },
          { width: '*', text: wordOf(cell.status) },
        ],
      };

function figureOf({ title, summary, chart }: Figure, figures: Figures): Options {
  const { number, picture } = figures.next(chart);
  return {
    unbreakable: true,
    margin: [0, 6, 0, 10],
    stack: [
      { text: `Figure ${number}. ${title}`, bold: true, margin: [0, 0, 0, 2] },
      { text: summary, margin: [0, 0, 0, 6] },
      { svg: picture, width: Math.min(TEXT_WIDTH, WIDTH) },
    ],
  };
}
