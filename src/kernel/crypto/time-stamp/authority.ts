import type { X509Certificate } from 'node:crypto';
import { OutboundFault, outbound, type Outbound } from '../../http/outbound.js';
import { checkTimeStamp, timeStampRequest, type TimeStamp } from './time-stamp.js';

/** Milliseconds: authorities sign in hardware, and some queue. */
const PATIENCE = 20_000;

export interface TimeStampSettings {
  /** http as well: what comes back is signed, and whoever changes it on its way is found out. */
  url: string;
  /** Roots, and what stands between them and the authority where its answers leave that out. */
  chain: readonly X509Certificate[];
}

/** A time-stamping authority, over HTTP (RFC 3161, section 3.4). */
export class TimeStampAuthority {
  private readonly call: Outbound = outbound({ publicOnly: false, allowInsecure: true, patience: PATIENCE });

  constructor(readonly settings: TimeStampSettings) {}

  /** The authority's whole answer, checked: what is kept, and what `openssl ts -verify` reads. Throws a TimeStampError, or an OutboundFault where there is no answer. */
  async stamp(bytes: Uint8Array): Promise<{ response: Buffer; stamp: TimeStamp }> {
    const { request, nonce } = timeStampRequest(bytes);
    const answer = await this.call(this.settings.url, {
      method: 'POST',
      headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' },
      body: request,
    });
    if (answer.status !== 200) throw new OutboundFault(`the authority answered ${answer.status}`);
    const response = Buffer.from(await answer.arrayBuffer());
    return { response, stamp: checkTimeStamp(response, bytes, { chain: this.settings.chain, nonce }) };
  }
}
