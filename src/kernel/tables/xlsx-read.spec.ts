import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { growth } from '../../../test/support/growth.js';
import { readAll } from '../../../test/support/xlsx.js';
import { TableFault, type Row } from './table.js';
import { isDateFormat } from './xlsx-workbook.js';

const MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"';
const OFFICE = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const RELS = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"';

const relationship = (id: string, type: string, target: string): string =>
  `<Relationship Id="${id}" Type="${OFFICE}/${type}" Target="${target}"/>`;

type Part = string | Iterable<string>;

/** A workbook as other programs write one: shared texts, formats, one sheet. */
const parts = (sheetData: Part, more: Record<string, Part> = {}): Record<string, Part> => ({
  '_rels/.rels': `<?xml version="1.0"?><Relationships ${RELS}>${relationship('rId1', 'officeDocument', 'xl/workbook.xml')}</Relationships>`,
  'xl/workbook.xml': `<workbook ${MAIN} xmlns:r="${OFFICE}"><sheets><sheet name="Risks" sheetId="1" r:id="rId1"/></sheets></workbook>`,
  'xl/_rels/workbook.xml.rels': `<Relationships ${RELS}>${relationship('rId1', 'worksheet', 'worksheets/sheet1.xml')}${relationship('rId2', 'sharedStrings', '/xl/sharedStrings.xml')}${relationship('rId3', 'styles', 'styles.xml')}</Relationships>`,
  'xl/sharedStrings.xml': `<sst ${MAIN} count="4" uniqueCount="4"><si><t>Name</t></si><si><t xml:space="preserve"> Due </t></si><si><r><rPr><b/></rPr><t>Lakeside</t></r><r><t xml:space="preserve"> Imaging</t></r><rPh sb="0" eb="1"><t>レ</t></rPh></si><si><t>a &lt; b_x000D_&amp;</t></si></sst>`,
  'xl/styles.xml': `<styleSheet ${MAIN}><numFmts count="2"><numFmt numFmtId="165" formatCode="dd&quot;.&quot;mm&quot;.&quot;yyyy;@"/><numFmt numFmtId="166" formatCode="&quot;days&quot; 0.00"/></numFmts><cellStyleXfs count="1"><xf numFmtId="14"/></cellStyleXfs><cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="165"/><xf numFmtId="166"/></cellXfs></styleSheet>`,
  'xl/worksheets/sheet1.xml': typeof sheetData === 'string' ? sheetOf(sheetData) : sheetData,
  ...more,
});
const sheetOf = (sheetData: string): string =>
  `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet ${MAIN}><dimension ref="A1:B2"/><sheetData>${sheetData}</sheetData><mergeCells/></worksheet>`;

/** Packed as it is made, so that a test of what reading takes is not one of what making took. */
async function zipped(contents: Record<string, Part>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [path, content] of Object.entries(contents)) {
    if (typeof content === 'string') zip.addBuffer(Buffer.from(content, 'utf8'), path);
    else zip.addReadStream(Readable.from(bytesOf(content), { objectMode: false }), path);
  }
  zip.end();
  return buffer(zip.outputStream as Readable);
}

function* bytesOf(texts: Iterable<string>): Generator<Buffer> {
  for (const text of texts) yield Buffer.from(text, 'utf8');
}

const read = async (contents: Record<string, Part>): Promise<{ columns: string[]; rows: Row[] }> =>
  readAll(await zipped(contents));

const HEAD = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>';
const oneCell = async (cell: string, more: Record<string, Part> = {}): Promise<Row | undefined> =>
  (await read(parts(`${HEAD}<row r="2">${cell}</row>`, more))).rows[0];

describe('reading an XLSX', () => {
  it('reads a sheet as other programs write it?', async () => {
    const rows =
      HEAD +
      '<row r="2" spans="1:2"><c r="A2" t="s"><v>2</v></c><c r="B2" s="1"><v>46023</v></c></row>' +
      '<row r="3"><c r="A3"/></row>' +
      '<row r="5"><c r="A5" t="s"><v>3</v></c><c r="B5" s="2"><v>46023.5</v></c></row>' +
      '<row r="6"><c r="A6" t="inlineStr"><is><t>x</t></is></c><c r="B6" s="3"><v>46023</v></c></row>' +
      '<row><c t="b"><v>1</v></c><c t="str"><v>said</v></c></row>';
    expect(await read(parts(rows))).toEqual({
      columns: ['Name', 'Due'],
      rows: [
        { number: 2, cells: ['Lakeside Imaging', new Date('2026-01-01T00:00:00Z')], faults: [] },
        { number: 5, cells: ['a < b\r&', new Date('2026-01-01T12:00:00Z')], faults: [] },
        { number: 6, cells: ['x', 46_023], faults: [] },
        { number: 7, cells: [true, 'said'], faults: [] },
      ],
    });
  });

  it('reads elements with a prefix, and dates of the strict format?', async () => {
    const sheet = `<x:worksheet xmlns:x="http://purl.oclc.org/ooxml/spreadsheetml/main"><x:sheetData><x:row><x:c t="inlineStr"><x:is><x:t>a</x:t></x:is></x:c></x:row><x:row><x:c t="d"><x:v>2026-03-01</x:v></x:c></x:row></x:sheetData></x:worksheet>`;
    expect((await read({ ...parts(''), 'xl/worksheets/sheet1.xml': sheet })).rows).toEqual([
      { number: 2, cells: [new Date('2026-03-01T00:00:00Z')], faults: [] },
    ]);
  });

  it.each([
    ['1', '1900-01-01'],
    ['59', '1900-02-28'],
    ['61', '1900-03-01'],
    ['36526', '2000-01-01'],
    ['46081', '2026-02-28'],
    ['2958465', '9999-12-31'],
  ])('takes the day %s for %s?', async (serial, day) => {
    expect((await oneCell(`<c r="A2" s="1"><v>${serial}</v></c>`))?.cells[0]).toEqual(new Date(`${day}T00:00:00Z`));
  });

  it('takes true and false as LibreOffice saves them?', async () => {
    const cells = [
      '<c r="A2" t="b"><f aca="false">TRUE()</f><v>1</v></c>',
      '<c r="B2" t="b"><f aca="false">FALSE()</f><v>0</v></c>',
    ];
    expect(await oneCell(cells.join(''))).toEqual({ number: 2, cells: [true, false], faults: [] });
  });

  it('counts from 1904 where the workbook does?', async () => {
    const workbook = `<workbook ${MAIN} xmlns:r="${OFFICE}"><workbookPr date1904="1"/><sheets><sheet name="Risks" sheetId="1" r:id="rId1"/></sheets></workbook>`;
    const row = await oneCell('<c r="A2" s="1"><v>44561</v></c>', { 'xl/workbook.xml': workbook });
    expect(row?.cells[0]).toEqual(new Date('2026-01-01T00:00:00Z'));
  });

  it.each([
    ['a formula', '<c r="A2"><f>1+1</f><v>2</v></c>', /formula/],
    ['a formula that gives a text', '<c r="A2" t="str"><f>A1</f><v>x</v></c>', /formula/],
    ['a formula that gives true', '<c r="A2" t="b"><f>NOT(FALSE())</f><v>1</v></c>', /formula/],
    ['a constant of another value', '<c r="A2" t="b"><f>FALSE()</f><v>1</v></c>', /formula/],
    ['a constant that is a text', '<c r="A2" t="str"><f>TRUE()</f><v>1</v></c>', /formula/],
    ['a shared formula without its text', '<c r="A2"><f t="shared" si="0"/><v>2</v></c>', /formula/],
    ['an error value', '<c r="A2" t="e"><v>#REF!</v></c>', /error value/],
    ['a shared text that is not there', '<c r="A2" t="s"><v>99</v></c>', /does not have/],
    ['a shared text of no number', '<c r="A2" t="s"><v>length</v></c>', /does not have/],
    ['a time of day', '<c r="A2" s="1"><v>0.5</v></c>', /no date/],
    ['a day before all', '<c r="A2" s="1"><v>-3</v></c>', /no date/],
    ['a day after all', '<c r="A2" s="1"><v>1e10</v></c>', /no date/],
    ['a date that is text', '<c r="A2" t="d"><v>soon</v></c>', /no date/],
    ['no number', '<c r="A2"><v>1e999</v></c>', /cannot be read/],
    ['an unknown type', '<c r="A2" t="z"><v>1</v></c>', /cannot be read/],
    ['a cell of no column', '<c r="C2"><v>1</v></c>', /no column of the head/],
    ['half of a character', '<c r="A2" t="inlineStr"><is><t>_xD83D_</t></is></c>', /no text has/],
    ['a long text', `<c r="A2" t="inlineStr"><is><t>${'x'.repeat(32_768)}</t></is></c>`, /longer than 32767/],
  ])('tells of %s in its row, and goes on?', async (_what, cell, detail) => {
    const sound = '<row r="3"><c r="A3" t="s"><v>2</v></c></row>';
    const { rows } = await read(parts(`${HEAD}<row r="2">${cell}</row>${sound}`));
    expect(rows.map(({ number, faults }) => [number, faults.length])).toEqual([
      [2, 1],
      [3, 0],
    ]);
    expect(rows[0]?.faults[0]?.detail).toMatch(detail);
    expect(rows[0]?.cells[0]).toBeNull();
  });

  it('takes the first sheet that is shown, or the one that is named?', async () => {
    const sheet = (text: string): string => sheetOf(`<row><c t="inlineStr"><is><t>${text}</t></is></c></row>`);
    const file = await zipped({
      ...parts(''),
      'xl/workbook.xml': `<workbook ${MAIN} xmlns:r="${OFFICE}"><sheets><sheet name="Lists" sheetId="1" state="hidden" r:id="rId1"/><sheet name="Chart" sheetId="2" r:id="rId5"/><sheet name="Two" sheetId="3" r:id="rId2"/></sheets></workbook>`,
      'xl/_rels/workbook.xml.rels': `<Relationships ${RELS}>${relationship('rId1', 'worksheet', 'worksheets/sheet1.xml')}${relationship('rId5', 'chartsheet', 'c.xml')}${relationship('rId2', 'worksheet', 'worksheets/sheet2.xml')}</Relationships>`,
      'xl/worksheets/sheet1.xml': sheet('one'),
      'xl/worksheets/sheet2.xml': sheet('two'),
    });
    expect((await readAll(file)).columns).toEqual(['two']);
    expect((await readAll(file, 'Lists')).columns).toEqual(['one']);
    await expect(readAll(file, 'Three')).rejects.toThrow(/no sheet of that name/);
    await expect(readAll(file, 'Chart')).rejects.toThrow(/no sheet of that name/);
  });

  const bad = (sheet: string): Record<string, Part> => ({ ...parts(''), 'xl/worksheets/sheet1.xml': sheet });
  it.each<[string, Record<string, Part>, RegExp]>([
    ['an empty sheet', parts(''), /empty/],
    ['a formula in the head', parts('<row><c><f>1</f></c></row>'), /head cannot be read/],
    ['two columns of one name', parts('<row><c t="s"><v>0</v></c><c t="s"><v>0</v></c></row>'), /same name/],
    ['rows out of order', parts('<row r="2"><c r="A2"><v>1</v></c></row><row r="2"/>'), /not in their order/],
    ['cells out of order', parts('<row><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>'), /not in their order/],
    ['a cell without a place', parts('<row><c r="1A"><v>1</v></c></row>'), /no place/],
    ['a row beyond all', parts('<row r="9999999"><c><v>1</v></c></row>'), /not in their order/],
    ['a document type', bad(`<!DOCTYPE x [<!ENTITY e "y">]>${sheetOf('')}`), /document type/],
    ['an entity', parts('<row><c t="inlineStr"><is><t>&xxe;</t></is></c></row>'), /no XML/],
    ['XML that is cut', bad(sheetOf(HEAD).slice(0, -30)), /no XML/],
    ['no XML', bad('PK'), /no XML/],
    ['UTF-16', { ...parts(''), 'xl/worksheets/sheet1.xml': '<a>\u0000' }, /no XML|empty/],
    ['a part that is not there', { ...parts(''), 'xl/workbook.xml': '<workbook/>' }, /no sheet/],
    ['another ZIP', { 'hello.txt': 'hello' }, /no workbook/],
    ['parts that differ in case alone', { ...parts(HEAD), 'XL/WORKBOOK.xml': '<workbook/>' }, /two parts of one name/],
  ])('refuses %s?', async (_what, contents, reason) => {
    const refused = read(contents);
    await expect(refused).rejects.toThrow(TableFault);
    await expect(refused).rejects.toThrow(reason);
  });

  it('refuses what is no ZIP, and one that was cut?', async () => {
    const whole = await zipped(parts(HEAD));
    for (const file of [Buffer.from('hello'), Buffer.alloc(0), whole.subarray(0, whole.length - 40)]) {
      await expect(readAll(file)).rejects.toThrow(TableFault);
    }
  });

  it('refuses a text that cells name until it is more than a table may hold?', async () => {
    const shared = `<sst ${MAIN}><si><t>Name</t></si><si><t>${'x'.repeat(32_000)}</t></si></sst>`;
    const rows = Array.from({ length: 2_200 }, () => '<row><c t="s"><v>1</v></c></row>').join('');
    const sheet = parts(`<row><c t="s"><v>0</v></c></row>${rows}`, { 'xl/sharedStrings.xml': shared });
    await expect(read(sheet)).rejects.toThrow(/holds more than 67108864 characters/);
  });

  it('refuses texts that are shared beyond their bound?', async () => {
    function* many(): Generator<string> {
      yield `<sst ${MAIN}>`;
      for (let at = 0; at < 66; at++) {
        yield `<si><t>${Array.from({ length: 20_000 }, (_, n) => `${at}.${(n * 7919).toString(36)} word `).join('')}</t></si>`.padEnd(
          1024 * 1024,
          ' ',
        );
      }
      yield '</sst>';
    }
    await expect(read({ ...parts(HEAD), 'xl/sharedStrings.xml': many() })).rejects.toThrow(/unpacks to more than/);
  });
});

/** Of a hostile file as large as it is made: refused for that reason, with little memory and in a time that does not grow with it. */
async function expectRefused(fileOf: (size: number) => Promise<Buffer>, size: number, reason: RegExp): Promise<void> {
  const files = new Map([
    [size, await fileOf(size)],
    [size / 8, await fileOf(size / 8)],
  ]);
  const refuse = async (of: number): Promise<void> => {
    const refused = readAll(files.get(of)!);
    await expect(refused).rejects.toThrow(TableFault);
    await expect(refused).rejects.toThrow(reason);
  };
  const before = process.resourceUsage().maxRSS;
  await refuse(size);
  expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(64);
  expect(await growth(refuse, size / 8, 8)).toBeLessThan(4);
}

describe('a hostile XLSX', () => {
  const CELL = '<row><c t="inlineStr"><is><t>x|</t></is></c></row>';
  function* bomb(mebibytes: number, around = CELL): Generator<string> {
    const [head = '', foot = ''] = sheetOf(around).split('|');
    yield head;
    const blanks = ' '.repeat(1024 * 1024);
    for (let mib = 0; mib < mebibytes; mib++) yield blanks;
    yield foot;
  }
  function* wide(thousands: number): Generator<string> {
    const [head = '', foot = ''] = sheetOf('<row r="1">|</row>').split('|');
    yield head;
    for (let at = 0; at < thousands; at++) {
      yield Array.from(
        { length: 1000 },
        (_, n) => `<c t="inlineStr"><is><t>c${(at * 1000 + n) * 7919}</t></is></c>`,
      ).join('');
    }
    yield foot;
  }
  function* deep(thousands: number): Generator<string> {
    for (let at = 0; at < thousands; at++)
      yield Array.from({ length: 1000 }, (_, n) => `<a${(at * 1000 + n) * 7919}>`).join('');
  }

  const fileOf = (sheet: Part): Promise<Buffer> => zipped({ ...parts(''), 'xl/worksheets/sheet1.xml': sheet });

  it.each<[string, number, (size: number) => Iterable<string>, RegExp]>([
    ['a bomb of 200 MiB', 200, (mebibytes) => bomb(mebibytes), /packed by more than 200 to 1/],
    ['a row of a million columns', 1_000, wide, /more than 120 columns/],
    ['a million elements in each other', 1_000, deep, /nested too deep/],
  ])('is %s refused as soon as one of an eighth, and within 64 MB?', async (_what, size, make, reason) => {
    await expectRefused((of) => fileOf(make(of)), size, reason);
  });

  it('is refused as well where its directory says less than comes?', async () => {
    const lying = async (mebibytes: number): Promise<Buffer> => {
      // Between two rows, where nobody else would stop it.
      const file = await fileOf(bomb(mebibytes, `${HEAD}|<row/>`));
      // In the central directory: the unpacked size lies 24 bytes, the name 46 bytes behind the signature.
      const entry = file.lastIndexOf(Buffer.from('xl/worksheets/sheet1.xml')) - 46;
      expect(file.readUInt32LE(entry)).toBe(0x02014b50);
      expect(file.readUInt32LE(entry + 24)).toBeGreaterThan(mebibytes * 1024 * 1024);
      file.writeUInt32LE(500_000, entry + 24);
      return file;
    };
    await expectRefused(lying, 200, /^It does not read as XLSX\.$/);
  });
});

describe('a format of numbers', () => {
  it.each([
    ['yyyy-mm-dd', true],
    ['dd/mm/yyyy;@', true],
    ['[$-409]d-mmm-yy', true],
    ['General', false],
    ['0.00 "days"', false],
    ['#,##0\\d', false],
    ['[Red]0', false],
    ['[h]', false],
    ['@', false],
    ['_(* #,##0_);[Red]yy', false],
  ])('«%s» is of dates: %s?', (code, isDate) => {
    expect(isDateFormat(code)).toBe(isDate);
  });
});
