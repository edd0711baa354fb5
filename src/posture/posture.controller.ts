import { Controller } from '@nestjs/common';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
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
    const { document, catalog } = await this.posture.asked(principal, null, query);
    return selected(document, shownBy(query, catalog));
  }

  @Endpoint(getSystemPosture)
  async ofSystem(@Call() { principal, query, params }: CallOf<typeof getSystemPosture>): Promise<Posture> {
    const { document, catalog } = await this.posture.asked(principal, params.systemId, query);
    return selected(document, shownBy(query, catalog));
  }
}
