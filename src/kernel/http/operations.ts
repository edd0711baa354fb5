import { Injectable, type OnModuleInit } from '@nestjs/common';
import { PATH_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { OPERATION, type Operation } from './endpoint.js';

/** Every operation that the program serves. A route that is no operation has no permission and no contract: then the program does not start. */
@Injectable()
export class Operations implements OnModuleInit {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  onModuleInit(): void {
    this.all();
  }

  all(): Operation[] {
    const operations: Operation[] = [];
    const ids = new Set<string>();
    for (const { metatype } of this.discovery.getControllers()) {
      if (typeof metatype !== 'function') continue;
      const prototype = metatype.prototype as Record<string, (...parameters: unknown[]) => unknown>;
      for (const name of this.scanner.getAllMethodNames(prototype)) {
        const handler = prototype[name];
        if (handler === undefined || !Reflect.hasMetadata(PATH_METADATA, handler)) continue;
        const operation = this.reflector.get<Operation | undefined>(OPERATION, handler);
        if (operation === undefined) throw new Error(`${metatype.name}.${name} is a route without @Endpoint`);
        if (ids.has(operation.id)) throw new Error(`two operations are called ${operation.id}`);
        ids.add(operation.id);
        operations.push(operation);
      }
    }
    return operations;
  }
}
