import { Injectable } from '@nestjs/common';

/** The only source of «now» for rules and rows, so that a test can move it. UTC. */
@Injectable()
export class Clock {
  now(): Date {
    return new Date();
  }
}
