import { createRequire } from 'node:module';
import type * as charts from 'echarts/core';
import type { Chart, Tone } from './model.js';
import { FAINT, INK, PALETTE, RULE } from './palette.js';

/** The whole library is one file to CommonJS, which loads in a sixth of the time of the four hundred modules that the parts in use are made of. */
const { init } = createRequire(import.meta.url)('echarts') as Pick<typeof charts, 'init'>;

/** Pixels of all charts: the width of a page of text. */
export const WIDTH = 760;

/** Of the fonts that there are it takes the first; a PDF has Roboto with it. Without quotes: the library writes it into an attribute as it is. */
const FONT = 'Roboto, Helvetica, Arial, sans-serif';

/** Without a pattern of its own a bar would get one of the library's. */
function look(tone: Tone): { color: string; decal: object } {
  const { color, pattern } = PALETTE[tone];
  if (pattern === null) return { color, decal: { symbol: 'none' } };
  const { along, across, turn, color: ink } = pattern;
  return {
    color,
    decal: { symbol: 'rect', color: ink, dashArrayX: [...along], dashArrayY: [...across], rotation: turn },
  };
}

/** Draws a chart as SVG that stands alone: no script, no style sheet, no font and no link. */
export type Draw = (chart: Chart, id: string) => string;

/** Figures are numbered from 1, in the order in which they stand. */
export class Figures {
  private last = 0;

  constructor(private readonly draw: Draw) {}

  next(chart: Chart): { number: number; id: string; picture: string } {
    const number = ++this.last;
    const id = `figure-${number}`;
    return { number, id, picture: this.draw(chart, id) };
  }
}

/** Draws each picture of a report once, for all who show it: what is not the same in two of them (names that one's font cannot show) makes two. */
export function drawing(): Draw {
  const pictures = new Map<string, string>();
  return (chart, id) => {
    const key = JSON.stringify([id, chart]);
    const picture = pictures.get(key) ?? drawn(chart, id);
    pictures.set(key, picture);
    return picture;
  };
}

/** @param id of the figure: what the parts of a picture are called must be unique in the page that it is put into, and the same whenever it is drawn. */
export function drawn(chart: Chart, id: string): string {
  const { height, option } = optionOf(chart);
  const instance = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  try {
    instance.setOption({ animation: false, textStyle: { fontFamily: FONT, color: INK }, ...option });
    return named(instance.renderToSVGString(), id);
  } finally {
    instance.dispose();
  }
}

/** The library counts what it draws from the start of the process, marks parts for its own scripts, and has rules for a pointer that passes over. */
const named = (svg: string, id: string): string =>
  svg
    .replaceAll(/<style[^>]*>.*?<\/style>/gs, '')
    .replaceAll(/ (ecmeta_[a-z_]+|class)="[^"]*"/g, '')
    .replaceAll(/(?<=\b(?:id="|href="#|url\(#))zr\d+-/g, `${id}-`);

interface Drawing {
  height: number;
  option: charts.EChartsCoreOption;
}

function optionOf(chart: Chart): Drawing {
  switch (chart.kind) {
    case 'bars':
      return bars(chart);
    case 'matrix':
      return matrix(chart);
    case 'timeline':
      return timeline(chart);
  }
}

const LEGEND = {
  left: 0,
  top: 0,
  itemWidth: 22,
  itemHeight: 12,
  itemGap: 20,
  textStyle: { color: INK },
  selectedMode: false,
};
const LEGEND_HEIGHT = 40;
const AXIS_HEIGHT = 48;
const TEXT = { color: INK, fontSize: 12, overflow: 'truncate' };
const AXIS = {
  axisLine: { lineStyle: { color: RULE } },
  axisTick: { show: false },
  splitLine: { lineStyle: { color: RULE } },
};
/** On a colour or a pattern a number is read by the light behind it. */
const NUMBER = { color: INK, fontSize: 11, backgroundColor: '#ffffff', padding: [1, 2], borderRadius: 2 };

function bars({ lie, labels, series, unit }: Extract<Chart, { kind: 'bars' }>): Drawing {
  const isAcross = lie === 'across';
  const names = {
    ...AXIS,
    type: 'category',
    data: [...labels],
    inverse: isAcross,
    axisLabel: isAcross ? { ...TEXT, width: 270, interval: 0 } : { ...TEXT, fontSize: 11, rotate: 35, interval: 0 },
  };
  const counts = {
    ...AXIS,
    type: 'value',
    name: unit,
    nameLocation: 'middle',
    nameGap: 28,
    nameTextStyle: { color: FAINT },
    minInterval: 1,
    axisLabel: { color: FAINT },
  };
  // A number stands where the part is as wide as itself.
  const total = Math.max(
    1,
    ...labels.map((_, index) => series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0)),
  );
  const least = total * (isAcross ? 0.07 : 0.05);
  const height = isAcross ? LEGEND_HEIGHT + AXIS_HEIGHT + labels.length * 24 : 340;
  return {
    height,
    option: {
      legend: { ...LEGEND, data: series.map(({ name }) => name) },
      grid: { left: isAcross ? 330 : 48, right: 16, top: LEGEND_HEIGHT, bottom: isAcross ? AXIS_HEIGHT : 64 },
      xAxis: isAcross ? counts : names,
      yAxis: isAcross ? names : counts,
      series: series.map(({ name, tone, values }) => ({
        type: 'bar',
        name,
        stack: 'all',
        barWidth: isAcross ? 16 : '70%',
        silent: true,
        itemStyle: { ...look(tone), borderColor: '#ffffff', borderWidth: 0.5 },
        // What is none is not drawn: most of a chart of many series is none.
        data: values.map((value) => (value === 0 ? '-' : { value, label: { ...NUMBER, show: value >= least } })),
      })),
    },
  };
}

const CELL = 56;

function matrix({ rows, columns, rowsAre, columnsAre, cells }: Extract<Chart, { kind: 'matrix' }>): Drawing {
  const axis = (data: readonly string[], name: string, nameGap: number, width: number) => ({
    ...AXIS,
    type: 'category',
    data: [...data],
    name,
    nameLocation: 'middle',
    nameGap,
    nameTextStyle: { color: FAINT },
    axisLabel: { ...TEXT, width, interval: 0 },
    splitLine: { show: false },
  });
  return {
    height: rows.length * CELL + AXIS_HEIGHT + 24,
    option: {
      grid: { left: 190, right: 16, top: 16, bottom: AXIS_HEIGHT + 8 },
      xAxis: axis(columns, columnsAre, 30, 100),
      yAxis: { ...axis(rows, rowsAre, 170, 140), inverse: true },
      series: [
        {
          type: 'custom',
          silent: true,
          data: cells.map(({ row, column }) => [column, row]),
          renderItem: (params: { dataIndex: number }, api: Api) => {
            const cell = cells[params.dataIndex];
            if (cell === undefined) return null;
            const [x, y] = api.coord([cell.column, cell.row]);
            const [width, height] = api.size([1, 1]);
            const [left, top] = [x - width / 2, y - height / 2];
            const text = (words: string, at: number, size: number, weight: string) => ({
              type: 'text',
              x,
              y: top + at,
              style: {
                text: words,
                fill: INK,
                align: 'center',
                verticalAlign: 'middle',
                font: `${weight} ${size}px ${FONT}`,
              },
            });
            return {
              type: 'group',
              children: [
                {
                  type: 'rect',
                  shape: { x: left + 1, y: top + 1, width: width - 2, height: height - 2 },
                  style: { fill: PALETTE[cell.tone].color },
                },
                ...(cell.count === 0 ? [] : [text(String(cell.count), height * 0.4, 18, 'bold')]),
                text(cell.word, height * (cell.count === 0 ? 0.5 : 0.75), 11, 'normal'),
              ],
            };
          },
        },
      ],
    },
  };
}

/** What of the library a drawn series is given. */
interface Api {
  coord(point: readonly number[]): [number, number];
  size(point: readonly number[]): [number, number];
  value(dimension: number): number;
}

const LINE = 26;

function timeline({ from, to, labels, spans, marks }: Extract<Chart, { kind: 'timeline' }>): Drawing {
  return {
    height: LEGEND_HEIGHT + AXIS_HEIGHT + labels.length * LINE,
    option: {
      legend: {
        ...LEGEND,
        data: [...spans.map(({ name }) => ({ name })), ...marks.map(({ name, shape }) => ({ name, icon: shape }))],
      },
      grid: { left: 212, right: 40, top: LEGEND_HEIGHT, bottom: AXIS_HEIGHT },
      xAxis: {
        ...AXIS,
        type: 'time',
        min: from,
        max: to,
        axisLabel: {
          color: FAINT,
          hideOverlap: true,
          formatter: (at: number) => new Date(at).toISOString().slice(0, 10),
        },
      },
      yAxis: {
        ...AXIS,
        type: 'category',
        data: [...labels],
        inverse: true,
        axisLabel: { ...TEXT, width: 185, interval: 0 },
      },
      series: [
        ...spans.map(({ name, tone, items }) => ({
          type: 'custom',
          name,
          silent: true,
          clip: true,
          itemStyle: look(tone),
          data: items.map((item) => [item.label, item.from, item.to]),
          renderItem: (_: unknown, api: Api) => {
            const [left, middle] = api.coord([api.value(1), api.value(0)]);
            const [right] = api.coord([api.value(2), api.value(0)]);
            // What took a minute in a year is seen all the same.
            const width = Math.max(2, right - left);
            const { color, decal } = look(tone);
            return {
              type: 'rect',
              shape: { x: left, y: middle - 7, width, height: 14 },
              style: { fill: color, decal },
            };
          },
          encode: { x: [1, 2], y: 0 },
        })),
        ...marks.map(({ name, tone, shape, items }) => ({
          type: 'custom',
          name,
          silent: true,
          clip: true,
          itemStyle: { color: PALETTE[tone].color, borderColor: INK, borderWidth: 1 },
          data: items.map((item) => [item.label, item.at]),
          renderItem: (_: unknown, api: Api) => {
            const [x, y] = api.coord([api.value(1), api.value(0)]);
            const style = { fill: PALETTE[tone].color, stroke: INK, lineWidth: 1 };
            if (shape === 'circle') return { type: 'circle', shape: { cx: x, cy: y, r: 5 }, style };
            const points =
              shape === 'triangle'
                ? [
                    [x, y - 6],
                    [x + 6, y + 5],
                    [x - 6, y + 5],
                  ]
                : [
                    [x, y - 7],
                    [x + 5, y],
                    [x, y + 7],
                    [x - 5, y],
                  ];
            return { type: 'polygon', shape: { points }, style };
          },
          encode: { x: 1, y: 0 },
        })),
      ],
    },
  };
}
