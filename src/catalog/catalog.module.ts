import { Module } from '@nestjs/common';
import { CatalogController } from './catalog.controller.js';
import { Catalog } from './catalog.js';
import { currentCatalog } from './load.js';

/** A catalogue with a fault stops the start: nothing is judged by a half of it. */
@Module({
  controllers: [CatalogController],
  providers: [{ provide: Catalog, useFactory: () => currentCatalog() }],
  exports: [Catalog],
})
export class CatalogModule {}
