import { STATUSES, type Status } from '../../posture/status.js';
import { drawn, Figures, type Draw } from './chart.js';
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
import { escaped, visible } from './visible.js';

/*
 * A report as one page that stands alone: nothing in it runs, and nothing is fetched, from anywhere. It goes by the Web Content Accessibility Guidelines 2.2, level AA:
 * one heading per section and no level left out, tables with captions and headers, figures with their words.
 */

/** The page asks for nothing; were anything let in by a name, a browser would not fetch or run it. Styles: only those of this file. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE = `
:root { color-scheme: light; }
body { font: 16px/1.5 Roboto, "Segoe UI", Helvetica, Arial, sans-serif; color: ${INK}; background: #fff; margin: 0 auto; padding: 1.5rem; max-width: 62rem; }
h1 { font-size: 2rem; line-height: 1.2; }
h2 { font-size: 1.5rem; margin-top: 3rem; border-bottom: 2px solid ${INK}; }
h3 { font-size: 1.15rem; margin-top: 2rem; }
a { color: #0a4fa3; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
.warning { border-left: .4rem solid ${ALARM.edge}; background: ${ALARM.ground}; padding: .6rem 1rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; table-layout: fixed; min-width: 40rem; }
caption { text-align: left; font-weight: 600; padding: .4rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem; border-bottom: 1px solid ${RULE}; overflow-wrap: anywhere; }
thead th { border-bottom: 2px solid ${FAINT}; }
tbody th { font-weight: normal; }
.rest { font-size: .9rem; color: ${FAINT}; }
.status { display: inline-block; padding: 0 .4rem; border: 1px solid ${FAINT}; border-left-width: .5rem; white-space: nowrap; }
${STATUSES.map((status) => `.${status} { border-left-color: ${PALETTE[status].color}; }`).join(' ')}
figure { margin: 1rem 0; }
figcaption { font-weight: 600; }
figure p { margin: .2rem 0; }
svg { width: 100%; height: auto; }
@page { margin: 18mm 15mm; @bottom-right { content: counter(page) " / " counter(pages); } }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  h2 { break-before: page; }
  h2, h3, caption { break-after: avoid; }
  tr, figure, .warning { break-inside: avoid; }
  thead { display: table-header-group; }
  .table { overflow: visible; }
}
`;

/** In pieces, so that a long report is never held twice. */
export function* html(given: Report, draw: Draw = drawn): Generator<string, void> {
  const report = mapTexts(given, visible);
  const { title, about, opening, sections } = report;
  const figures = new Figures(draw);
  yield `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${escaped(title)}</h1>
<dl>
${about.map(([label, value]) => `<dt>${escaped(label)}</dt><dd>${escaped(value)}</dd>`).join('\n')}
</dl>
</header>
<main>
`;
  yield* blocks(opening, figures);
  yield `<nav aria-labelledby="contents">
<h2 id="contents">Contents</h2>
${listOf(sections)}
</nav>
`;
  for (const section of sections) yield* sectionOf(section, 2, figures);
  yield '</main>\n</body>\n</html>\n';
}

function listOf(sections: readonly Section[]): string {
  if (sections.length === 0) return '';
  const items = sections.map(
    ({ id, title, sections: parts }) => `<li><a href="#${id}">${escaped(title)}</a>${listOf(parts)}</li>`,
  );
  return `<ol>\n${items.join('\n')}\n</ol>`;
}

function* sectionOf(
  { id, title, blocks: content, sections }: Section,
  level: number,
  figures: Figures,
): Generator<string, void> {
  yield `<section aria-labelledby="${id}">\n<h${level} id="${id}">${escaped(title)}</h${level}>\n`;
  yield* blocks(content, figures);
  for (const section of sections) yield* sectionOf(section, level + 1, figures);
  yield '</section>\n';
}

function* blocks(content: readonly Block[], figures: Figures): Generator<string, void> {
  for (const block of content) yield blockOf(block, figures);
}

function blockOf(block: Block, figures: Figures): string {
  switch (block.kind) {
    case 'text':
      return `<p>${escaped(block.text)}</p>\n`;
    case 'warning':
      return `<p class="warning">${escaped(block.text)}</p>\n`;
    case 'list':
      return `<ul>\n${block.items.map((item) => `<li>${escaped(item)}</li>`).join('\n')}\n</ul>\n`;
    case 'table':
      return tableOf(block);
    case 'figure':
      return figureOf(block, figures);
  }
}

/** What is wider than the page is moved sideways, by the keyboard too. The first column says what a row is of. */
function tableOf({ caption, columns, rows, rest }: Table): string {
  const widths = columns.reduce((sum, { width }) => sum + width, 0);
  const share = (width: number): string => `${((100 * width) / widths).toFixed(2)}%`;
  return `<div class="table" tabindex="0" role="group" aria-label="${escaped(caption)}">
<table>
<caption>${escaped(caption)}</caption>
<colgroup>${columns.map(({ width }) => `<col style="width:${share(width)}">`).join('')}</colgroup>
<thead><tr>${columns.map(({ name }) => `<th scope="col">${escaped(name)}</th>`).join('')}</tr></thead>
<tbody>
${rows.map((cells) => `<tr>${cells.map(cellOf).join('')}</tr>`).join('\n')}
</tbody>
</table>
</div>
${rest === null ? '' : `<p class="rest">${escaped(rest)}</p>\n`}`;
}

function cellOf(cell: TableCell, column: number): string {
  const [open, close] = column === 0 ? ['<th scope="row">', '</th>'] : ['<td>', '</td>'];
  return `${open}${typeof cell === 'string' ? escaped(cell) : statusOf(cell.status)}${close}`;
}

function statusOf(status: Status): string {
  return `<span class="status ${status}">${wordOf(status)}</span>`;
}

function figureOf({ title, summary, chart }: Figure, figures: Figures): string {
  const { number, id, picture } = figures.next(chart);
  const words = `<title id="${id}-title">${escaped(title)}</title><desc id="${id}-summary">${escaped(summary)}</desc>`;
  // By functions: a text has no patterns.
  const named = picture
    .replace(/^<svg /, `<svg role="img" aria-labelledby="${id}-title ${id}-summary" `)
    .replace('>', () => `>${words}`);
  return `<figure>
<figcaption>Figure ${number}. ${escaped(title)}</figcaption>
<p>${escaped(summary)}</p>
${named}
</figure>
`;
}
