import { Inject, Injectable } from '@nestjs/common';
import type { EvidenceDriver } from '../evidence/drivers/driver.js';
import { EVIDENCE_DRIVER } from '../evidence/evidence.service.js';
import { Database } from '../kernel/db/database.js';

/** A probe's own time limit is longer; an answer that takes this long is a no. */
const LIMIT = 2_000;

@Injectable()
export class Readiness {
  constructor(
    private readonly database: Database,
    @Inject(EVIDENCE_DRIVER) private readonly driver: EvidenceDriver,
  ) {}

  async check(): Promise<boolean> {
    const late = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), LIMIT).unref());
    return Promise.race([late, this.answers()]);
  }

  private async answers(): Promise<boolean> {
    try {
      await this.database.ping();
      await this.driver.stat({ key: 'readiness', version: null });
      return true;
    } catch {
      return false;
    }
  }
}
