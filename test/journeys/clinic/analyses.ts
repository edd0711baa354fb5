import { createHash } from 'node:crypto';
import type { Response } from 'supertest';
import type { ClinicYear } from './year.js';

interface Shown {
  id: string;
  revision: number;
  effectiveFrom: string;
  fields: Record<string, unknown>;
}

/** Risk analyses as the clinic's people make them: at the workbench, with the posture of the day frozen into them. */
export class RiskAnalyses {
  private readonly path: string;
  private readonly records: string;

  constructor(private readonly year: ClinicYear) {
    this.path = `${year.clinic.path}/risk-analyses`;
    this.records = `${year.clinic.path}/records`;
  }

  /** A draft with what the service knows of the scope. */
  async start(title: string, day: number, fromPrevious?: string): Promise<string> {
    return (await this.begin(title, day, fromPrevious)).analysis.id;
  }

  private async begin(
    title: string,
    day: number,
    fromPrevious?: string,
  ): Promise<{ analysis: Shown; risks: string[] }> {
    const { keeper } = this.year;
    const asked = { title, ownerId: keeper.owner, effectiveFrom: this.year.instant(day, 0), fromPrevious };
    return (await keeper.officer.post(this.path, asked).expect(201)).body;
  }

  /** Its conclusion and its report are people's, its posture is the service's. */
  async complete(id: string, conclusion: string): Promise<void> {
    const { officer } = this.year;
    const { fields, effectiveFrom } = await this.read(id);
    await officer
      .patch(`${this.records}/${id}`, { fields: { ...fields, conclusion } })
      .set('If-Match', await this.etag(id))
      .expect(200);
    const text = `The report of ${id}`;
    await officer
      .post(`${this.records}/${id}/documents?role=report&name=report.txt`)
      .set('Content-Type', 'text/plain')
      .set('Content-Digest', `sha-256=:${createHash('sha256').update(text).digest('base64')}:`)
      .set('If-Match', await this.etag(id))
      .send(text)
      .expect(201);
    await officer
      .post(`${this.path}/${id}/posture?asOf=${effectiveFrom}`)
      .set('If-Match', await this.etag(id))
      .expect(200);
  }

  /** The answer to its own writer, who has been made an approver for it. */
  async approveOwn(id: string): Promise<Response> {
    const members = `${this.year.clinic.path}/members`;
    const { admin } = this.year.clinic;
    const setRole = async (role: string): Promise<void> => {
      const { headers } = await admin.get(`${members}/${this.year.keeper.owner}`).expect(200);
      await admin
        .patch(`${members}/${this.year.keeper.owner}`, { role })
        .set('If-Match', headers['etag'] ?? '')
        .expect(200);
    };
    await setRole('approver');
    const answer = await this.year.officer
      .post(`${this.records}/${id}/decision`, { decision: 'approve' })
      .set('If-Match', await this.etag(id));
    await setRole('compliance_officer');
    return answer;
  }

  async submitAndApprove(id: string): Promise<void> {
    for (const move of ['submit', 'approve'] as const) {
      const { status, body } = await this.year.keeper[move](id);
      if (status !== 200) throw new Error(JSON.stringify(body));
    }
  }

  /** The next one, from the last, and what has changed between them. */
  async renew(
    title: string,
    day: number,
    previous: string,
    conclusion: string,
  ): Promise<{ id: string; compared: Record<string, unknown> }> {
    const { analysis, risks } = await this.begin(title, day, previous);
    const { id } = analysis;
    for (const risk of risks) await this.submitAndApprove(risk);
    await this.complete(id, conclusion);
    await this.submitAndApprove(id);
    const { body } = await this.year.officer.get(`${this.path}/${id}/comparison`).expect(200);
    return { id, compared: body };
  }

  private async read(id: string): Promise<Shown> {
    return (await this.year.officer.get(`${this.records}/${id}`).expect(200)).body;
  }

  private async etag(id: string): Promise<string> {
    return `"${(await this.read(id)).revision}"`;
  }
}
