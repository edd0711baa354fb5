import { rm } from 'node:fs/promises';
import { ApiFault, type ApiServer } from './api-server.js';
import type { Clock } from './clock.js';
import { discover, type Planned } from './discovery.js';
import { DocumentWriter, type Section, type Written } from './document.js';
import { isItem, type Item, readList } from './list.js';
import type { ReportSet } from './report-kinds.js';
import { stripReport } from './strip.js';

/** Documents at once: more engines than these share one. */
const MOST_ENGINES = 8;

/** A List that is complete, as one document. */
export interface ReportDocument {
  written: Written;
  /** Whose results it holds; null where the set is not told apart by engines. */
  engine: string | null;
  objects: number;
}

export interface Gathering {
  api: ApiServer;
  clock: Clock;
  signal: AbortSignal;
  /** Names for files, and their largest size. */
  scratch: () => string;
  largest: number;
}

/** The lists of a set are not all there: nothing of it is posted, for what is missing would count as gone. */
export class Incomplete extends Error {}

/** Reads the reports of a set. None where the cluster has no such kinds, or no reports. Throws Incomplete. */
export async function gatherReports(of: Gathering, set: ReportSet): Promise<ReportDocument[]> {
  const kinds = set.kinds.map((kind) => ({ ...kind, listed: 'object' as const, without: [] }));
  const planned = await discover(of.api, kinds, of.signal);
  const missing = planned.find(({ end }) => end !== null && end.outcome !== 'absent');
  if (missing) throw new Incomplete(`${missing.resource}: ${missing.end?.reason ?? ''}`);
  const there = planned.filter(({ end }) => end === null);
  if (there.length === 0) return [];
  let byEngine = set.byEngine;
  for (let again = false; ;) {
    const documents = new Documents(of, byEngine);
    try {
      for (const resource of there) await documents.read(resource);
      return await documents.finish();
    } catch (error) {
      await documents.abandon();
      if (error instanceof Mixed) byEngine = false;
      else if (error instanceof Gone && !again) again = true;
      else throw error instanceof ApiFault || error instanceof Gone ? new Incomplete(error.message) : error;
    }
  }
}

/** An object has results of several engines, or there are too many of these: they cannot be told apart. */
class Mixed extends Error {}

/** A list began anew; so do all of the set, for its objects are of one time. */
class Gone extends Error {}

interface OpenDocument {
  writer: DocumentWriter;
  section: Section;
  file: string;
  objects: number;
}

class Documents {
  private readonly open = new Map<string, OpenDocument>();

  constructor(
    private readonly of: Gathering,
    private readonly byEngine: boolean,
  ) {}

  async read(resource: Planned): Promise<void> {
    const { api, signal } = this.of;
    await readList(
      api,
      resource,
      {
        write: (item) => this.write(item),
        restart: () => Promise.reject(new Gone('the list changed faster than it could be read')),
      },
      signal,
    );
  }

  async finish(): Promise<ReportDocument[]> {
    const finished: ReportDocument[] = [];
    for (const [engine, { writer, section, objects }] of this.open) {
      await section.text('\n]}\n');
      await section.end();
      finished.push({ written: await writer.finish(), engine: this.byEngine ? engine : null, objects });
    }
    return finished;
  }

  async abandon(): Promise<void> {
    for (const { writer, section, file } of this.open.values()) {
      await section.abandon();
      await writer.abandon();
      await rm(file, { force: true });
    }
  }

  private async write(item: Item): Promise<void> {
    const engines = this.byEngine ? enginesOf(item) : [''];
    // An object without results says nothing, of nobody.
    const [engine] = engines;
    if (engine === undefined) return;
    if (engines.length > 1) throw new Mixed();
    const document = this.open.get(engine) ?? (await this.begin(engine));
    stripReport(item);
    await document.section.text(`${document.objects === 0 ? '' : ','}\n${JSON.stringify(item)}`);
    document.objects += 1;
  }

  private async begin(engine: string): Promise<OpenDocument> {
    if (this.open.size >= MOST_ENGINES) throw new Mixed();
    const file = this.of.scratch();
    const writer = await DocumentWriter.create(file, this.of.largest);
    const document = { writer, section: writer.begin(), file, objects: 0 };
    this.open.set(engine, document);
    // What kubectl puts together of all pages: a list of one page only (PolicyReportList) may be the last of several.
    await document.section.text('{"apiVersion":"v1","kind":"List","items":[');
    return document;
  }
}

/** As the format finds them (src/scans/formats/policy-report.ts): said by the result, the report or its label. */
function enginesOf(item: Item): string[] {
  const results = Array.isArray(item['results']) ? item['results'] : [];
  const metadata = isItem(item['metadata']) ? item['metadata'] : {};
  const labels = isItem(metadata['labels']) ? metadata['labels'] : {};
  const ofReport = textOf(item['source']) || textOf(labels['policy.kubernetes.io/engine']);
  return [...new Set(results.map((result) => (isItem(result) ? textOf(result['source']) : '') || ofReport))];
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
