import { Controller } from '@nestjs/common';
import { Clock } from '../kernel/clock.js';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { instantOf } from '../kernel/http/instant.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { Refusal } from '../kernel/http/problem.js';
import type { Principal } from '../kernel/principal.js';
import { SystemService } from '../organizations/system.service.js';
import { getVendorChain, listAgreements, type ChainLinkView, type VendorChainView } from './agreements.schema.js';
import { AgreementsService } from './agreements.service.js';
import { subcontractorsOf, type VendorEntry } from './register.js';
import { FLOW_DOWN_TERMS } from './terms.js';
import { vendorView } from './view.js';

@Controller()
export class AgreementsController {
  constructor(
    private readonly database: Database,
    private readonly agreements: AgreementsService,
    private readonly systems: SystemService,
    private readonly clock: Clock,
  ) {}

  @Endpoint(listAgreements)
  async list(@Call() { principal, query }: CallOf<typeof listAgreements>) {
    const { limit, cursor, state } = query;
    const [after] = decodeCursor(cursor, ['uuid']) ?? [''];
    const entries = await this.register(principal, query);
    const rows = entries.filter(
      ({ record, states }) => record.id > after && (state === undefined || states.includes(state)),
    );
    return toPage(rows, limit, vendorView, ({ record }) => [record.id]);
  }

  @Endpoint(getVendorChain)
  async chain(@Call() { principal, params, query }: CallOf<typeof getVendorChain>): Promise<VendorChainView> {
    const entries = (await this.register(principal, query)).filter(({ hasEnded }) => !hasEnded);
    const byId = new Map(entries.map((entry) => [entry.record.id, entry]));
    const vendor = byId.get(params.recordId);
    if (vendor === undefined) throw new Refusal('not-found', 'There is no such vendor in effect at that instant.');
    return {
      vendor: linkView(vendor),
      above: vendor.chain.ids.flatMap((id) => byId.get(id) ?? []).map(linkView),
      fault: vendor.chain.fault,
      below: subcontractorsOf(params.recordId, entries).map(({ entry, depth }) => ({ ...linkView(entry), depth })),
    };
  }

  private async register(
    principal: Principal,
    query: { asOf?: string | undefined; knownAt?: string | undefined },
  ): Promise<VendorEntry[]> {
    const { knownAt } = query;
    const now = await this.database.read(principal, (tx) => this.agreements.present(tx, this.clock.now()));
    const instant = instantOf(query, now);
    // In transactions of their own: a snapshot is taken by its first statement, and would not show what was waited for.
    if (knownAt !== undefined) {
      await this.database.read(principal, (tx) => this.systems.awaitRegistered(tx, instant.knownAt));
      await this.database.read(principal, (tx) => this.agreements.awaitDecisions(tx, instant.knownAt));
    }
    return this.database.readSnapshot(principal, (tx) => this.agreements.register(tx, instant));
  }
}

function linkView({ record, fields, name, ephi, states, inForce }: VendorEntry): ChainLinkView {
  return {
    vendorId: record.id,
    name,
    role: fields?.role ?? null,
    ephi,
    parentId: fields?.parent ?? null,
    states: [...states],
    inForce: inForce.length > 0,
    bindsSubcontractors:
      inForce.length > 0 && inForce.every(({ missing }) => FLOW_DOWN_TERMS.every((term) => !missing.includes(term))),
  };
}
