import type { Status } from '../../posture/status.js';

/*
 * A report as its readers see it, whatever it is written as: texts, tables and figures, without mark-up. Plain data: it passes into a thread as it is.
 */

export interface Report {
  title: string;
  /** Whose it is, and of which instants. */
  about: readonly (readonly [label: string, value: string])[];
  /** What has to be known before anything else is read. */
  opening: readonly Block[];
  sections: readonly Section[];
  /** What a writer has to date is dated so: the same report gives the same bytes. */
  dated: Date;
}

export interface Section {
  /** Unique in the report; letters and hyphens. */
  id: string;
  title: string;
  blocks: readonly Block[];
  sections: readonly Section[];
}

export type Block =
  | { kind: 'text'; text: string }
  /** What must not be passed over. */
  | { kind: 'warning'; text: string }
  | { kind: 'list'; items: readonly string[] }
  | Table
  | Figure;

export interface Table {
  kind: 'table';
  /** What it shows, so that it is understood by itself. */
  caption: string;
  columns: readonly Column[];
  rows: readonly (readonly TableCell[])[];
  /** What is not in it and where it is; null: nothing is left out. */
  rest: string | null;
}

export interface Column {
  name: string;
  /** A share of the width, beside those of the others. */
  width: number;
}

/** A status is a word that is shown with its colour. */
export type TableCell = string | { status: Status };

export const wordOf = (status: Status): string => status.replace('_', ' ');

export interface Figure {
  kind: 'figure';
  title: string;
  /** The same in words, for who does not see it. */
  summary: string;
  chart: Chart;
}

/** What a colour and a pattern stand for, in every chart alike. */
export const TONES = [
  'failing',
  'missing',
  'stale',
  'partial',
  'excepted',
  'evidenced',
  'not_applicable',
  'low',
  'moderate',
  'high',
  'critical',
] as const;
export type Tone = (typeof TONES)[number];

export interface Series {
  name: string;
  tone: Tone;
  /** One for each label. */
  values: readonly number[];
}

export type Chart =
  /** Stacked bars: one for each label, of so many of each series. */
  | {
      kind: 'bars';
      lie: 'across' | 'upright';
      labels: readonly string[];
      series: readonly Series[];
      /** What is counted. */
      unit: string;
    }
  /** A matrix of counts; rows from above, columns from the left. */
  | {
      kind: 'matrix';
      rows: readonly string[];
      columns: readonly string[];
      rowsAre: string;
      columnsAre: string;
      cells: readonly { row: number; column: number; count: number; tone: Tone; word: string }[];
    }
  /** What was so from when to when, and what happened when, on a line for each label. Instants in milliseconds since 1970. */
  | {
      kind: 'timeline';
      from: number;
      to: number;
      labels: readonly string[];
      spans: readonly { name: string; tone: Tone; items: readonly { label: number; from: number; to: number }[] }[];
      marks: readonly {
        name: string;
        tone: Tone;
        shape: 'circle' | 'triangle' | 'diamond';
        items: readonly { label: number; at: number }[];
      }[];
    };

/** The same data with every text changed. */
export function mapTexts<Value>(value: Value, change: (text: string) => string): Value {
  const mapped = (part: unknown): unknown => {
    if (typeof part === 'string') return change(part);
    if (Array.isArray(part)) return part.map(mapped);
    if (part === null || typeof part !== 'object' || part instanceof Date) return part;
    return Object.fromEntries(Object.entries(part).map(([key, item]) => [key, mapped(item)]));
  };
  return mapped(value) as Value;
}
