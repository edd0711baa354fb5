import { z } from 'zod';
import type { Catalog } from './catalog.js';
import {
  catalogInfoExample, checkExample, checkTraceExample, controlSummaryExample, controlViewExample, gapsExample, practiceSummaryExample, practiceViewExample } from './catalog.examples.js';
import { BASES, CONTROL_TYPES, FAMILIES, MATCHES, REVIEWS, SECTIONS, SEVERITIES } from './catalog.schema.js';
import type { Check, Control, Freshness, Practice } from './catalog.types.js';

/*
 * What the catalogue says of itself over the API: controls → practices → checks and the way back. Pure views; null means "no such item", for the controller
 * to answer 404.
 */

export const CatalogInfo = z
  .strictObject({
    version: z.string().describe('Version of the catalogue; every evaluation names it'),
    digest: z.string().describe('`sha256:` and hex digits over the canonical content'),
    date: z.iso.date(),
    lawSnapshot: z.iso.date().describe('Day of the eCFR text that the controls were taken from'),
    reviewStatus: z.enum(REVIEWS),
    reviewNote: z.string(),
    overlays: z.array(
      z.strictObject({
        id: z.string(),
        title: z.string(),
        standing: z.literal('proposed').describe('Proposed, not law; off unless asked for'),
        citation: z.string(),
        asOf: z.iso.date(),
      }),
    ),
    releases: z.array(z.string()).describe('Released versions, oldest first: each can be asked for'),
    counts: z.strictObject({
      controls: z.number().int(),
      practices: z.number().int(),
      checks: z.number().int(),
      checksNotReviewed: z.number().int(),
    }),
  })
  .meta({ id: 'CatalogInfo', description: 'The catalogue that evaluations use, and how far it was reviewed', examples: [catalogInfoExample] });

const freshness = z
  .strictObject({
    maxAgeDays: z.number().int().nullable().describe('Days; null: per event, or for the life of what it is about'),
    basis: z
      .enum(BASES)
      .describe('The Security Rule sets no number of days; `proposed_rule_2025` is borrowed from 90 FR 898 and not law'),
    why: z.string(),
    from: z.enum(['default', 'practice', 'override', 'overlay']),
  })
  .meta({ id: 'Freshness', description: 'How long evidence speaks for the present' });

export const ControlSummary = z
  .strictObject({
    id: z.string().describe('Paragraph of 45 CFR 164, or `<overlay>/<name>` for a requirement that is only proposed'),
    title: z.string(),
    family: z.enum(FAMILIES),
    type: z.enum([...CONTROL_TYPES, 'proposed_requirement']),
    required: z.enum(['required', 'addressable']).describe('The mark of 45 CFR 164.306(d)'),
    parent: z.string().nullable(),
    needs: z
      .enum(['document', 'nothing'])
      .describe('`document`: scanner passes alone never meet this item; `nothing`: judged through other items'),
    scanners: z.enum(['support', 'never']).describe('`never`: no scanner result counts for this item (164.310)'),
    overlay: z.string().nullable().describe('The overlay that made or marked the item; null: the law in force'),
  })
  .meta({ id: 'ControlSummary', description: 'One item of the HIPAA rules', examples: [controlSummaryExample] });

export const PracticeSummary = z
  .strictObject({
    id: z.string(),
    section: z.enum(SECTIONS),
    summary: z.string(),
    automation: z
      .enum(['full', 'partial', 'records'])
      .describe('How much of it a machine can see; `records`: people must supply it'),
    checkCount: z.number().int().describe('Checks whose results count as evidence'),
    recordTypes: z.array(z.string()),
  })
  .meta({ id: 'PracticeSummary', description: 'One thing to do on a cluster or in the organisation', examples: [practiceSummaryExample] });

export const CheckView = z
  .strictObject({
    tool: z.string().describe('The tool, by the name of its mapping'),
    id: z.string().describe('Canonical id, the one that results are kept under'),
    aliases: z.array(z.string()),
    title: z.string(),
    severity: z.enum(SEVERITIES).nullable(),
    practices: z.array(z.string()),
    unmapped: z.string().nullable().describe('Why it supports no practice'),
    review: z.enum(REVIEWS).describe('`proposed`: no named reviewer has signed this link'),
    evidence: z.boolean().describe('false: its results prove nothing, whatever they say'),
    match: z
      .enum(MATCHES)
      .describe(
        '`name-hint`: matched by a name that users may give to something else; `posted-file`: judged in a file that was posted, which need not be in force. Neither proves a practice',
      ),
    sameAs: z.array(z.strictObject({ tool: z.string(), id: z.string() })),
  })
  .meta({ id: 'CatalogCheck', description: 'One check of one scanner and what it supports', examples: [checkExample] });

const link = z.enum(['primary', 'supporting']);

export const ControlView = ControlSummary.extend({
  aliases: z.array(z.string()),
  summary: z.string(),
  citation: z.string(),
  needsWhy: z.string().nullable(),
  auditorAsks: z.array(z.string()).describe("What OCR's audit protocol requests, condensed"),
  note: z.string().nullable(),
  children: z.array(z.string()),
  references: z.record(z.string(), z.array(z.string())).describe('Crosswalk id → references; absence proves nothing'),
  practices: z.array(PracticeSummary.extend({ link, checks: z.array(CheckView) })),
}).meta({ id: 'ControlView', description: 'One control, the practices that support it and the checks that support those', examples: [controlViewExample] });

export const PracticeView = PracticeSummary.extend({
  note: z.string().nullable(),
  controls: z.array(ControlSummary.extend({ link })),
  evidence: z.strictObject({
    kubernetes: z.array(z.strictObject({ kind: z.string(), path: z.string(), expected: z.string() })),
    outsideCluster: z.array(z.strictObject({ source: z.string(), path: z.string(), expected: z.string() })),
    records: z.array(z.strictObject({ type: z.string(), what: z.string(), freshness })),
    scannerFreshness: freshness,
  }),
  references: z.record(z.string(), z.array(z.string())),
  checks: z.array(CheckView),
}).meta({ id: 'PracticeView', description: 'One practice, the controls it supports and what would prove it', examples: [practiceViewExample] });

/** The way back: from a check to the controls it helps to evidence. */
export const CheckTrace = CheckView.extend({
  controls: z.array(z.strictObject({ practice: z.string(), link, control: z.string(), counts: z.boolean() })),
}).meta({
  id: 'CheckTrace',
  description: 'One check with every control it reaches; `counts` is false where its results never count for that control', examples: [checkTraceExample] });

export const GapsView = z
  .strictObject({
    controlsWithoutPractice: z.array(z.string()).describe('Ask for a document, and no practice produces it'),
    controlsWithoutScanner: z.array(z.string()).describe('Have practices, and no scanner evidence counts for them'),
    practicesWithoutScanner: z.array(z.string()).describe('A machine could see part of it, and no known check does'),
    practicesOnRecordsOnly: z.array(z.string()).describe('Rest on records of people'),
  })
  .meta({ id: 'CatalogGaps', description: 'Where scanners do not reach', examples: [gapsExample] });

export type CatalogInfo = z.infer<typeof CatalogInfo>;
export type ControlSummary = z.infer<typeof ControlSummary>;
export type ControlView = z.infer<typeof ControlView>;
export type PracticeSummary = z.infer<typeof PracticeSummary>;
export type PracticeView = z.infer<typeof PracticeView>;
export type CheckView = z.infer<typeof CheckView>;
export type CheckTrace = z.infer<typeof CheckTrace>;
export type GapsView = z.infer<typeof GapsView>;

export function catalogInfo(catalog: Catalog): Omit<CatalogInfo, 'releases'> {
  return {
    version: catalog.version,
    digest: catalog.digest,
    date: catalog.date,
    lawSnapshot: catalog.lawText.snapshot,
    reviewStatus: catalog.review.status,
    reviewNote: catalog.review.note,
    overlays: catalog.overlays.map(({ id, title, standing, citation, as_of: asOf }) => ({
      id,
      title,
      standing,
      citation,
      asOf,
    })),
    counts: {
      controls: catalog.controls.length,
      practices: catalog.practices.length,
      checks: catalog.checks.length,
      checksNotReviewed: catalog.checks.filter(({ review }) => review === 'proposed').length,
    },
  };
}

export function controlSummaries(catalog: Catalog): ControlSummary[] {
  return catalog.controls.map(summaryOfControl);
}

export function practiceSummaries(catalog: Catalog): PracticeSummary[] {
  return catalog.practices.map((practice) => summaryOfPractice(catalog, practice));
}

/** Checks of the current benchmarks, of one tool or of all. */
export function checkViews(catalog: Catalog, tool?: string): CheckView[] {
  return catalog.checks.filter((check) => tool === undefined || check.tool === tool).map(viewOfCheck);
}

export function controlView(catalog: Catalog, idOrAlias: string): ControlView | null {
  const control = catalog.control(idOrAlias);
  if (control === null) return null;
  return {
    ...summaryOfControl(control),
    aliases: [...control.aliases],
    summary: control.summary,
    citation: control.citation,
    needsWhy: control.needsWhy,
    auditorAsks: [...control.auditorAsks],
    note: control.note,
    children: catalog.childrenOf(control.id).map(({ id }) => id),
    references: referencesOf(catalog, control.id),
    practices: catalog.practicesOf(control.id).map(({ link, practice }) => ({
      ...summaryOfPractice(catalog, practice),
      link,
      // Where scanners never count for the control, to list their checks under it would say that they do.
      checks: control.scanners === 'never' ? [] : catalog.checksOf(practice.id).map(viewOfCheck),
    })),
  };
}

export function practiceView(catalog: Catalog, id: string): PracticeView | null {
  const practice = catalog.practice(id);
  if (practice === null) return null;
  const { scanner, records } = catalog.freshnessOf(id);
  return {
    ...summaryOfPractice(catalog, practice),
    note: practice.note,
    controls: catalog.controlsOf(id).map(({ link, control }) => ({ ...summaryOfControl(control), link })),
    evidence: {
      kubernetes: practice.kubernetes.map((entry) => ({ ...entry })),
      outsideCluster: practice.outsideCluster.map((entry) => ({ ...entry })),
      records: practice.records.map(({ type, what, freshness: given }) => ({
        type,
        what,
        freshness: { ...(records[type] ?? given) } satisfies Freshness,
      })),
      scannerFreshness: { ...scanner },
    },
    references: referencesOf(catalog, id),
    checks: catalog.checksOf(id).map(viewOfCheck),
  };
}

/** From a check, by canonical id or alias, to everything it supports. null where the catalogue does not know it for certain. */
export function checkTrace(catalog: Catalog, tool: string, id: string): CheckTrace | null {
  const check = catalog.resolveCheck(tool, id);
  if (check === null) return null;
  return {
    ...viewOfCheck(check),
    controls: check.practices.flatMap((practice) =>
      catalog.controlsOf(practice).map(({ link, control }) => ({
        practice,
        link,
        control: control.id,
        counts: check.evidence && control.scanners === 'support',
      })),
    ),
  };
}

export function gapsView(catalog: Catalog): GapsView {
  const gaps = catalog.gaps();
  return {
    controlsWithoutPractice: [...gaps.controlsWithoutPractice],
    controlsWithoutScanner: [...gaps.controlsWithoutScanner],
    practicesWithoutScanner: [...gaps.practicesWithoutScanner],
    practicesOnRecordsOnly: [...gaps.practicesOnRecordsOnly],
  };
}

function summaryOfControl(control: Control): ControlSummary {
  const { id, title, family, type, required, parent, needs, scanners, overlay } = control;
  return { id, title, family, type, required, parent, needs, scanners, overlay };
}

function summaryOfPractice(catalog: Catalog, practice: Practice): PracticeSummary {
  const { id, section, summary, automation, records } = practice;
  const checkCount = catalog.checksOf(id).filter(({ evidence }) => evidence).length;
  return { id, section, summary, automation, checkCount, recordTypes: records.map(({ type }) => type) };
}

function viewOfCheck(check: Check): CheckView {
  const { tool, id, title, severity, unmapped, review, evidence, match } = check;
  return {
    tool,
    id,
    aliases: [...check.aliases],
    title,
    severity,
    practices: [...check.practices],
    unmapped,
    review,
    evidence,
    match,
    sameAs: check.sameAs.map((other) => ({ ...other })),
  };
}

function referencesOf(catalog: Catalog, subject: string): Record<string, string[]> {
  return Object.fromEntries(Object.entries(catalog.referencesOf(subject)).map(([id, list]) => [id, [...list]]));
}
