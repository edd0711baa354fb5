import type { OutgoingFile } from './bag.js';

/**
 * How far a build is. `reading`: every evidence in scope is read once, to know what can be shown; `files` are evidence. `writing`: `files` are those of the package. Bytes are
 * those of evidence: the rest is some megabytes, which nobody knows before they are written.
 */
export type BuildProgress = {
  phase: 'reading' | 'writing';
  filesDone: number;
  filesTotal: number;
  bytesDone: number;
  bytesTotal: number;
};

/** The build is no longer wanted: it was cancelled, or another attempt has taken it over. */
export class Abandoned extends Error {
  override readonly name = 'Abandoned';
}

/** Milliseconds between two times that progress is written down, and so until a build notices that it is not wanted any more. */
const EVERY = 1_000;

/** Counts what passes, and says so now and then. */
export class ProgressMeter {
  private progress: BuildProgress = { phase: 'reading', filesDone: 0, filesTotal: 0, bytesDone: 0, bytesTotal: 0 };
  private savedAt = -Infinity;

  /** @param save writes it down; false when this attempt is no longer the one that builds. */
  constructor(private readonly save: (progress: BuildProgress) => Promise<boolean>) {}

  async begin(phase: BuildProgress['phase'], filesTotal: number, bytesTotal: number): Promise<void> {
    this.progress = { phase, filesDone: 0, filesTotal, bytesDone: 0, bytesTotal };
    this.savedAt = -Infinity;
    await this.tick();
  }

  bytesPassed(bytes: number): void {
    this.progress.bytesDone += bytes;
  }

  fileDone(): void {
    this.progress.filesDone += 1;
  }

  /** Throws Abandoned. Cheap: to be called with every piece. */
  async tick(): Promise<void> {
    const now = performance.now();
    if (now - this.savedAt < EVERY) return;
    this.savedAt = now;
    if (!(await this.save({ ...this.progress }))) throw new Abandoned('the build is no longer wanted');
  }

  /** The same files, counted as they are read to their ends. */
  counting(files: readonly OutgoingFile[]): OutgoingFile[] {
    return files.map((file) => ({ ...file, content: this.counted(file.content) }));
  }

  private async *counted(content: OutgoingFile['content']): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of content) {
      yield chunk;
      await this.tick();
    }
    this.fileDone();
  }
}
