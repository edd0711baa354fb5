import { Module } from '@nestjs/common';
import { HttpModule } from '../kernel/http/http.module.js';
import { ReferenceController } from './reference.controller.js';
import { SigningKeysController } from './signing-keys.controller.js';

@Module({ imports: [HttpModule], controllers: [ReferenceController, SigningKeysController] })
export class ReferenceModule {}
