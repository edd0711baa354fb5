import { Controller } from '@nestjs/common';
import { pemOf } from '../kernel/crypto/signing/signing-key.js';
import { SigningKeys } from '../kernel/crypto/signing/signing-keys.js';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { listSigningKeys } from './signing-keys.schema.js';

@Controller()
export class SigningKeysController {
  constructor(
    private readonly database: Database,
    private readonly keys: SigningKeys,
  ) {}

  @Endpoint(listSigningKeys)
  async list(@Call() { principal }: CallOf<typeof listSigningKeys>) {
    const known = await this.database.read(principal, (tx) => this.keys.known(tx));
    return {
      items: known.map(({ publicKey, firstUsedAt, ...key }) => ({
        ...key,
        publicKey: pemOf(publicKey),
        firstUsedAt: firstUsedAt.toISOString(),
      })),
    };
  }
}
