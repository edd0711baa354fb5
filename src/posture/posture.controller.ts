import { Controller } from '@nestjs/common';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { boundSystems, countedSystem, selected } from './document.js';
import type { OrganizationPosture } from './organization.schema.js';
import { getOrganizationPosture, getSystemPosture, listSystemPostures } from './posture.operations.js';
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
    return selected(boundSystems(document), shownBy(query, catalog));
  }

  @Endpoint(listSystemPostures)
  async systems(@Call() { principal, query }: CallOf<typeof listSystemPostures>) {
    const { limit, cursor, ...asked } = query;
    // Every page is of the instants of the first.
    const [asOf, knownAt, after = null] = decodeCursor(cursor, ['time', 'time', 'uuid']) ?? [];
    const instant = after === null ? asked : { asOf, knownAt };
    const { ask, systems } = await this.posture.systems(principal, instant, { after, limit: limit + 1 });
    const instants = [ask.asOf.toISOString(), ask.knownAt.toISOString()];
    return toPage(systems, limit, countedSystem, ({ id }) => [...instants, id]);
  }

  @Endpoint(getSystemPosture)
  async ofSystem(@Call() { principal, query, params }: CallOf<typeof getSystemPosture>): Promise<Posture> {
    const { document, catalog } = await this.posture.asked(principal, params.systemId, query);
    return selected(document, shownBy(query, catalog));
  }
}
