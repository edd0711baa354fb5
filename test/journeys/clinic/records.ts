import { TERM_NAMES } from '../../../src/agreements/terms.js';
import type { Kept } from '../../support/keep.js';
import { KEY_ARN } from './reports.js';
import type { ClinicYear } from './year.js';

/** What the clinic's people write, each on its day. `day` counts from the beginning of the year. */
export class ClinicRecords {
  constructor(private readonly year: ClinicYear) {}

  private of(day: number, record: Kept): Kept {
    return { effectiveFrom: this.year.instant(day, 0), ...record };
  }

  private ofSystem(day: number, record: Kept): Kept {
    return this.of(day, { systemIds: [this.year.clinic.systemId], ...record });
  }

  policy(day: number, name: string, controls: readonly string[]): Kept {
    return this.of(day, {
      type: 'policy',
      title: name,
      fields: { name, kind: 'policy', edition: '1', reviewedOn: this.year.date(day) },
      links: controls.map((target) => ({ kind: 'control', target })),
      document: 'text',
    });
  }

  appointment(day: number): Kept {
    const on = this.year.date(day);
    const fields = { person: 'M. Alvarez', duties: 'Keeps the risk analysis.' };
    return this.of(day, {
      type: 'appointment',
      fields: { ...fields, appointedOn: on, confirmedOn: on },
      document: 'appointment',
    });
  }

  /** A table of courses that 500 people have passed, in the days before and after the first of the year; perhaps one row says no day. */
  trainings(isWhole: boolean): string {
    const rows = Array.from({ length: 500 }, (_, person) => {
      const day = isWhole || person !== 250 ? this.year.date((person % 7) - 3) : '2027-13-01';
      return `Person ${person},Security awareness,${day},passed\n`;
    });
    return `person,course,completedOn,result\n${rows.join('')}`;
  }

  reminder(day: number): Kept {
    const fields = { topic: 'Phishing', audience: 'Everybody', channel: 'e-mail', sentOn: this.year.date(day) };
    return this.of(day, { type: 'security_reminder', fields });
  }

  /** The list of the workforce, held against its trainings. */
  workforce(day: number, people: number): Kept {
    const found = { people, covered: people, result: 'complete', comparedBy: 'M. Alvarez' };
    return this.of(day, {
      type: 'workforce_coverage',
      fields: {
        practices: ['workforce-training'],
        source: 'The list of human resources',
        comparedOn: this.year.date(day),
        ...found,
      },
    });
  }

  vendor(day: number, name: string, ephi: boolean): Kept {
    const fields = { name, role: ephi ? 'business_associate' : 'other', ephi, services: 'Image archive' };
    return this.of(day, { type: 'vendor', title: name, fields });
  }

  /** To the end of its last day. */
  agreement(day: number, vendor: string, lastDay: number): Kept {
    return this.of(day, { type: 'baa', fields: this.agreementFields(day, vendor, lastDay), document: 'agreement' });
  }

  agreementFields(day: number, vendor: string, lastDay: number): object {
    return {
      vendor,
      signedOn: this.year.date(day),
      endsOn: this.year.date(lastDay),
      renewal: 'none',
      incidentNoticeHours: 24,
      returnOrDestroy: 'destroy',
      terms: TERM_NAMES.map((term) => ({ term, clause: '§ 4', page: 2 })),
    };
  }

  vendorReview(day: number, vendor: string): Kept {
    const by = { method: 'Questionnaire', verifiedBy: 'M. Alvarez', result: 'adequate' };
    return this.of(day, { type: 'vendor_review', fields: { vendor, ...by, verifiedOn: this.year.date(day) } });
  }

  attestation(day: number): Kept {
    const period = { periodFrom: this.year.date(day - 365), periodTo: this.year.date(day) };
    return this.of(day, {
      type: 'provider_attestation',
      fields: { provider: 'AWS', report: 'soc2_type2', services: ['EKS', 'KMS'], ...period },
      document: 'report',
    });
  }

  /** What is written of data and images beside the risk analysis. */
  inventories(day: number): Kept[] {
    const reviewed = { reviewedOn: this.year.date(day), reviewer: 'M. Alvarez' };
    const level = { name: 'PHI', meaning: 'Anything about a patient', handling: 'Encrypted' };
    return [
      this.of(day, {
        type: 'data_classification',
        fields: { levels: [level], inventory: [{ what: 'emr', level: 'PHI', ephi: true }], ...reviewed },
      }),
      this.of(day, {
        type: 'data_flow_map',
        fields: { flows: [{ from: 'emr', to: 'Imaging', what: 'Orders', protection: 'TLS 1.3' }], ...reviewed },
      }),
      this.ofSystem(day, {
        type: 'sbom',
        fields: {
          image: 'registry.example/portal:7.4',
          digest: `sha256:${'1'.repeat(64)}`,
          format: 'CycloneDX',
          tool: 'Syft',
          createdAt: this.year.instant(day, 0),
          components: 1,
        },
        document: 'sbom',
      }),
    ];
  }

  imageScan(day: number): Kept {
    const found = { images: 1, unscanned: 0, critical: 0, high: 0 };
    return this.ofSystem(day, {
      type: 'vulnerability_scan',
      fields: {
        scanner: 'Trivy',
        databaseOn: this.year.date(day),
        database: 'current',
        scannedAt: this.year.instant(day, 0),
        ...found,
      },
      document: 'report',
    });
  }

  risk(day: number, number: string, analysis: string, dueDay: number): Kept {
    const weighed = { likelihood: 3, impact: 5, treatment: 'mitigate', treatmentOwner: this.year.keeper.owner };
    return this.of(day, {
      type: 'risk',
      fields: {
        number,
        analysis,
        asset: 'Record system',
        threat: 'Ransomware',
        vulnerability: 'The bucket has no object lock',
        measures: 'Separate account, MFA',
        dueOn: this.year.date(dueDay),
        ...weighed,
      },
    });
  }

  riskPlan(day: number, analysis: string): Kept {
    const fields = { analysis, approach: 'Mitigate what is high.', acceptable: 'low', reviewedOn: this.year.date(day) };
    return this.of(day, { type: 'risk_management_plan', fields });
  }

  key(day: number, policyDays: number): Kept {
    return this.ofSystem(day, {
      type: 'key',
      fields: {
        name: 'volumes',
        purpose: 'volume',
        custodian: this.year.keeper.owner,
        provider: 'aws-kms',
        keyId: KEY_ARN,
        createdOn: this.year.date(0),
        policyDays,
        rotateAfterIncident: true,
      },
    });
  }

  rotation(day: number, key: string, version: number, fields: object = {}): Kept {
    const people = { requestedBy: 'M. Alvarez', performedBy: 'T. Nguyen' };
    return this.ofSystem(day, {
      type: 'key_rotation_event',
      effectiveFrom: this.year.instant(day, 10),
      fields: {
        key,
        fromVersion: String(version - 1),
        toVersion: String(version),
        performedAt: this.year.instant(day, 10),
        reason: 'scheduled',
        reencryption: 'not_needed',
        ...people,
        ...fields,
      },
    });
  }

  reencryption(day: number, key: string): Kept {
    return this.ofSystem(day, {
      type: 'reencryption_record',
      fields: {
        key,
        what: 'All volumes',
        why: 'key_changed',
        startedAt: this.year.instant(day, 0),
        completedAt: this.year.instant(day, 4),
        objects: 12,
        remaining: 0,
        result: 'complete',
      },
    });
  }

  incident(day: number, key: string): Kept {
    return this.ofSystem(day, {
      type: 'incident_record',
      fields: {
        number: 'INC-7',
        what: 'A token in a public repository.',
        discoveredAt: this.year.instant(day, 0),
        criticality: 'high',
        breachSuspected: false,
        keys: [key],
        outcome: 'No use of it is in the logs.',
      },
    });
  }

  incidentRegister(fromDay: number, toDay: number, incident: string): Kept {
    const period = { periodFrom: this.year.date(fromDay), periodTo: this.year.date(toDay) };
    return this.of(toDay, {
      type: 'incident_register',
      fields: { ...period, incidents: [incident], sources: 'The SIEM and the desk.', keptBy: 'M. Alvarez' },
      links: [{ kind: 'record', target: incident }],
    });
  }

  /** Four hours to be back, and no more than eight days of data to lose. */
  objective(day: number): Kept {
    return this.ofSystem(day, {
      type: 'recovery_objective',
      fields: { scope: 'emr', namespaces: ['emr'], rtoMinutes: 240, rpoMinutes: 8 * 24 * 60, criticality: 'high' },
    });
  }

  restore(day: number, objective: string, minutes: number, links: object[] = []): Kept {
    const completedAt = this.year.instant(day, 4);
    const startedAt = new Date(Date.parse(completedAt) - minutes * 60_000).toISOString();
    return this.ofSystem(day, {
      type: 'restore_test',
      fields: {
        backup: 'weekly',
        startedAt,
        completedAt,
        result: minutes <= 240 ? 'passed' : 'failed',
        measuredRtoMinutes: minutes,
        measuredRpoMinutes: 1440,
        objective,
      },
      effectiveFrom: completedAt,
      links,
      document: 'report',
    });
  }

  exercise(day: number): Kept {
    return this.ofSystem(day, {
      type: 'exercise_report',
      fields: {
        scenario: 'The region is lost at noon.',
        kind: 'game_day',
        heldOn: this.year.date(day),
        participants: 5,
        result: 'no_findings',
        findings: [],
      },
    });
  }

  exception(day: number, checks: readonly object[], untilDay: number): Kept {
    return this.ofSystem(day, {
      type: 'exception',
      fields: {
        checks,
        reason: 'A migration is under way.',
        compensating: 'The mesh refuses what comes from it.',
        until: this.year.instant(untilDay, 0),
      },
      document: 'evidence',
    });
  }
}
