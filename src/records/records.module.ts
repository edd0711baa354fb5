import { Module } from '@nestjs/common';
import { RecordRulesRegistry } from './rules.js';

@Module({
  providers: [RecordRulesRegistry],
  exports: [RecordRulesRegistry],
})
export class RecordsModule {}
