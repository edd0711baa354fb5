import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * As much of S3 as copies of checkpoints are kept by: versions, Object Lock, conditional writes, checksums and delete markers, over HTTP on loopback. Requests have to be
 * signed; by whom is not looked at. An upload without a lock in COMPLIANCE mode is refused, which S3 would take.
 */
export interface ObjectLockStore {
  endpoint: string;
  bucket: string;
  /** By key, from the first version on. A version without bytes is a delete marker. */
  versions: Map<string, { id: string; body: Buffer | null; etag: string; retainUntil: Date | null }[]>;
  /** Whether the bucket has Object Lock. */
  locked: boolean;
  /** It answers 503 to everything. */
  down: boolean;
  delete(key: string): void;
  stop: () => Promise<void>;
}

export async function startObjectLockStore(bucket = 'anchors'): Promise<ObjectLockStore> {
  const versions: ObjectLockStore['versions'] = new Map();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const url = new URL(request.url ?? '/', 'http://s3.example');
      const [, inBucket, ...rest] = url.pathname.split('/').map(decodeURIComponent);
      const key = rest.join('/');
      const { headers } = request;
      const refuse = (status: number, code: string, extra: Record<string, string> = {}): void => {
        response.writeHead(status, { 'content-type': 'application/xml', ...extra });
        response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
      };
      const latest = versions.get(key)?.at(-1);
      if (store.down) refuse(503, 'ServiceUnavailable');
      else if (headers.authorization?.startsWith('AWS4-HMAC-SHA256 ') !== true) refuse(403, 'AccessDenied');
      else if (inBucket !== bucket) refuse(404, 'NoSuchBucket');
      else if (request.method === 'GET' && key === '' && url.searchParams.has('object-lock')) {
        if (!store.locked) refuse(404, 'ObjectLockConfigurationNotFoundError');
        else {
          response.writeHead(200, { 'content-type': 'application/xml' });
          response.end(
            '<?xml version="1.0"?><ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>',
          );
        }
      } else if (request.method === 'GET') {
        if (latest === undefined) refuse(404, 'NoSuchKey');
        else if (latest.body === null)
          refuse(404, 'NoSuchKey', { 'x-amz-delete-marker': 'true', 'x-amz-version-id': latest.id });
        else {
          response.writeHead(200, {
            etag: latest.etag,
            'x-amz-version-id': latest.id,
            'content-length': latest.body.length,
          });
          response.end(latest.body);
        }
      } else if (request.method === 'PUT') {
        const digest = createHash('sha256').update(body).digest('base64');
        const exists = latest !== undefined && latest.body !== null;
        const until = new Date(String(headers['x-amz-object-lock-retain-until-date']));
        if (headers['x-amz-checksum-sha256'] !== digest) refuse(400, 'BadDigest');
        else if (headers['x-amz-object-lock-mode'] !== 'COMPLIANCE' || !(until > new Date()))
          refuse(400, 'InvalidRequest');
        else if (headers['if-none-match'] === '*' && exists) refuse(412, 'PreconditionFailed');
        else if (headers['if-match'] !== undefined && headers['if-match'] !== latest?.etag)
          refuse(412, 'PreconditionFailed');
        else {
          const version = {
            id: randomUUID(),
            body,
            etag: `"${createHash('md5').update(body).digest('hex')}"`,
            retainUntil: until,
          };
          versions.set(key, [...(versions.get(key) ?? []), version]);
          response.writeHead(200, { etag: version.etag, 'x-amz-version-id': version.id });
          response.end();
        }
      } else refuse(405, 'MethodNotAllowed');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const store: ObjectLockStore = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bucket,
    versions,
    locked: true,
    down: false,
    delete: (key) => {
      versions.get(key)?.push({ id: randomUUID(), body: null, etag: '', retainUntil: null });
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return store;
}
