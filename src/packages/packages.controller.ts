import { Controller } from '@nestjs/common';
import { Database } from '../kernel/db/database.js';
import { download } from '../kernel/http/download.js';
import { Call, Download, Endpoint, Reply, type CallOf } from '../kernel/http/endpoint.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { PackageWatch } from './package-watch.js';
import {
  cancelPackage,
  CONTENT_TYPES,
  getPackage,
  getPackageContent,
  listPackages,
  requestPackage,
  watchPackage,
} from './packages.schema.js';
import { PackagesService } from './packages.service.js';

@Controller()
export class PackagesController {
  constructor(
    private readonly database: Database,
    private readonly packages: PackagesService,
    private readonly watch: PackageWatch,
  ) {}

  @Endpoint(requestPackage)
  async request(@Call() { principal, params, body, once }: CallOf<typeof requestPackage>) {
    const requested = await this.packages.request(principal, body, once);
    return new Reply(202, requested, {
      Location: `/v1/organizations/${params.organizationId}/packages/${requested.id}`,
    });
  }

  @Endpoint(listPackages)
  async list(@Call() { principal, query }: CallOf<typeof listPackages>) {
    const [before] = decodeCursor(query.cursor, ['uuid']) ?? [null];
    const found = await this.database.read(principal, (tx) =>
      this.packages.list(tx, { before, limit: query.limit + 1 }),
    );
    return toPage(
      found,
      query.limit,
      (item) => item,
      ({ id }) => [id],
    );
  }

  @Endpoint(getPackage)
  async get(@Call() { principal, params }: CallOf<typeof getPackage>) {
    return this.database.read(principal, (tx) => this.packages.find(tx, params.packageId));
  }

  @Endpoint(cancelPackage)
  async cancel(@Call() { principal, params }: CallOf<typeof cancelPackage>) {
    return this.packages.cancel(principal, params.packageId);
  }

  @Endpoint(watchPackage)
  async events(@Call() { principal, params }: CallOf<typeof watchPackage>) {
    const events = await this.watch.events(principal, params.packageId);
    return new Download(
      200,
      // Some proxies collect an answer before they pass it on, unless they are told.
      { 'Content-Type': 'text/event-stream', 'Cache-Control': 'private, no-store', 'X-Accel-Buffering': 'no' },
      events,
    );
  }

  @Endpoint(getPackageContent)
  async content(@Call() { principal, params, request }: CallOf<typeof getPackageContent>) {
    const ready = await this.packages.recordRead(principal, params.packageId);
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
}
