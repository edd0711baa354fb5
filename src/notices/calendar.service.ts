import { Injectable } from '@nestjs/common';
import { Catalog } from '../catalog/catalog.js';
import { DAY_MS } from '../kernel/dates.js';
import { Database } from '../kernel/db/database.js';
import type { Principal } from '../kernel/principal.js';
import { PostureService } from '../posture/posture.service.js';
import { WorkService } from '../posture/work.service.js';
import { calendarDays, CHANGES_SHOWN_DAYS, scanDays, statusDays } from './calendar.js';
import type { CalendarDay } from './ics.js';
import { Sources } from './sources.service.js';

/** What a calendar says of an organisation. It asks nobody to have looked before: what was told to webhooks is not what it is made of. */
@Injectable()
export class CalendarService {
  constructor(
    private readonly database: Database,
    private readonly work: WorkService,
    private readonly posture: PostureService,
    private readonly sources: Sources,
    private readonly catalog: Catalog,
  ) {}

  async days(principal: Principal, organizationId: string): Promise<{ at: Date; days: CalendarDay[] }> {
    const at = await this.work.present(principal, null);
    // Waits for what is being merged and decided, so that what is asked after it is final too.
    const work = await this.work.listKnown(principal, { systemId: null, asOf: at, knownAt: at });
    const instants = [...midnightsBefore(at), at];
    const statuses = await this.posture.statusesAt(principal, at, instants);
    const coming = await this.database.readSnapshot(principal, (tx) =>
      this.sources.coming(tx, { asOf: at, knownAt: at }),
    );
    return {
      at,
      days: [
        ...calendarDays(work, (type) => this.catalog.recordType(type)?.title ?? type),
        ...statusDays(
          organizationId,
          instants.map((instant, index) => ({ at: instant, statuses: statuses[index] ?? new Map<string, string>() })),
        ),
        ...scanDays(organizationId, coming, at),
      ],
    };
  }
}

/** In UTC, the first of them when the days that are shown begin. */
function midnightsBefore(at: Date): Date[] {
  const today = Math.floor(at.getTime() / DAY_MS);
  return Array.from(
    { length: CHANGES_SHOWN_DAYS },
    (_, index) => new Date((today - CHANGES_SHOWN_DAYS + 1 + index) * DAY_MS),
  );
}
