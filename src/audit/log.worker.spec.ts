import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import type { Database } from '../kernel/db/database.js';
import { OutsideSilent } from './anchor/anchor-guard.js';
import type { LogSequencer } from './log.sequencer.js';
import type { LogSigner } from './log.signer.js';
import type { LogStore } from './log.store.js';
import { LogWorker } from './log.worker.js';

it('does nobody outside who answers keep the events of all organisations waiting, one log after another?', async () => {
  const waiting = ['one', 'two', 'three'];
  const appended: (string | null)[] = [];
  const asked: (string | null)[] = [];
  const worker = new LogWorker(
    { read: () => Promise.resolve(waiting) } as unknown as Database,
    {} as LogStore,
    {
      append: ({ organizationId }) => {
        appended.push(organizationId);
        return Promise.resolve(false);
      },
    } as Partial<LogSequencer> as LogSequencer,
    {
      sign: ({ organizationId }) => {
        asked.push(organizationId);
        return Promise.reject(new OutsideSilent('no witness answers'));
      },
    } as Partial<LogSigner> as LogSigner,
    pino({ enabled: false }),
  );
  worker.onApplicationBootstrap();
  await vi.waitFor(() => expect(appended).toEqual(waiting));
  await worker.beforeApplicationShutdown();
  expect(asked).toEqual(['one']);
});
