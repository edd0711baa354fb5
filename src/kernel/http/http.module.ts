import { Module } from '@nestjs/common';
import { APP_INTERCEPTOR, DiscoveryModule } from '@nestjs/core';
import { EndpointInterceptor } from './endpoint.interceptor.js';
import { Operations } from './operations.js';

@Module({
  imports: [DiscoveryModule],
  providers: [Operations, { provide: APP_INTERCEPTOR, useClass: EndpointInterceptor }],
  exports: [Operations],
})
export class HttpModule {}
