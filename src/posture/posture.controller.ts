import { Controller } from '@nestjs/common';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { instantOf } from '../kernel/http/instant.js';
import { Refusal } from '../kernel/http/problem.js';
import { selected } from './document.js';
import { getOrganizationPosture, getSystemPosture, type Posture } from './posture.schema.js';
import { PostureService } from './posture.service.js';

type PostureCall = CallOf<typeof getOrganizationPosture> | CallOf<typeof getSystemPosture>;

@Controller()
export class PostureController {
  constructor(private readonly posture: PostureService) {}

  @Endpoint(getOrganizationPosture)
  ofOrganization(@Call() call: CallOf<typeof getOrganizationPosture>): Promise<Posture> {
    return this.answer(call, null);
  }

  @Endpoint(getSystemPosture)
  ofSystem(@Call() call: CallOf<typeof getSystemPosture>): Promise<Posture> {
    return this.answer(call, call.params.systemId);
  }

  private async answer({ principal, query }: PostureCall, systemId: string | null): Promise<Posture> {
    const ask = { systemId, ...instantOf(query, await this.posture.present(principal, systemId)) };
    // Without an instant of knowledge the answer is of now, and nobody is kept waiting for it.
    const evaluated =
      query.knownAt === undefined
        ? await this.posture.evaluateNow(principal, ask)
        : await this.posture.evaluate(principal, ask);
    const { document, catalog } = evaluated;
    if (query.control === undefined) return selected(document, { control: null, statuses: query.status });
    const control = catalog.control(query.control);
    if (control === null) {
      throw new Refusal('invalid-request', 'The catalogue has no such control.', { pointer: 'query/control' });
    }
    return selected(document, { control: control.id, statuses: query.status });
  }
}
