import { Readable } from 'node:stream';
import { Controller } from '@nestjs/common';
import { Call, Download, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { CalendarService } from './calendar.service.js';
import { calendarText } from './ics.js';
import { getCalendar } from './webhooks.schema.js';

@Controller()
export class CalendarController {
  constructor(private readonly calendar: CalendarService) {}

  @Endpoint(getCalendar)
  async read(@Call() { principal, params }: CallOf<typeof getCalendar>) {
    const { at, days } = await this.calendar.days(principal, params.organizationId);
    const text = calendarText('Safeguard', at, days);
    const headers = {
      'Content-Type': 'text/calendar; charset=utf-8',
      'Content-Length': String(Buffer.byteLength(text)),
      'Content-Disposition': 'attachment; filename="safeguard.ics"',
      'Cache-Control': 'private, no-store',
    };
    return new Download(200, headers, Readable.from([Buffer.from(text)]));
  }
}
