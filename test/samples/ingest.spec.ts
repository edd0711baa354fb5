import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScanView } from '../../src/scans/scans.schema.js';
import { startApp, startClinic, type Clinic, type World } from '../support/app.js';
import { EXPECTED, SAMPLES, type Expected } from './expected.js';

/** Said by the poster where the report does not say its time. */
const OBSERVED_AT = '2026-06-01T00:00:00Z';
const isAhead = ({ observedAt }: Expected): boolean => observedAt !== undefined && Date.parse(observedAt) > Date.now();

describe.skipIf(SAMPLES === null)('reports of the tools themselves, posted (../shared/samples)', () => {
  let world: World;
  let clinic: Clinic;
  beforeAll(async () => {
    world = await startApp();
    clinic = await startClinic(world);
  });
  afterAll(() => world.stop());

  const textOf = (file: string): string => readFileSync(join(SAMPLES ?? '', file), 'utf8');
  const post = async (
    file: string,
    { target }: Pick<Expected, 'target'>,
    observedAt: string | undefined,
    text = textOf(file),
  ) => {
    const query = new URLSearchParams();
    if (target) query.set('targets', `${target.kind}/${target.name}`);
    if (observedAt !== undefined) query.set('observedAt', observedAt);
    const { status, body } = await clinic.agent
      .post(`${clinic.systemPath}/scans?${query.toString()}`)
      .set('Content-Type', file.endsWith('.yaml') ? 'application/yaml' : 'application/json')
      .send(text);
    return { status, body: body as ScanView & { reason?: string } };
  };
  const ownTime = (expected: Expected) => (expected.observedAt === undefined ? OBSERVED_AT : undefined);

  for (const [file, expected] of Object.entries(EXPECTED)) {
    const { listed, repeated = 0, rejected = 0, format, refused } = expected;
    if (refused) {
      it(`is ${file} refused as ${refused}?`, async () => {
        const { status, body } = await post(file, expected, ownTime(expected));
        expect([status, body.reason]).toEqual([422, refused]);
      });
      continue;
    }

    it(`is ${file} stored with each of its ${listed} findings?`, async () => {
      let text = textOf(file);
      if (isAhead(expected)) {
        expect(await post(file, expected, undefined)).toMatchObject({
          status: 422,
          body: { reason: 'observed-in-future' },
        });
        // All else of it can be taken: so with seconds of 2026.
        text = text.replaceAll(String(Date.parse(expected.observedAt ?? '') / 1_000), '1780000000');
      }
      const { status, body } = await post(file, expected, ownTime(expected), text);
      expect({ status, problem: body.problem }).toEqual({ status: 201, problem: null });
      expect(body).toMatchObject({
        status: 'stored',
        format,
        counts: { total: listed - repeated - rejected, rejected },
      });
      expect(body.rejects).toHaveLength(rejected);
    });

    it(`what is ${file} refused for, where its poster says too little or something else?`, async () => {
      const { status, body } = await post(file, expected, ownTime(expected) === undefined ? OBSERVED_AT : undefined);
      expect([status, body.reason]).toEqual([
        422,
        expected.observedAt === undefined ? 'observed-at-required' : 'observed-at-mismatch',
      ]);
      if (!expected.target) return;
      const nameless = await post(file, {}, ownTime(expected));
      expect([nameless.status, nameless.body.reason]).toEqual([422, 'target-unknown']);
    });
  }
});
