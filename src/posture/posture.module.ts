import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module.js';
import { ChecksModule } from '../checks/checks.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { ResultsModule } from '../results/results.module.js';
import { ScansModule } from '../scans/scans.module.js';
import { PostureController } from './posture.controller.js';
import { PostureService } from './posture.service.js';

@Module({
  imports: [CatalogModule, ChecksModule, OrganizationsModule, ResultsModule, ScansModule],
  controllers: [PostureController],
  providers: [PostureService],
  exports: [PostureService],
})
export class PostureModule {}
