import type { Row } from '../../src/kernel/tables/table.js';
import { readXlsx } from '../../src/kernel/tables/xlsx-read.js';

export async function readAll(file: Buffer, sheet: string | null = null): Promise<{ columns: string[]; rows: Row[] }> {
  const { columns, rows } = await readXlsx(file, { sheet });
  const all: Row[] = [];
  for await (const row of rows) all.push(row);
  return { columns, rows: all };
}
