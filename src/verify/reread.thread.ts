import { once } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import type { SecurityEvent } from '../events/event.js';
import { readReport } from '../scans/formats/index.js';
import type { CheckResult, Declared, Fact, ReportHead, Rows } from '../scans/report.js';
import { readDocument } from '../scans/text/read-document.js';
import { PackedBytes, type Packed } from './packed-bytes.js';
import { saidEvent, saidFact, saidResult, type SaidEvent, type SaidRow } from './said.js';

export interface RereadTask {
  report: Packed;
  format: string | undefined;
  declared: Declared;
  /** Where what it says goes, in batches. */
  port: MessagePort;
  /** Batches that were sent and not yet taken: the thread waits while they are as many as may be. */
  underWay: Int32Array;
}

export type Reread = { head: ReportHead } | { unreadable: string };

const BATCH = 1_000;
const MAX_UNDER_WAY = 8;

/** Runs in a thread of its own: a hostile report can take no more memory and time than a thread is given. */
export default async function reread({ report, format, declared, port, underWay }: RereadTask): Promise<Reread> {
  const telling = new Telling((batch) => {
    for (let count = Atomics.load(underWay, 0); count >= MAX_UNDER_WAY; count = Atomics.load(underWay, 0)) {
      Atomics.wait(underWay, 0, count);
    }
    Atomics.add(underWay, 0, 1);
    port.postMessage(batch);
  });
  try {
    const head = readReport(readDocument(new PackedBytes(report)), { format, declared }, telling);
    telling.flush();
    return { head };
  } catch (error) {
    return { unreadable: error instanceof Error ? error.message : String(error) };
  } finally {
    // Waited for: between tasks the thread sleeps, and a port that is only told to close never is.
    const closed = once(port, 'close');
    port.close();
    await closed;
  }
}

/** What a report says, as it is held against what is shown. */
class Telling implements Rows {
  private batch: (SaidRow | SaidEvent)[] = [];

  constructor(private readonly send: (batch: (SaidRow | SaidEvent)[]) => void) {}

  observed(): void {
    // The head says it.
  }

  result(series: string, targetId: string, result: CheckResult, replaces: boolean): void {
    const { target, source, check, namespace } = result;
    const of = { kind: 'results', series, targetId, targetKind: target.kind, source, check, replaces } as const;
    this.tell({ ...of, ...saidResult(result, namespace) });
  }

  fact(series: string, targetId: string, { target, source, kind, namespace, value }: Fact, replaces: boolean): void {
    const of = { kind: 'facts', series, targetId, targetKind: target.kind, source, check: kind, replaces } as const;
    this.tell({ ...of, ...saidFact(namespace, value) });
  }

  event(event: SecurityEvent): void {
    this.tell(saidEvent(event));
  }

  flush(): void {
    if (this.batch.length > 0) this.send(this.batch);
    this.batch = [];
  }

  private tell(said: SaidRow | SaidEvent): void {
    this.batch.push(said);
    if (this.batch.length === BATCH) this.flush();
  }
}
