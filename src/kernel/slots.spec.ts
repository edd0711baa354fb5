import { describe, expect, it } from 'vitest';
import { Room, Slots, SlotsByKey, Turns } from './slots.js';

/** Work that ends when it is told to. */
function held() {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { work: () => ended, end };
}

describe('slots', () => {
  it('do no more than so many run at once, and does a failure free its slot?', async () => {
    const slots = new Slots(1, 10);
    await expect(slots.run(() => Promise.reject(new Error('broke')))).rejects.toThrow('broke');
    let running = 0;
    let most = 0;
    const work = async () => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
    };
    await Promise.all(Array.from({ length: 5 }, () => slots.run(work)));
    expect(most).toBe(1);
  });

  it('is who would wait beyond the bound told to come back?', async () => {
    const slots = new Slots(1, 1);
    const first = held();
    const running = slots.run(first.work);
    const waiting = slots.run(() => Promise.resolve('second'));
    await expect(slots.run(() => Promise.resolve('third'))).rejects.toMatchObject({ code: 'too-many-requests' });
    first.end();
    await running;
    expect(await waiting).toBe('second');
  });

  it('is idle work begun only where a slot is free, and told when somebody waits for it?', async () => {
    const slots = new Slots(1, 10);
    const idle = held();
    let wanted: AbortSignal | null = null;
    const running = slots.runIdle((signal) => {
      wanted = signal;
      return idle.work();
    });
    expect(running).not.toBeNull();
    expect(slots.runIdle(() => Promise.resolve())).toBeNull();
    expect(wanted).toHaveProperty('aborted', false);
    const waiting = slots.run(() => Promise.resolve('done'));
    expect(wanted).toHaveProperty('aborted', true);
    idle.end();
    await running;
    expect(await waiting).toBe('done');
    expect(await slots.runIdle(() => Promise.resolve('idle'))).toBe('idle');
  });

  it('does idle work that fails free its slot?', async () => {
    const slots = new Slots(1, 10);
    await expect(slots.runIdle(() => Promise.reject(new Error('broke')))).rejects.toThrow('broke');
    expect(await slots.run(() => Promise.resolve('done'))).toBe('done');
  });
});

describe('slots by key', () => {
  it('is a key beyond its bound told to come back, another not, and none remembered when all have ended?', async () => {
    const slots = new SlotsByKey(1, 1);
    const first = held();
    const running = slots.run('a', first.work);
    const waiting = slots.run('a', () => Promise.reject(new Error('broke')));
    await expect(slots.run('a', () => Promise.resolve())).rejects.toMatchObject({ code: 'too-many-requests' });
    expect(await slots.run('b', () => Promise.resolve('b'))).toBe('b');
    expect(slots.size).toBe(1);
    first.end();
    await running;
    await expect(waiting).rejects.toThrow('broke');
    expect(slots.size).toBe(0);
    expect(await slots.run('a', () => Promise.resolve('anew'))).toBe('anew');
  });
});

describe('turns', () => {
  it('does one key wait for itself, in order, and another key not for it?', async () => {
    const turns = new Turns(2, 10);
    const first = held();
    const order: string[] = [];
    const a1 = turns.run('a', first.work).then(() => order.push('a1'));
    const a2 = turns.run('a', () => Promise.resolve()).then(() => order.push('a2'));
    const b = turns.run('b', () => Promise.resolve()).then(() => order.push('b'));
    await b;
    expect(order).toEqual(['b']);
    first.end();
    await Promise.all([a1, a2]);
    expect(order).toEqual(['b', 'a1', 'a2']);
  });

  it('does the next of a key run after one that failed?', async () => {
    const turns = new Turns(1, 10);
    const failed = turns.run('a', () => Promise.reject(new Error('broke')));
    const next = turns.run('a', () => Promise.resolve('next'));
    await expect(failed).rejects.toThrow('broke');
    expect(await next).toBe('next');
  });
});

it('is of a room no more taken than there is, and all there again?', () => {
  const room = new Room(10);
  expect([room.take(6), room.take(5), room.take(4), room.take(1)]).toEqual([true, false, true, false]);
  room.give(6);
  expect([room.take(7), room.take(6)]).toEqual([false, true]);
});
