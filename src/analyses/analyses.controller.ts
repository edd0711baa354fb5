import { Controller } from '@nestjs/common';
import { Call, Endpoint, Reply, type CallOf } from '../kernel/http/endpoint.js';
import {
  compareRiskAnalyses,
  freezePosture,
  proposeScope,
  startRiskAnalysis,
  type ComparisonView,
  type ProposalView,
} from './analyses.schema.js';
import { AnalysesService } from './analyses.service.js';

@Controller()
export class AnalysesController {
  constructor(private readonly analyses: AnalysesService) {}

  @Endpoint(proposeScope)
  propose(@Call() { principal, query }: CallOf<typeof proposeScope>): Promise<ProposalView> {
    return this.analyses.propose(principal, query);
  }

  @Endpoint(startRiskAnalysis)
  async start(@Call() { principal, params, body, once }: CallOf<typeof startRiskAnalysis>): Promise<Reply> {
    const { title, ownerId, effectiveFrom, fromPrevious = null } = body;
    const analysis = { title, ownerId, effectiveFrom: new Date(effectiveFrom), fromPrevious };
    const begun = await this.analyses.start(principal, analysis, once);
    const location = `/v1/organizations/${params.organizationId}/records/${begun.analysis.id}`;
    return new Reply(201, begun, { Location: location });
  }

  @Endpoint(freezePosture)
  async freeze(@Call() { principal, params, query, ifMatch }: CallOf<typeof freezePosture>): Promise<Reply> {
    const view = await this.analyses.freeze(principal, params.recordId, ifMatch, query);
    return new Reply(200, view, { ETag: `"${view.revision}"` });
  }

  @Endpoint(compareRiskAnalyses)
  compare(@Call() { principal, params, query }: CallOf<typeof compareRiskAnalyses>): Promise<ComparisonView> {
    return this.analyses.compare(principal, params.recordId, query.with ?? null);
  }
}
