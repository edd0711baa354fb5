import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import sax from 'sax';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PackageFacts } from '../../src/packages/contents.js';
import { drawn } from '../../src/packages/report/chart.js';
import { reportOf } from '../../src/packages/report/compose.js';
import { glyphsOf } from '../../src/packages/report/glyphs.js';
import { html } from '../../src/packages/report/html.js';
import type { Report } from '../../src/packages/report/model.js';
import { PALETTE } from '../../src/packages/report/palette.js';
import { pdf } from '../../src/packages/report/pdf.js';
import { trendInstants, type Readings } from '../../src/packages/report/readings.js';
import type { Registers } from '../../src/packages/report/registers.js';
import { ReportWriter } from '../../src/packages/report/report-writer.js';
import { visible } from '../../src/packages/report/visible.js';
import { Worst } from '../../src/packages/report/worst.js';
import { STATUSES } from '../../src/posture/status.js';
import {
  ALTERED,
  emptyReadings,
  factsOf,
  itemsOf,
  mixed,
  NO_REGISTERS,
  postureOf,
  readingsOf,
  registersOf,
} from './report-sample.js';

/** Names that a cluster, a spreadsheet or a form may give. */
const HOSTILE = [
  `<script>alert(1)</script>`,
  `"><img src=x onerror=alert(1)>`,
  `]]></text></svg><svg onload=alert(1)>`,
  `' onmouseover='alert(1)`,
  `&amp;&lt;&#x41;`,
  `=HYPERLINK("http://evil.example")`,
  `{a|rich} {b} \${x} %s`,
  `Łódź Ωμέγα Привет 北京 عربي 👩‍⚕️`,
  `a\u202Egpj.exe\u202C`,
  `nul\u0000bell\u0007esc\u001B[31m`,
  `half \ud83c, none \uFFFE`,
  `two\nlines\r\nand\ttab`,
  'x'.repeat(300),
];

const pageOf = (report: Report): string => Array.from(html(report)).join('');

const made = (facts: PackageFacts, readings: Readings, registers: Registers): Report =>
  reportOf(facts, readings, registers, itemsOf(facts));

const sample = (name?: string): Report => {
  const posture = postureOf(mixed, name);
  return made(factsOf(posture, name), readingsOf(posture, name), registersOf(name));
};

const titlesOf = (page: string): string[] =>
  [...page.matchAll(/<h2 id="[a-z-]+">(.*?)<\/h2>/g)].map(([, title]) => title ?? '');

describe('is what is missing told before what is there?', () => {
  const page = pageOf(sample());

  it('gaps and blind spots first, what is evidenced after all that asks for work', () => {
    expect(titlesOf(page)).toEqual([
      'Contents',
      'What is not evidenced',
      'Blind spots',
      'Risks',
      'Keys and secrets',
      'Backups and recovery',
      'How fresh the evidence of scanners is',
      'Business associates and their agreements',
      'Exceptions and decisions',
      'What is evidenced',
      'From the citation to policy and records',
      'How to read this report',
    ]);
    const order = ['failing', 'missing', 'stale', 'partial', 'excepted', 'evidenced'];
    const places = order.map((status) => page.indexOf(`id="items-${status}"`));
    expect(places).toEqual([...places].sort((one, other) => one - other));
    expect(Math.min(...places)).toBeGreaterThan(0);
  });

  it('when a system was none of the organisation’s, as what it is', () => {
    expect(page).toContain('At 1 instant the system was none of the organisation&#39;s: no bar.');
  });

  it('evidence that cannot be read before everything', () => {
    const posture = postureOf(mixed);
    const fault = { evidenceId: 'an-id', sha256: 'ab'.repeat(32), size: 1, reason: 'segment 0 is not authentic' };
    const broken = pageOf(made({ ...factsOf(posture), faults: [fault] }, readingsOf(posture), registersOf()));
    expect(broken.indexOf('could not be read as they were kept')).toBeLessThan(broken.indexOf('Contents'));
    expect(broken).toContain('segment 0 is not authentic');
    expect(page).not.toContain('could not be read as they were kept:');
  });

  it('rows that were altered before everything, and which they are before the good news', () => {
    const posture = postureOf(mixed);
    const told = pageOf(made({ ...factsOf(posture), alteredRows: [ALTERED] }, readingsOf(posture), registersOf()));
    expect(told.indexOf('Rows of 1 object were altered in the database')).toBeGreaterThan(0);
    expect(told.indexOf('Rows of 1 object were altered in the database')).toBeLessThan(told.indexOf('Contents'));
    const place = told.indexOf('<td>the row has another role</td>');
    expect(place).toBeGreaterThan(told.indexOf('<h2 id="blind-spots">'));
    expect(place).toBeLessThan(told.indexOf('<h2 id="evidenced">'));
    expect(page).toContain('none was found altered');
    expect(page).not.toContain('altered in the database');
  });

  it('risks that nobody can read, which are in no number of others', () => {
    const posture = postureOf(mixed);
    const { risks, ...registers } = registersOf();
    const [risk] = risks.items;
    const items = [{ ...risk!, isReadable: false, level: null, status: null }];
    const told = pageOf(made(factsOf(posture), readingsOf(posture), { ...registers, risks: { total: 1, items } }));
    expect(told).toMatch(/Not readable, and in neither number: 1 of 1\./);
    expect(page).not.toContain('Not readable');
  });

  it('nothing where there is nothing: no system, no record, no scan', () => {
    const posture = { ...postureOf(() => 'missing'), systems: [], blindSystems: [], excluded: [] };
    const empty = pageOf(made(factsOf(posture), emptyReadings(posture), NO_REGISTERS));
    for (const words of [
      'No system is in scope',
      'No complete scan is known',
      'No record and no report tells of a key',
      'No recovery objective is in effect',
      'No risk is in effect',
      'No vendor is recorded',
      'None yet',
    ]) {
      expect(empty).toContain(words);
    }
    expect(empty).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('the word that the service never says', () => {
    expect(page).not.toMatch(/compliant/i);
  });
});

describe('does the page stand alone, for everybody?', () => {
  const page = pageOf(sample());

  it('nothing in it runs, and nothing is fetched', () => {
    expect(page).toContain(`content="default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;; base-uri`);
    expect(page).not.toMatch(/<script|<link|<img|<iframe|<object|<foreignObject|@import|javascript:|\son[a-z]+=/i);
    const addresses = [...page.matchAll(/(?:href|src|action|data)="([^"]*)"|url\(([^)]*)\)/g)].map(
      (found) => found[1] ?? found[2],
    );
    expect(addresses.length).toBeGreaterThan(10);
    for (const address of addresses) expect(address).toMatch(/^#[a-z0-9-]+$/);
  });

  it('every name of a part is one of its own, and every reference leads to one', () => {
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const targets = [
      ...[...page.matchAll(/href="#([^"]*)"/g)].map(([, id]) => id),
      ...[...page.matchAll(/url\(#([^)]*)\)/g)].map(([, id]) => id),
      ...[...page.matchAll(/aria-labelledby="([^"]*)"/g)].flatMap(([, list]) => list?.split(' ') ?? []),
    ];
    expect(targets.length).toBeGreaterThan(30);
    for (const target of targets) expect(ids).toContain(target);
  });

  it('headings go down one level at a time, tables have captions and heads, pictures have words', () => {
    const levels = [...page.matchAll(/<h(\d)/g)].map(([, level]) => Number(level));
    expect(levels[0]).toBe(1);
    levels.forEach((level, index) => expect(level - (levels[index - 1] ?? 0)).toBeLessThanOrEqual(1));
    const tables = page.match(/<table>/g)?.length ?? 0;
    expect(tables).toBeGreaterThan(10);
    expect(page.match(/<caption>[^<]+<\/caption>/g)).toHaveLength(tables);
    expect(page.match(/<thead><tr>(<th scope="col">[^<]*<\/th>)+<\/tr><\/thead>/g)).toHaveLength(tables);
    const pictures = page.match(/<svg role="img" aria-labelledby="figure-\d+-title figure-\d+-summary"/g) ?? [];
    const named = [
      ...page.matchAll(/<title id="figure-\d+-title">([^<]+)<\/title><desc id="figure-\d+-summary">[^<]+<\/desc>/g),
    ].map(([, title]) => title);
    expect(pictures).toHaveLength(named.length);
    expect(named).toEqual([
      'Items of the law by standard and status',
      'Items of the law by status over the period',
      'Open and accepted risks by likelihood and impact',
      'Rotations of keys over the period',
      'When recovery point objectives were held',
      'Targets by the age of their latest complete scan',
    ]);
  });

  it('no status is told by its colour alone', () => {
    const patterns = STATUSES.map((status) => JSON.stringify(PALETTE[status].pattern));
    expect(new Set(patterns).size).toBe(STATUSES.length);
    expect(page).toMatch(/<span class="status failing">failing<\/span>/);
  });
});

describe('is every name shown, and none obeyed?', () => {
  it.each(HOSTILE)('%j', (name) => {
    const page = pageOf(sample(name));
    const shown = visible(name)
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;');
    expect(page).toContain(`<title>What is evidenced: ${shown}</title>`);
    // The same tags as of a harmless name: a name adds none, and closes none.
    const tags = (of: string) =>
      of
        .match(/<\/?[a-zA-Z][^\s>]*/g)
        ?.filter((tag) => !/^<\/?(text|tspan|path|rect|g|pattern|defs|polygon|polyline|circle|clipPath)/.test(tag));
    expect(tags(page)).toEqual(tags(pageOf(sample('harmless'))));
    // The page's own line ends are its only controls.
    expect(page.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202A-\u202E\u2066-\u2069\uFFFE]/u);
    for (const [picture] of page.matchAll(/<svg.*?<\/svg>/gs)) parsed(picture);
  });

  it('whatever the characters are', () => {
    const report = (text: string): Report => ({
      ...{
        title: text,
        about: [[text, text]],
        opening: [
          { kind: 'warning', text },
          { kind: 'list', items: [text] },
        ],
        dated: new Date(0),
      },
      sections: [
        {
          id: 'one',
          title: text,
          blocks: [{ kind: 'table', caption: text, columns: [{ name: text, width: 1 }], rows: [[text]], rest: text }],
          sections: [],
        },
      ],
    });
    const [plain] = [pageOf(report('x')).match(/<[^>]*>/g)?.length];
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const page = pageOf(report(text));
        expect(page.match(/<[^>]*>/g)).toHaveLength(plain ?? 0);
        const item = /<li>([^<]*)<\/li>/.exec(page)?.[1] ?? '';
        expect(unescaped(item)).toBe(visible(text));
      }),
      { numRuns: 500 },
    );
  });

  it('no word of a picture is taken for a pattern of ours, or a name for one of the library', () => {
    const words = "a $& b $' c $` d $$ e";
    const page = pageOf({
      title: 'Title',
      about: [],
      opening: [
        {
          kind: 'figure',
          title: words,
          summary: words,
          chart: {
            kind: 'bars',
            lie: 'across',
            labels: ['zr0-key'],
            unit: 'items',
            series: [{ name: 'failing', tone: 'failing', values: [1] }],
          },
        },
      ],
      sections: [],
      dated: new Date(0),
    });
    const told = [...page.matchAll(/<(?:title|desc) id="[^"]*">([^<]*)</g)].map(([, text = '']) => unescaped(text));
    expect(told).toEqual([words, words]);
    expect(page).toContain('>zr0-key<');
  });

  it('hidden characters are named', () => {
    expect(visible('a\u202Eb\u0000\u200B\ud800\uFEFF\u2028')).toBe(
      'a[U+202E]b[U+0000][U+200B][U+D800][U+FEFF][U+2028]',
    );
    expect(visible('one\r\n\ttwo')).toBe('one two');
    expect(visible('Łódź 北京 😀')).toBe('Łódź 北京 😀');
  });
});

const unescaped = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');

const STRICT = { trim: false, strictEntities: true };

/** Strictly, as XML. */
function parsed(svg: string): void {
  const parser = sax.parser(true, STRICT);
  parser.onerror = (error) => {
    throw error;
  };
  parser.write(svg).close();
}

describe('is it the same whenever it is made?', () => {
  it('as a page and as PDF, byte for byte', async () => {
    const [page, document] = [pageOf(sample()), await pdf(sample())];
    // Other pictures in between count nothing on.
    drawn(
      { kind: 'bars', lie: 'upright', labels: ['a'], unit: '', series: [{ name: 'b', tone: 'stale', values: [1] }] },
      'x',
    );
    expect(pageOf(sample())).toBe(page);
    expect((await pdf(sample())).equals(document)).toBe(true);
    expect(page).not.toContain(factsOf(postureOf(mixed)).id);
  });
});

describe('is it written in a thread', () => {
  const writer = new ReportWriter();

  it('as it would be here?', async () => {
    const { html: page, pdf: document } = await writer.write(sample(HOSTILE.join(' ')));
    expect(Buffer.from(page).toString('utf8')).toBe(pageOf(sample(HOSTILE.join(' '))));
    expect((await pdf(sample(HOSTILE.join(' ')))).equals(document)).toBe(true);
  });

  it('or not at all, and the next is written all the same?', async () => {
    const broken = { ...sample(), sections: [...sample().sections, ...sample().sections] };
    await expect(writer.write(broken)).rejects.toThrow(/already exists/);
    expect(Object.keys(await writer.write(sample()))).toEqual(['html', 'pdf']);
  });
});

describe('is the PDF what a reader expects?', () => {
  let directory: string;
  let document: Buffer;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'safeguard-report-'));
    const posture = postureOf(mixed, HOSTILE.join(' '));
    const facts = { ...factsOf(posture, HOSTILE.join(' ')), alteredRows: [ALTERED] };
    document = await pdf(made(facts, readingsOf(posture, HOSTILE.join(' ')), registersOf(HOSTILE.join(' '))));
    await writeFile(join(directory, 'report.pdf'), document);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('dated by the package, with bookmarks for sections and links from its table of contents', () => {
    const text = document.toString('latin1');
    expect(text.startsWith('%PDF-')).toBe(true);
    expect(text.match(/\(D:\d+Z?\)/g)).toEqual(['(D:20261123090000Z)', '(D:20261123090000Z)']);
    expect(text).toContain('/Lang (en-GB)');
    const pages = text.match(/\/Type \/Page\n/g)?.length ?? 0;
    expect(pages).toBeGreaterThan(12);
    // Sections, and the parts of those that have any.
    expect(text.match(/\/Title \([A-Z]/g)?.length ?? 0).toBeGreaterThan(20);
    expect(text.match(/\/Subtype \/Link/g)?.length ?? 0).toBeGreaterThan(20);
    expect(text).not.toMatch(/\/(JavaScript|JS|Launch|URI|EmbeddedFile)\b/);
  });

  it('every text is in it, also what the font cannot show (by poppler, where it is)', () => {
    const made = spawnSync('pdftotext', ['-layout', join(directory, 'report.pdf'), '-']);
    if (made.error !== undefined) {
      console.warn('pdftotext is not here (poppler-utils): the words of the PDF were not looked at');
      return;
    }
    const words = made.stdout.toString('utf8');
    expect(words).toContain('What is not evidenced');
    expect(words).toMatch(/Contents/);
    expect(words).toMatch(/\b1 \/ \d+/);
    expect(words).toContain('Łódź Ωμέγα Привет');
    expect(words.replaceAll(/\s+/g, '')).toContain('[U+5317][U+4EAC]');
    const altered = words.indexOf('Rows of 1 object were altered');
    expect(altered).toBeGreaterThan(0);
    expect(altered).toBeLessThan(words.indexOf('Failing: something'));
    expect(words.indexOf('the row has another role')).toBeGreaterThan(altered);
    expect(words.indexOf('the row has another role')).toBeLessThan(words.lastIndexOf('Evidenced: proven'));
    expect(words.indexOf('Failing: something')).toBeLessThan(words.lastIndexOf('Evidenced: proven'));
  });

  it('a character without a glyph is known', () => {
    const fonts = join(dirname(createRequire(import.meta.url).resolve('pdfmake/package.json')), 'fonts/Roboto');
    const has = glyphsOf(readFileSync(join(fonts, 'Roboto-Regular.ttf')));
    for (const character of 'azAZ09 ~éŁżΩя…—€') expect(has(character.codePointAt(0)!), character).toBe(true);
    for (const character of ['北', 'ع', '😀', '\u202E', '\uFFFF'])
      expect(has(character.codePointAt(0)!), character).toBe(false);
  });
});

describe('is what a report holds bounded?', () => {
  it('of however many the gravest are kept, in their order, and all are counted', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { maxLength: 300 }), fc.integer({ min: 1, max: 20 }), (values, most) => {
        const worst = new Worst<number>(most, (one, other) => other - one);
        for (const value of values) worst.add(value);
        const shown = worst.shown();
        expect(shown.total).toBe(values.length);
        expect(shown.items).toEqual(values.toSorted((one, other) => other - one).slice(0, most));
      }),
    );
  });

  it('a trend has its period in equal steps, and its end once', () => {
    const day = (text: string): Date => new Date(`${text}T00:00:00Z`);
    const year = trendInstants(day('2026-01-01'), day('2027-01-01'));
    expect(year).toHaveLength(12);
    expect(year[0]).toEqual(day('2026-01-01'));
    expect(trendInstants(day('2026-01-01'), day('2026-01-03'))).toEqual([day('2026-01-01'), day('2026-01-02')]);
    expect(trendInstants(day('2026-01-01'), day('2026-01-01'))).toEqual([]);
  });
});
