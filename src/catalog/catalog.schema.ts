import { z } from 'zod';
import { recordTypeName } from './fields.js';

/*
 * The shapes of the files under `catalog/`, one schema per kind of file. All are strict: a key that nobody reads is a slip of the pen and is refused.
 * Keys are written as the YAML has them (snake_case). What the fields mean is told at the head of the YAML files themselves.
 */

const text = z.string().min(1).max(4000);
const day = z.iso.date();
const days = z.number().int().min(1).max(36_500);
/** A paragraph of 45 CFR Part 164: `164.308(a)(1)(ii)(A)`. */
const paragraph = z.string().regex(/^164\.\d{3}(\([a-zA-Z0-9]+\))*$/, 'is not a paragraph of 45 CFR 164');
const slug = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'is not a lower-case name with hyphens');
/** A record type of the catalogue: `risk_analysis`. */
const recordType = recordTypeName.regex(/^[a-z_]+$/, 'is not a lower-case name with underscores');

export const FAMILIES = [
  'administrative',
  'physical',
  'technical',
  'organizational',
  'policies',
  'general',
  'breach_notification',
  'privacy',
] as const;
export const CONTROL_TYPES = [
  'standard',
  'specification',
  'general_rule',
  'contract_term',
  'paragraph',
  'definition',
] as const;
/** Where a number of days comes from. `proposed_rule_2025`: a product default borrowed from 90 FR 898; only the overlay makes it a requirement. */
export const BASES = ['regulation', 'guidance', 'proposed_rule_2025', 'practice'] as const;
export const SEVERITIES = ['critical', 'high', 'medium', 'low'] as const;
export const REVIEWS = ['proposed', 'reviewed'] as const;
/** How a result is held to be of a check. Only what is matched by its id proves anything. */
export const MATCHES = ['id', 'name-hint', 'posted-file'] as const;
export const SECTIONS = [
  'hipaa-requirements',
  'encryption',
  'access-control',
  'network',
  'audit-logging',
  'images',
  'backup-and-recovery',
  'faq',
  'gap',
] as const;

/** A tool is named by its mapping file, `mappings/<tool>.yaml`: a new one needs no code. */
const tool = slug;

export const VersionFile = z.strictObject({
  format: z.literal(1),
  version: z.string().regex(/^\d{4}\.\d{1,2}\.\d{1,4}$/),
  date: day,
  law_text: z.strictObject({ snapshot: day, last_amended: text, source: text }),
  review: z.strictObject({ status: z.enum(REVIEWS), note: text }),
  counts: z.strictObject({
    controls: z.number().int(),
    practices: z.number().int(),
    gap_practices: z.number().int(),
    links: z.number().int(),
    checks: z.record(tool, z.number().int()),
    record_types: z.number().int().optional(),
  }),
});

export const DefaultsFile = z.strictObject({
  scanner_evidence: z.strictObject({ max_age_days: days, basis: z.enum(BASES), why: text }),
});

export const ControlsFile = z.strictObject({
  counts: z.strictObject({
    security_rule: z.strictObject({
      standards: z.number().int(),
      specifications: z.number().int(),
      specifications_required: z.number().int(),
      specifications_addressable: z.number().int(),
      contract_terms: z.number().int(),
      paragraphs: z.number().int(),
      general_rules: z.number().int(),
    }),
    counting_conventions: z.array(
      z.strictObject({
        label: text,
        standards: z.number().int().optional(),
        specifications: z.number().int().optional(),
        items: z.number().int().optional(),
        required: z.number().int().optional(),
        addressable: z.number().int().optional(),
        rows: z.number().int().optional(),
        source: text.optional(),
        note: text.optional(),
      }),
    ),
  }),
  controls: z.array(
    z.strictObject({
      id: paragraph,
      aliases: z.array(paragraph).min(1).optional(),
      title: text,
      family: z.enum(FAMILIES),
      type: z.enum(CONTROL_TYPES),
      required: z.enum(['required', 'addressable']),
      parent: paragraph.nullable(),
      summary: text,
      citation: text,
      needs: z.enum(['document', 'nothing']),
      needs_why: text.optional(),
      scanners: z.literal('never').optional(),
      auditor_asks: z.array(text).min(1).optional(),
      /** Records that the item itself asks for, beside those of its practices; `term`: the term of an agreement that it is about. */
      records: z
        .array(z.strictObject({ type: recordType, what: text, term: z.string().min(1).max(50).optional() }))
        .min(1)
        .optional(),
      note: text.optional(),
    }),
  ),
});

export const OverlayFile = z.strictObject({
  id: slug,
  title: text,
  standing: z.literal('proposed'),
  /** An overlay is never on by itself: what is not law is never mixed into the answer about the law. */
  default: z.literal('off'),
  citation: text,
  rin: text,
  as_of: day,
  marks: z.strictObject({ required: z.literal('required'), citation: text, why: text, controls: z.array(paragraph) }),
  limits: z.array(z.strictObject({ practice: slug, record: recordType, max_age_days: days, citation: text })),
  requirements: z.array(
    z.strictObject({
      id: z.string().regex(/^[a-z0-9-]+\/[a-z0-9-]+$/),
      title: text,
      family: z.enum(FAMILIES),
      citation: text,
      summary: text,
      limit: z
        .strictObject({
          every_days: days.optional(),
          within_days: days.optional(),
          within_hours: z.number().int().min(1).max(24_000).optional(),
        })
        .optional(),
      amends: z.array(paragraph),
      practices: z.array(slug),
    }),
  ),
});

export const PracticesFile = z.strictObject({
  section: z.enum(SECTIONS),
  groups: z
    .array(z.strictObject({ id: z.string().regex(/^[BQ]\d{2}$/), label: text, practices: z.array(slug).min(1) }))
    .optional(),
  practices: z.array(
    z.strictObject({
      id: slug,
      summary: text,
      hipaa: z.strictObject({ primary: z.array(paragraph), supporting: z.array(paragraph) }),
      automation: z.enum(['full', 'partial', 'records']),
      evidence: z.strictObject({
        kubernetes: z
          .array(z.strictObject({ kind: text, path: text, expected: text }))
          .min(1)
          .optional(),
        outside_cluster: z
          .array(z.strictObject({ source: text, path: text, expected: text }))
          .min(1)
          .optional(),
        records: z
          .array(
            z.strictObject({
              type: recordType,
              what: text,
              max_age_days: days.nullable(),
              basis: z.enum(BASES),
              why: text,
            }),
          )
          .min(1)
          .optional(),
      }),
      freshness: z.strictObject({ max_age_days: days, basis: z.enum(BASES), why: text }).optional(),
      note: text.optional(),
    }),
  ),
});

export const CrosswalkFile = z.strictObject({
  id: slug,
  title: text,
  /** sourced: the publisher's own words; derived: composed from two sources; judgement: this project's. */
  basis: z.enum(['sourced', 'derived', 'judgement']),
  source: text,
  subject: z.enum(['control', 'practice']),
  links: z.record(z.string(), z.array(text).min(1)),
});

export const PodSecurityFile = z.strictObject({
  id: slug,
  title: text,
  review: z.enum(REVIEWS),
  rows: z.array(
    z.strictObject({
      level: z.enum(['baseline', 'restricted']),
      control: text,
      checks: z.strictObject({ trivy: z.array(text), kyverno: z.array(text), kubescape: z.array(text) }),
      practices: z.array(slug).min(1),
    }),
  ),
});

const check = z.strictObject({
  id: text,
  aliases: z.array(text).min(1).optional(),
  title: text,
  severity: z.enum(SEVERITIES).optional(),
  base_score: z.number().min(0).max(10).optional(),
  mode: z.enum(['automated', 'manual', 'skip']).optional(),
  kind: text.optional(),
  rules: z.array(z.enum(['validate', 'verifyImages', 'mutate', 'generate'])).optional(),
  /** false: results of this check never count, whatever they say (a policy that only changes objects). */
  evidence: z.literal(false).optional(),
  path: text.optional(),
  variants: z.array(text).optional(),
  deprecated: z.literal(true).optional(),
  practices: z.array(slug).min(1).optional(),
  unmapped: text.optional(),
  review: z.enum(REVIEWS).optional(),
  same_as: z.record(tool, z.array(text).min(1)).optional(),
  /** What others say about HIPAA for this check, for the reviewer only. */
  claims: z.array(text).min(1).optional(),
});

export const MappingFile = z.strictObject({
  tool,
  source: z.strictObject({
    repo: text,
    commit: z.string().regex(/^[0-9a-f]{40}$/),
    commit_date: z.iso.datetime({ offset: true }),
    release: text.optional(),
    licence: text,
    read: day,
  }),
  /** What a raw id is meaningless without: the first part of every canonical id of this file. */
  qualifier: z.enum(['benchmark', 'provider']).optional(),
  match: z.enum(MATCHES),
  review: z.enum(REVIEWS),
  severity_from_base_score: z
    .strictObject({ critical: z.number(), high: z.number(), medium: z.number(), low: z.number() })
    .optional(),
  /** How results of these checks are kept, where it is not under the tool's name and the check's id. */
  results: z
    .strictObject({
      /** Sources, with all below them: `xccdf` also stands for `xccdf/cis`. */
      sources: z.array(text).min(1).optional(),
      /** Further ones, of which only what fails counts: in their formats the tool names no passes, or one that passed is not told from one that was excepted or mended. */
      failures: z.array(text).min(1).optional(),
      /** A result's check goes on after the id and a slash, with what users name: the rule of a policy, a constraint of a template. */
      id: z.literal('before-slash').optional(),
    })
    .optional(),
  /** Whether a report of this source names the checks that passed; where it does not, silence about a check is not a pass. */
  reports: z.array(z.strictObject({ source: text, lists: z.enum(['all', 'failures']), note: text })).min(1),
  ambiguous: z.array(z.strictObject({ id: text, why: text })).optional(),
  /** Reports whose findings are of no check of this file, and which support practices as a whole. */
  report_kinds: z
    .array(
      z.strictObject({
        report: text,
        practices: z.array(slug).min(1),
        /** Sources that hold nothing else. Releases up to 2026.12.8 name none, for these were in the program. */
        sources: z.array(text).default([]),
        /** Sources that hold other findings beside, with what ids of these begin with. That such a report lists none shows nothing. */
        among: z.record(z.string(), z.array(text).min(1)).default({}),
        /** What a finding is. `manual`: how bad it is, and how long it may stay, people judge, so it makes no practice failing. */
        findings: z.enum(['manual', 'fail']).default('manual'),
      }),
    )
    .min(1)
    .optional(),
  older_benchmarks: z
    .record(
      z.string(),
      z.strictObject({
        base: text,
        moved: z.record(z.string(), text),
        absent: z.array(text),
        own: z.array(check),
      }),
    )
    .optional(),
  /** None of a tool that gives findings without checks: its reports support practices as a whole. */
  checks: z.array(check),
});

export type VersionFile = z.infer<typeof VersionFile>;
export type DefaultsFile = z.infer<typeof DefaultsFile>;
export type ControlsFile = z.infer<typeof ControlsFile>;
export type OverlayFile = z.infer<typeof OverlayFile>;
export type PracticesFile = z.infer<typeof PracticesFile>;
export type CrosswalkFile = z.infer<typeof CrosswalkFile>;
export type PodSecurityFile = z.infer<typeof PodSecurityFile>;
export type MappingFile = z.infer<typeof MappingFile>;
export type CheckEntry = z.infer<typeof check>;
