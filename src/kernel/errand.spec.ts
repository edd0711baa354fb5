import { pino } from 'pino';
import { expect, it } from 'vitest';
import { Errand } from './errand.js';

const logging = () => {
  const told: string[] = [];
  return { told, logger: pino({ base: null }, { write: (line: string) => void told.push(line) }) };
};

it('does its end say that it has to end, and wait for the step that is under way?', async () => {
  const { logger, told } = logging();
  const step = Promise.withResolvers<null>();
  const steps: string[] = [];
  const errand = new Errand(logger, 'asking', async (ending) => {
    for (const name of ['first', 'second']) {
      if (ending.aborted) return;
      steps.push(name);
      await step.promise;
    }
  });
  const order: string[] = [];
  const ended = errand.end().then(() => order.push('ended'));
  await Promise.resolve();
  order.push('the step ends');
  step.resolve(null);
  await ended;
  expect(order).toEqual(['the step ends', 'ended']);
  expect(steps).toEqual(['first']);
  expect(told).toEqual([]);
});

it('is a failure logged, without what it says, and no hindrance to an end?', async () => {
  const { logger, told } = logging();
  const errand = new Errand(logger, 'asking', () => Promise.reject(new RangeError('a path that nobody is told')));
  await errand.end();
  expect(told.map((line) => JSON.parse(line) as object)).toMatchObject([
    { reason: 'RangeError', msg: 'asking failed' },
  ]);
  expect(told.join()).not.toContain('nobody is told');
});
