import { Injectable } from '@nestjs/common';
import { Catalog } from '../catalog/catalog.js';
import { DAY_MS } from '../kernel/dates.js';
import { Database } from '../kernel/db/database.js';
import type { Principal } from '../kernel/principal.js';
import { PostureService } from '../posture/posture.service.js';
import { WorkService } from '../posture/work.service.js';
import { calendarDays, CHANGES_SHOWN_DAYS, scanDays, statusDays, statusesToCome } from './calendar.js';
import type { CalendarDay } from './ics.js';
import { Sources } from './sources.service.js';

/** What a calendar says, as of when. */
interface Calendar {
  readonly at: Date;
  readonly days: readonly CalendarDay[];
}

/** What a calendar says of an organisation. It asks nobody to have looked before: what was told to webhooks is not what it is made of. */
@Injectable()
export class CalendarService {
  /** By organisation. */
  private readonly underway = new Map<string | null, Promise<Calendar>>();

  constructor(
    private readonly database: Database,
    private readonly work: WorkService,
    private readonly posture: PostureService,
    private readonly sources: Sources,
    private readonly catalog: Catalog,
  ) {}

  /** Of one organisation one at a time: whoever asks meanwhile is given the same, as of when the first one asked. */
  days(principal: Principal, organizationId: string): Promise<Calendar> {
    // Of whoever does not see all of it, which the posture refuses, nobody is given the answer.
    if (principal.systemIds !== null) return this.read(principal, organizationId);
    const of = principal.organizationId;
    const running =
      this.underway.get(of) ?? this.read(principal, organizationId).finally(() => this.underway.delete(of));
    this.underway.set(of, running);
    return running;
  }

  private async read(principal: Principal, organizationId: string): Promise<Calendar> {
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
        ...calendarDays(organizationId, work, (type) => this.catalog.recordType(type)?.title ?? type),
        ...(statuses === null
          ? [statusesToCome(organizationId, at)]
          : statusDays(
              organizationId,
              instants.map((instant, index) => ({
                at: instant,
                statuses: statuses[index] ?? new Map<string, string>(),
              })),
            )),
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
