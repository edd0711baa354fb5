import { GetObjectCommand, GetObjectLockConfigurationCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { retentionEnd } from '../../kernel/retention.js';
import { CopyConflict, CopyLost, MAX_COPY, segmentsOf, type Copies, type Copy } from './copies.js';

export interface S3Settings {
  bucket: string;
  /** Before every key; '' or something that ends with a slash. */
  prefix: string;
  /** Another service than AWS that speaks S3; it is addressed by paths. */
  endpoint?: string;
}

/** Milliseconds. Signing waits for it. */
const PATIENCE = { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true };

/**
 * Copies as versions of an object, one object for each log: `<origin>/checkpoint`. Each version is locked in COMPLIANCE mode for as long as the law has documentation kept:
 * nobody can remove or replace it, the account's root included. Region and credentials are those that AWS' own clients find.
 */
export class S3Copies implements Copies {
  private constructor(
    private readonly client: S3Client,
    private readonly settings: S3Settings,
    private readonly now: () => Date,
  ) {}

  /** A bucket without Object Lock is refused: what is kept there could be taken away. */
  static async open(settings: S3Settings, now: () => Date = () => new Date()): Promise<S3Copies> {
    const { bucket, endpoint } = settings;
    const client = new S3Client({
      maxAttempts: 2,
      requestHandler: PATIENCE,
      ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    });
    const lock = await client
      .send(new GetObjectLockConfigurationCommand({ Bucket: bucket }))
      .catch((error: unknown) =>
        Promise.reject(new Error(`the bucket does not answer: ${nameOf(error)}`, { cause: error })),
      );
    if (lock.ObjectLockConfiguration?.ObjectLockEnabled !== 'Enabled') throw new Error('the bucket has no Object Lock');
    return new S3Copies(client, settings, now);
  }

  async last(origin: string): Promise<Copy | null> {
    try {
      const { Body, ContentLength, VersionId, ETag } = await this.client.send(
        new GetObjectCommand({ Bucket: this.settings.bucket, Key: this.keyOf(origin) }),
      );
      if (Body === undefined || (ContentLength ?? Infinity) > MAX_COPY)
        throw new CopyLost('what is kept as a copy is no checkpoint');
      if (VersionId === undefined || ETag === undefined) throw new Error('the bucket keeps no versions');
      return { note: Buffer.from(await Body.transformToByteArray()), version: VersionId, tag: ETag };
    } catch (error) {
      if (nameOf(error) !== 'NoSuchKey') throw error;
      // A DELETE of a locked object succeeds, and hides it behind a marker.
      if (isDeleted(error)) throw new CopyLost('the object is hidden by a delete marker', { cause: error });
      return null;
    }
  }

  async keep(origin: string, note: Buffer, after: Copy | null): Promise<string> {
    try {
      const { VersionId } = await this.client.send(
        new PutObjectCommand({
          Bucket: this.settings.bucket,
          Key: this.keyOf(origin),
          Body: note,
          ContentType: 'text/plain; charset=utf-8',
          ChecksumAlgorithm: 'SHA256',
          ObjectLockMode: 'COMPLIANCE',
          ObjectLockRetainUntilDate: retentionEnd(this.now()),
          ...(after === null ? { IfNoneMatch: '*' } : { IfMatch: after.tag }),
        }),
      );
      if (VersionId === undefined) throw new Error('the bucket keeps no versions');
      return VersionId;
    } catch (error) {
      if (!['PreconditionFailed', 'ConditionalRequestConflict'].includes(nameOf(error))) throw error;
      throw new CopyConflict('another head of the log was kept meanwhile', { cause: error });
    }
  }

  private keyOf(origin: string): string {
    return `${this.settings.prefix}${segmentsOf(origin).map(decodeURIComponent).join('/')}/checkpoint`;
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);

function isDeleted(error: unknown): boolean {
  const { $response } = error as { $response?: { headers?: Record<string, string> } };
  return $response?.headers?.['x-amz-delete-marker'] === 'true';
}
