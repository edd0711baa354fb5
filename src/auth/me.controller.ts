import { Controller, Inject } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { OrganizationService } from '../organizations/organization.service.js';
import { AUTH_CONFIG, type AuthConfig } from './auth.config.js';
import { discover, getMe } from './me.schema.js';
import { permissionsOf } from './roles.js';

const SHOWN = 100;

@Controller()
export class MeController {
  constructor(
    @Inject(AUTH_CONFIG) private readonly config: AuthConfig,
    private readonly database: Database,
    private readonly organizations: OrganizationService,
  ) {}

  @Endpoint(getMe)
  async me(@Call() { principal }: CallOf<typeof getMe>) {
    const own = await this.database.read(principal, (tx) =>
      this.organizations.listOwn(tx, { after: null, limit: SHOWN }),
    );
    return {
      issuer: principal.issuer,
      subject: principal.subject,
      permissions: [...principal.permissions],
      organizations: own.map((one) => ({ ...one, permissions: [...permissionsOf(one.role)] })),
    };
  }

  @Endpoint(discover)
  discover() {
    return {
      issuers: this.config.issuers.map(({ issuer, cliClientId, audience }) => ({ issuer, cliClientId, audience })),
    };
  }
}
