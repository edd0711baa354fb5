import { Controller } from '@nestjs/common';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { instantOf } from '../kernel/http/instant.js';
import { boundSystems, selected } from './document.js';
import type { OrganizationPosture } from './organization.schema.js';
import { getOrganizationPosture, getSystemPosture, listSystemPostures } from './posture.operations.js';
import type { Posture } from './posture.schema.js';
import { PostureService } from './posture.service.js';
import { shownBy } from './shown.js';
import { askedPage, shownPage } from './system-pages.js';

@Controller()
export class PostureController {
  constructor(private readonly posture: PostureService) {}

  @Endpoint(getOrganizationPosture)
  async ofOrganization(
    @Call() { principal, query }: CallOf<typeof getOrganizationPosture>,
  ): Promise<OrganizationPosture> {
    const { document, catalog } = await this.posture.asked(principal, null, query);
    return selected(boundSystems(document), shownBy(query, catalog));
  }

  @Endpoint(listSystemPostures)
  async systems(@Call() { principal, query }: CallOf<typeof listSystemPostures>) {
    const { asked, latest, ...page } = askedPage(query);
    const instant = instantOf(asked, latest(await this.posture.present(principal, null)));
    const found = await this.posture.systems(principal, { systemId: null, only: null, ...instant }, page);
    return shownPage(found, query.limit);
  }

  @Endpoint(getSystemPosture)
  async ofSystem(@Call() { principal, query, params }: CallOf<typeof getSystemPosture>): Promise<Posture> {
    const { document, catalog } = await this.posture.asked(principal, params.systemId, query);
    return selected(document, shownBy(query, catalog));
  }
}
