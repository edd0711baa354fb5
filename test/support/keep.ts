import { createHash } from 'node:crypto';
import type { Response } from 'supertest';
import { startClinic, type Caller, type Clinic, type World } from './app.js';

export interface Kept {
  type: string;
  fields: object;
  title?: string;
  systemIds?: string[];
  effectiveFrom?: string;
  links?: object[];
  /** Role of a document that is sent with it; null: none. */
  document?: string | null;
}

/** Keeps records as people do, through the API: the officer writes them and the approver decides. */
export class Keeper {
  private documents = 0;

  private constructor(
    private readonly path: string,
    readonly owner: string,
    readonly officer: Caller,
    readonly approver: Caller,
  ) {}

  static async of(clinic: Clinic, officer: Caller, approver: Caller): Promise<Keeper> {
    const { body } = await clinic.admin.get(`${clinic.path}/members`).expect(200);
    const owner = body.items.find(({ role }: { role: string }) => role === 'compliance_officer').id;
    return new Keeper(`${clinic.path}/records`, owner, officer, approver);
  }

  /** A draft, with a document of the role that is asked for. */
  async draft({ document = null, ...record }: Kept): Promise<string> {
    const body = { title: record.type, ownerId: this.owner, effectiveFrom: '2026-01-01T00:00:00Z', ...record };
    const { body: created } = await this.officer.post(this.path, body).expect(201);
    const id = String(created.id);
    if (document !== null) await this.attach(id, document, `Document ${++this.documents} of ${record.type}`);
    return id;
  }

  async submit(id: string): Promise<Response> {
    return this.officer.post(`${this.path}/${id}/submission`).set('If-Match', await this.etag(id));
  }

  async approve(id: string): Promise<Response> {
    return this.approver
      .post(`${this.path}/${id}/decision`, { decision: 'approve' })
      .set('If-Match', await this.etag(id));
  }

  /** A risk analysis, approved, of an instant and with the posture of then. */
  async analysis(effectiveFrom: string): Promise<string> {
    const analyses = this.path.replace(/records$/, 'risk-analyses');
    const begun = { title: 'Risk analysis', ownerId: this.owner, effectiveFrom };
    const { body } = await this.officer.post(analyses, begun).expect(201);
    const { id, fields } = body.analysis;
    await this.officer
      .patch(`${this.path}/${id}`, { fields: { ...fields, conclusion: 'None is high.' } })
      .set('If-Match', await this.etag(id))
      .expect(200);
    await this.attach(id, 'report', 'The report.');
    await this.officer
      .post(`${analyses}/${id}/posture?asOf=${effectiveFrom}`)
      .set('If-Match', await this.etag(id))
      .expect(200);
    await this.decide(id);
    return id;
  }

  /** An approved record. */
  async keep(record: Kept): Promise<string> {
    const id = await this.draft(record);
    await this.decide(id);
    return id;
  }

  /** A new version of an approved record, approved. */
  async revise(id: string, change: object): Promise<void> {
    await this.officer
      .post(`${this.path}/${id}/versions`)
      .set('If-Match', await this.etag(id))
      .expect(201);
    await this.officer
      .patch(`${this.path}/${id}`, change)
      .set('If-Match', await this.etag(id))
      .expect(200);
    await this.decide(id);
  }

  async end(id: string, effectiveFrom: string): Promise<void> {
    await this.officer
      .post(`${this.path}/${id}/end`, { effectiveFrom, reason: 'It is over.' })
      .set('If-Match', await this.etag(id))
      .expect(201);
    await this.decide(id);
  }

  async attach(id: string, role: string, text: string): Promise<void> {
    const digest = createHash('sha256').update(text).digest('base64');
    await this.officer
      .post(`${this.path}/${id}/documents?role=${role}&name=document.txt`)
      .set('If-Match', await this.etag(id))
      .set('Content-Type', 'text/plain')
      .set('Content-Digest', `sha-256=:${digest}:`)
      .send(text)
      .expect(201);
  }

  private async decide(id: string): Promise<void> {
    for (const answer of [await this.submit(id), await this.approve(id)]) {
      if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    }
  }

  private async etag(id: string): Promise<string> {
    return `"${(await this.officer.get(`${this.path}/${id}`).expect(200)).body.revision}"`;
  }
}

/** A clinic of its own, with the two people who keep its records: what one test keeps must not speak for the next. */
export async function startKeeping(world: World): Promise<{ clinic: Clinic; officer: Caller; keeper: Keeper }> {
  const clinic = await startClinic(world);
  const officer = await clinic.member('compliance_officer');
  const keeper = await Keeper.of(clinic, officer, await clinic.member('approver'));
  return { clinic, officer, keeper };
}
