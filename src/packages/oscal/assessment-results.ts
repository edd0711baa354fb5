import type {
  EvidenceItem,
  JudgedControl,
  JudgedPosture,
  JudgedPractice,
  PackageFacts,
  PackageRows,
} from '../contents.js';
import { each, element, jsonDocument, props, type Element } from './element.js';
import { oscalUuid, objectiveId } from './ids.js';
import {
  ASSESSMENT_PLAN,
  documentUuid,
  instantMetadata,
  isReviewed,
  PLATFORM,
  reviewedControls,
  systemUuid,
  toolsOf,
  toolUuid,
} from './shared.js';
import { dateTime, markup, markupLine, oscalString } from './text.js';

/**
 * What is evidenced: an observation for each practice and for each item that asks for records itself, with the evidence that it rests on, and a finding for each item.
 * In a package about an organisation the first result is its own, and one of each system follows, read when its turn has come.
 */
export function assessmentResults(facts: PackageFacts, rows: PackageRows): AsyncIterable<Uint8Array> {
  const about = new Assessment(facts);
  return jsonDocument('assessment-results', {
    head: {
      uuid: documentUuid('assessment-results', facts),
      metadata: instantMetadata('Assessment results', facts),
      'import-ap': { href: ASSESSMENT_PLAN },
    },
    lists: {
      results: (async function* () {
        yield about.result(facts.posture);
        for (const systemId of facts.systemPostures) yield about.result(await rows.systemPosture(systemId));
      })(),
    },
    resources: each(evidenceResources(facts)),
  });
}

/** A system, or the organisation over all of its systems. */
type Place = Pick<JudgedPosture, 'systemId'>;

const placeOf = (facts: PackageFacts, { systemId }: Place): string => systemId ?? facts.organization.id;

export const findingUuid = (facts: PackageFacts, place: Place, control: string): string =>
  oscalUuid('finding', placeOf(facts, place), control);

const observationUuid = (facts: PackageFacts, place: Place, of: 'practice' | 'control', id: string): string =>
  oscalUuid('observation', placeOf(facts, place), of, id);

/** Fails closed: whatever is not proven is not satisfied. */
export function findingOf(facts: PackageFacts, place: Place, judged: JudgedControl, observations: Element[]): Element {
  const { id, status, reason, decisionId } = judged;
  const control = facts.controls.find((one) => one.id === id);
  return element({
    uuid: findingUuid(facts, place, id),
    title: markupLine(`${control?.citation ?? id}: ${control?.title ?? id}`),
    description: markup(reason),
    props: props({ status, citation: control?.citation, required: control?.required, 'decision-record': decisionId }),
    target: {
      type: 'objective-id',
      'target-id': objectiveId(id),
      status: {
        state: status === 'evidenced' ? 'satisfied' : 'not-satisfied',
        reason: status === 'evidenced' ? 'pass' : status === 'failing' ? 'fail' : 'other',
        remarks: markup(status),
      },
    },
    'related-observations': observations,
  });
}

class Assessment {
  private readonly evidence: ReadonlyMap<string, EvidenceItem>;
  /** Documents of records, by record. */
  private readonly documents = new Map<string, EvidenceItem[]>();
  private readonly practices: ReadonlyMap<string, PackageFacts['practices'][number]>;
  private readonly tools: ReadonlySet<string>;

  constructor(private readonly facts: PackageFacts) {
    this.evidence = new Map(facts.evidence.map((item) => [item.evidenceId, item]));
    this.practices = new Map(facts.practices.map((practice) => [practice.id, practice]));
    this.tools = new Set(toolsOf(facts));
    for (const item of facts.evidence) {
      for (const { recordId } of item.records) {
        this.documents.set(recordId, [...(this.documents.get(recordId) ?? []), item]);
      }
    }
  }

  result(posture: JudgedPosture): Element {
    const { facts } = this;
    const { periodFrom, asOf, knownAt } = facts;
    const name = facts.systems.find(({ id }) => id === posture.systemId)?.name ?? facts.organization.name;
    return element({
      uuid: oscalUuid(
        'result',
        placeOf(facts, posture),
        asOf.toISOString(),
        knownAt.toISOString(),
        facts.catalog.digest,
      ),
      title: markupLine(`What is evidenced of ${name}`),
      description: markup(
        `At ${asOf.toISOString()}, as it was known at ${knownAt.toISOString()}. It says what is evidenced. It does not say that anybody complies with the law.`,
      ),
      start: periodFrom.toISOString(),
      end: asOf.toISOString(),
      props: props({ 'system-id': posture.systemId }),
      'reviewed-controls': reviewedControls(posture.controls, 'What has a status of its own.'),
      observations: [
        ...posture.practices.map((practice) => this.practice(posture, practice)),
        ...posture.controls.filter(isReviewed).flatMap((control) => this.needsOf(posture, control)),
      ],
      findings: posture.controls.filter(isReviewed).map((control) => {
        const practices = control.practices.map(({ id }) => observationUuid(facts, posture, 'practice', id));
        const own = control.needs.length === 0 ? [] : [observationUuid(facts, posture, 'control', control.id)];
        return findingOf(
          facts,
          posture,
          control,
          [...practices, ...own].map((uuid) => ({ 'observation-uuid': uuid })),
        );
      }),
    });
  }

  private practice(place: Place, judged: JudgedPractice): Element {
    const { id, status, reason, needs, evidence = [], observedAt, staleAt } = judged;
    const practice = this.practices.get(id);
    const tools = new Set(evidence.flatMap(({ source }) => this.facts.rules.toolOf(source) ?? []));
    const sources = [...tools].filter((tool) => this.tools.has(tool));
    const expires = staleAt === null || staleAt === undefined ? undefined : dateTime(staleAt);
    return element({
      uuid: observationUuid(this.facts, place, 'practice', id),
      title: markupLine(practice?.summary ?? id),
      description: markup(reason),
      props: props({ practice: id, status }),
      methods: practice === undefined ? ['UNKNOWN'] : METHODS[practice.automation],
      types: ['control-objective'],
      origins: [
        {
          actors: [
            { type: 'assessment-platform', 'actor-uuid': PLATFORM },
            ...sources.map((tool) => ({ type: 'tool', 'actor-uuid': toolUuid(tool) })),
          ],
        },
      ],
      subjects: this.subjects(place),
      'relevant-evidence': [...this.reports(evidence), ...this.recordsOf(needs)],
      collected:
        (observedAt === null || observedAt === undefined ? undefined : dateTime(observedAt)) ??
        this.facts.asOf.toISOString(),
      expires,
    });
  }

  /** Of an item that asks for records itself. */
  private needsOf(place: Place, { id, needs, status }: JudgedControl): Element[] {
    if (needs.length === 0) return [];
    return [
      element({
        uuid: observationUuid(this.facts, place, 'control', id),
        title: markupLine(`Records that ${id} asks for`),
        description: markup(...needs.map(({ type, state, reason }) => `${type} (${state}): ${reason}`)),
        props: props({ control: id, status }),
        methods: ['EXAMINE'],
        types: ['control-objective'],
        origins: [{ actors: [{ type: 'assessment-platform', 'actor-uuid': PLATFORM }] }],
        subjects: this.subjects(place),
        'relevant-evidence': this.recordsOf(needs),
        collected: this.facts.asOf.toISOString(),
      }),
    ];
  }

  private subjects({ systemId }: Place): Element[] {
    const ids = systemId === null ? this.facts.systems.map(({ id }) => id) : [systemId];
    return ids.map((id) => ({ 'subject-uuid': systemUuid(id), type: 'component' }));
  }

  /** By report: what it says. */
  private reports(evidence: NonNullable<JudgedPractice['evidence']>): Element[] {
    const says = new Map<string, string[]>();
    for (const { evidenceId, source, check, status, count, inferred, seenAt } of evidence) {
      const what = inferred ? 'inferred from its silence' : `${count} ${count === 1 ? 'result' : 'results'}`;
      says.set(evidenceId, [
        ...(says.get(evidenceId) ?? []),
        `${source}, check ${check}: ${status} (${what}, seen at ${seenAt}).`,
      ]);
    }
    return [...says].map(([evidenceId, texts]) => this.relevant(this.evidence.get(evidenceId), evidenceId, texts));
  }

  private recordsOf(needs: JudgedControl['needs']): Element[] {
    const types = new Set(this.facts.records.types.map(({ type }) => type));
    return needs.flatMap(({ type, state, records }) =>
      records.flatMap((recordId) => [
        element({
          // Of a type that is met by a report, records of other types may speak.
          ...(types.has(type) ? { href: `../records/${type}.json` } : {}),
          description: markup(`Record ${recordId} of type ${type}: ${state}.`),
          props: props({ 'record-id': recordId, 'record-type': type }),
        }),
        ...(this.documents.get(recordId) ?? []).map((item) =>
          this.relevant(item, item.evidenceId, [`Document of record ${recordId}.`]),
        ),
      ]),
    );
  }

  private relevant(item: EvidenceItem | undefined, evidenceId: string, texts: readonly string[]): Element {
    return element({
      ...(item === undefined ? {} : { href: `#${evidenceUuid(evidenceId)}` }),
      description: markup(...texts),
      props: props({ 'evidence-id': evidenceId }),
    });
  }
}

const METHODS = { full: ['TEST'], partial: ['TEST', 'EXAMINE'], records: ['EXAMINE'] } as const;

const evidenceUuid = (id: string): string => oscalUuid('evidence', id);

/** All evidence of the package with its digest, also what could not be read, was disposed of or is withheld. */
function* evidenceResources({ evidence, faults }: PackageFacts): Generator<Element, void> {
  const faulty = new Map(faults.map(({ evidenceId, reason }) => [evidenceId, reason]));
  for (const { evidenceId, path, sha256, size, mediaType, receivedAt, disposedAt, withheld } of evidence) {
    const fault = faulty.get(evidenceId);
    yield element({
      uuid: evidenceUuid(evidenceId),
      title: `Evidence ${evidenceId}`,
      description: markup(
        fault !== undefined
          ? `It could no longer be read as it was kept, and is left out: ${fault}`
          : disposedAt !== null
            ? `It was disposed of at ${disposedAt.toISOString()}, and is left out.`
            : withheld !== null
              ? `It is left out: ${withheld}`
              : 'Byte for byte as it was kept.',
      ),
      props: props({ 'evidence-id': evidenceId, sha256, size, 'received-at': receivedAt.toISOString() }),
      rlinks:
        path === null
          ? []
          : [
              element({
                href: `../${path.slice('data/'.length)}`,
                'media-type': oscalString(mediaType) || undefined,
                hashes: [{ algorithm: 'SHA-256', value: sha256 }],
              }),
            ],
    });
  }
}
