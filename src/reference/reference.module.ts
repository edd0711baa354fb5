import { Module } from '@nestjs/common';
import { HttpModule } from '../kernel/http/http.module.js';
import { ReferenceController } from './reference.controller.js';

@Module({ imports: [HttpModule], controllers: [ReferenceController] })
export class ReferenceModule {}
