import { Controller } from '@nestjs/common';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { instantOf } from '../kernel/http/instant.js';
import { selected } from './document.js';
import type { OrganizationPosture } from './organization.schema.js';
import { getOrganizationPosture, getSystemPosture } from './posture.operations.js';
import type { Posture } from './posture.schema.js';
import { PostureService } from './posture.service.js';
import { shownBy } from './shown.js';

@Controller()
export class PostureController {
  constructor(private readonly posture: PostureService) {}

  @Endpoint(getOrganizationPosture)
  async ofOrganization(
    @Call() { principal, query }: CallOf<typeof getOrganizationPosture>,
  ): Promise<OrganizationPosture> {
    const ask = { systemId: null, ...instantOf(query, await this.posture.present(principal, null)) };
    // Without an instant of knowledge the answer is of now, and nobody is kept waiting for it.
    const { document, catalog } =
      query.knownAt === undefined
        ? await this.posture.evaluateNow(principal, ask)
        : await this.posture.evaluate(principal, ask);
    return selected(document, shownBy(query, catalog));
  }

  @Endpoint(getSystemPosture)
  async ofSystem(@Call() { principal, query, params }: CallOf<typeof getSystemPosture>): Promise<Posture> {
    const { systemId } = params;
    const ask = { systemId, ...instantOf(query, await this.posture.present(principal, systemId)) };
    const { document, catalog } =
      query.knownAt === undefined
        ? await this.posture.evaluateNow(principal, ask)
        : await this.posture.evaluate(principal, ask);
    return selected(document, shownBy(query, catalog));
  }
}
