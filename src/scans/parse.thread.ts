import { move } from 'piscina';
import { parseReport } from './formats/index.js';
import { ReportFault, type Declared, type FaultPlace, type ReportFaultCode } from './report.js';
import { stageReport, type StagedReport } from './stage.js';

export interface ParseTask {
  bytes: Uint8Array;
  format: string | undefined;
  declared: Declared;
}

/** A fault crosses the thread's border as data: a class of ours would arrive as a plain Error. */
export type ParseOutcome =
  { report: StagedReport } | { fault: { code: ReportFaultCode; detail: string; place: FaultPlace } };

/** Runs in a thread of its own: a large report blocks nobody, and a hostile one can take no more memory and time than a thread is given. */
export default function parse({ bytes, format, declared }: ParseTask): ParseOutcome {
  try {
    const report = stageReport(parseReport(bytes, { format, declared }));
    for (const rows of report.rows) move(rows.buffer as ArrayBuffer);
    return { report };
  } catch (error) {
    if (!(error instanceof ReportFault)) throw error;
    return { fault: { code: error.code, detail: error.detail, place: error.place } };
  }
}
