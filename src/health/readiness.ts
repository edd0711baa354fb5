import { Inject, Injectable } from '@nestjs/common';
import type { EvidenceDriver } from '../evidence/drivers/driver.js';
import { EVIDENCE_DRIVER } from '../evidence/evidence.service.js';
import { AnchorGuard } from '../audit/anchor/anchor-guard.js';
import { Database } from '../kernel/db/database.js';

/** A probe's own time limit is longer; an answer that takes this long is a no. */
const LIMIT = 2_000;

@Injectable()
export class Readiness {
  constructor(
    private readonly database: Database,
    @Inject(EVIDENCE_DRIVER) private readonly driver: EvidenceDriver,
    private readonly guard: AnchorGuard,
  ) {}

  /** How it is with the heads of logs; null where the service is not ready. */
  async check(): Promise<'signed' | 'refused' | null> {
    const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), LIMIT).unref());
    return Promise.race([late, this.answers()]);
  }

  private async answers(): Promise<'signed' | 'refused' | null> {
    try {
      await this.database.ping();
      await this.driver.stat({ key: 'readiness', version: null });
      return (await this.guard.isRefusing()) ? 'refused' : 'signed';
    } catch {
      return null;
    }
  }
}
