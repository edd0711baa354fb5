import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdCompress } from 'node:zlib';
import { z } from 'zod';

const compress = promisify(zstdCompress);
const problem = z.object({ type: z.string(), detail: z.string() });

/** A caller of the public API, with nothing that an agent or a person elsewhere would not have. */
export class DemoCaller {
  constructor(
    private readonly server: string,
    private readonly token: string,
  ) {}

  get<Schema extends z.ZodType>(schema: Schema, path: string): Promise<z.output<Schema>> {
    return this.send(schema, path, { method: 'GET' });
  }

  post<Schema extends z.ZodType>(schema: Schema, path: string, body: object): Promise<z.output<Schema>> {
    return this.send(schema, path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  /** Compressed, and with its digest. */
  async postReport<Schema extends z.ZodType>(schema: Schema, path: string, report: Buffer): Promise<z.output<Schema>> {
    const body = await compress(report);
    return this.send(schema, path, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Content-Encoding': 'zstd',
        'Content-Digest': `sha-256=:${createHash('sha256').update(body).digest('base64')}:`,
      },
      body,
    });
  }

  private async send<Schema extends z.ZodType>(
    schema: Schema,
    path: string,
    init: { method: string; headers?: Record<string, string>; body?: string | Buffer },
  ): Promise<z.output<Schema>> {
    const { headers, ...rest } = init;
    const response = await fetch(`${this.server}${path}`, {
      ...rest,
      headers: { ...headers, Authorization: `Bearer ${this.token}` },
    });
    const answer = await response.text();
    if (response.ok) return schema.parse(JSON.parse(answer));
    const said = problem.safeParse(parsed(answer));
    const why = said.success ? `${said.data.type}: ${said.data.detail}` : 'it does not say why';
    throw new Error(`${init.method} ${path.split('?')[0] ?? path} answered ${response.status} (${why})`);
  }
}

/** A token by the client credentials grant (RFC 6749 section 4.4), as a machine gets it from its provider. */
export async function clientToken(issuer: string, clientId: string, clientSecret: string): Promise<string> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  if (!response.ok) throw new Error(`the OpenID provider answered ${response.status} to ${clientId}`);
  return z.object({ access_token: z.string() }).parse(await response.json()).access_token;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
