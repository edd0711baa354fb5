import { Controller } from '@nestjs/common';
import { EngagementService } from '../engagements/engagement.service.js';
import { Database, type Tx } from '../kernel/db/database.js';
import { download } from '../kernel/http/download.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { Refusal } from '../kernel/http/problem.js';
import { CONTENT_TYPES, type PackageView } from '../packages/packages.schema.js';
import { PackagesService } from '../packages/packages.service.js';
import { getPackage, getPackageContent, listPackages, sharePackage } from './examination.schema.js';
import { ScopeService } from './scope.service.js';

/** Packages that are handed over to an auditor. */
@Controller()
export class HandoverController {
  constructor(
    private readonly database: Database,
    private readonly engagements: EngagementService,
    private readonly scope: ScopeService,
    private readonly packages: PackagesService,
  ) {}

  @Endpoint(sharePackage)
  async share(@Call() { principal, params, body }: CallOf<typeof sharePackage>) {
    const { engagementId } = params;
    const { packageId } = body;
    await this.database.write(principal, async (tx) => {
      const scope = await this.engagements.scopeOf(tx, engagementId);
      const view = await this.packages.find(tx, packageId);
      if (view.status !== 'ready' || !this.scope.isPackageWithin(view, scope)) {
        throw new Refusal('conflict', 'It is not ready, or not within the scope and period of the engagement.');
      }
      await this.engagements.sharePackage(tx, engagementId, packageId);
    });
  }

  @Endpoint(listPackages)
  async list(@Call() { principal, params, query }: CallOf<typeof listPackages>) {
    const { engagementId } = params;
    const { limit, cursor } = query;
    const [after] = decodeCursor(cursor, ['uuid']) ?? [null];
    const found = await this.database.readSnapshot(principal, async (tx) => {
      const shared = await this.engagements.sharedPackages(tx, engagementId);
      const page: PackageView[] = [];
      for (const id of shared.filter((one) => after === null || one > after).slice(0, limit + 1)) {
        page.push(await this.packages.find(tx, id));
      }
      return page;
    });
    await this.engagements.recordRead(principal, engagementId, listPackages.id, query);
    return toPage(
      found,
      limit,
      (view) => view,
      ({ id }) => [id],
    );
  }

  @Endpoint(getPackage)
  async read(@Call() { principal, params }: CallOf<typeof getPackage>) {
    const { engagementId, packageId } = params;
    const view = await this.database.readSnapshot(principal, (tx) => this.shared(tx, engagementId, packageId));
    await this.engagements.recordRead(principal, engagementId, getPackage.id, { packageId });
    return view;
  }

  @Endpoint(getPackageContent)
  async content(@Call() { principal, params, request }: CallOf<typeof getPackageContent>) {
    const { engagementId, packageId } = params;
    await this.database.read(principal, (tx) => this.shared(tx, engagementId, packageId));
    const ready = await this.packages.recordRead(principal, packageId);
    return download(
      request,
      {
        sha256: ready.kept.sha256,
        size: ready.kept.size,
        mediaType: CONTENT_TYPES[ready.isEncrypted ? 1 : 0],
        fileName: `safeguard-package-${ready.id}.zip${ready.isEncrypted ? '.age' : ''}`,
      },
      (range) => this.packages.open(principal, ready, range),
    );
  }

  private async shared(tx: Tx, engagementId: string, packageId: string): Promise<PackageView> {
    if (!(await this.engagements.sharedPackages(tx, engagementId)).includes(packageId)) {
      throw new Refusal('not-found', 'There is no such package.');
    }
    return this.packages.find(tx, packageId);
  }
}
