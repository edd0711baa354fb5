import { Readable } from 'node:stream';
import { Controller } from '@nestjs/common';
import { Catalog } from '../catalog/catalog.js';
import { Call, Download, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { WorkService } from '../posture/work.service.js';
import { calendarDays } from './calendar.js';
import { calendarText } from './ics.js';
import { getCalendar } from './webhooks.schema.js';

@Controller()
export class CalendarController {
  constructor(
    private readonly work: WorkService,
    private readonly catalog: Catalog,
  ) {}

  @Endpoint(getCalendar)
  async read(@Call() { principal }: CallOf<typeof getCalendar>) {
    const at = await this.work.present(principal, null);
    const work = await this.work.listKnown(principal, { systemId: null, asOf: at, knownAt: at });
    const text = calendarText(
      'Safeguard',
      at,
      calendarDays(work, (type) => this.catalog.recordType(type)?.title ?? type),
    );
    const headers = {
      'Content-Type': 'text/calendar; charset=utf-8',
      'Content-Length': String(Buffer.byteLength(text)),
      'Content-Disposition': 'attachment; filename="safeguard.ics"',
      'Cache-Control': 'private, no-store',
    };
    return new Download(200, headers, Readable.from([Buffer.from(text)]));
  }
}
