import { v7 } from 'uuid';

/** A UUIDv7 (RFC 9562 section 5.7): time-ordered, so that new rows land at the end of an index. */
export const newId = (): string => v7();
