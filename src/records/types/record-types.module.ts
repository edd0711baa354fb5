import { Module } from '@nestjs/common';
import { RecordTypesService } from './record-types.service.js';

@Module({
  providers: [RecordTypesService],
  exports: [RecordTypesService],
})
export class RecordTypesModule {}
