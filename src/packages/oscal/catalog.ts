import type { Control } from '../../catalog/catalog.types.js';
import type { PackageFacts } from '../contents.js';
import { each, element, jsonDocument, props, type Element } from './element.js';
import { controlId, objectiveId, oscalUuid, statementId } from './ids.js';
import { CATALOG, referenceMetadata, referenceUuid } from './shared.js';
import { markup, markupLine, markupList } from './text.js';

const LAW = oscalUuid('resource', '45-cfr-164');

const FAMILIES: Readonly<Record<Control['family'], string>> = {
  general: 'General rules (45 CFR 164.306)',
  administrative: 'Administrative safeguards (45 CFR 164.308)',
  physical: 'Physical safeguards (45 CFR 164.310)',
  technical: 'Technical safeguards (45 CFR 164.312)',
  organizational: 'Organizational requirements (45 CFR 164.314)',
  policies: 'Policies and procedures and documentation requirements (45 CFR 164.316)',
  breach_notification: 'Notification in the case of breach (45 CFR 164, subpart D)',
  privacy: 'Privacy of individually identifiable health information (45 CFR 164, subpart E)',
};

/** The paragraphs of 45 CFR 164 as an OSCAL catalogue, specifications inside of their standards. What only an overlay has says so. */
export function catalogDocument(facts: PackageFacts): AsyncIterable<Uint8Array> {
  const children = new Map<string | null, Control[]>();
  const ids = new Set(facts.controls.map(({ id }) => id));
  for (const control of facts.controls) {
    const parent = control.parent !== null && ids.has(control.parent) ? control.parent : null;
    children.set(parent, [...(children.get(parent) ?? []), control]);
  }
  const controlOf = (control: Control): Element =>
    element({
      id: controlId(control.id),
      class: control.type,
      title: markupLine(control.title),
      props: [
        { name: 'label', value: control.id },
        ...control.aliases.map((alias) => ({ name: 'alt-identifier', value: alias })),
        ...props({
          citation: control.citation,
          required: control.required,
          needs: control.needs,
          scanners: control.scanners,
          overlay: control.overlay,
        }),
      ],
      links: control.overlay === null ? [{ href: `#${LAW}`, rel: 'reference' }] : [],
      parts: partsOf(control),
      controls: (children.get(control.id) ?? []).map(controlOf),
    });
  const roots = children.get(null) ?? [];
  const groups = (Object.keys(FAMILIES) as Control['family'][]).flatMap((family) => {
    const controls = roots.filter((control) => control.family === family);
    return controls.length === 0
      ? []
      : [{ id: `hipaa-${family}`, class: 'family', title: FAMILIES[family], controls: controls.map(controlOf) }];
  });
  return jsonDocument('catalog', {
    head: {
      uuid: referenceUuid('catalog', facts),
      metadata: referenceMetadata('HIPAA Security Rule and what stands beside it: 45 CFR Part 164', facts),
      groups,
    },
    resources: each([
      {
        uuid: LAW,
        title: '45 CFR Part 164',
        description: markup(
          `${facts.rules.lawText.source}, as of ${facts.rules.lawText.snapshot}; last amended by ${facts.rules.lawText.last_amended}.`,
          'The summaries are the words of this catalogue, not those of the law.',
        ),
        rlinks: [{ href: 'https://www.ecfr.gov/current/title-45/subtitle-A/subchapter-C/part-164' }],
      },
    ]),
  });
}

function partsOf(control: Control): Element[] {
  const { id, summary, note, needs, needsWhy, records, auditorAsks } = control;
  const guidance = [note, needsWhy].filter((text) => text !== null);
  const asked = records.map(({ what }) => what);
  return [
    { id: statementId(id), name: 'statement', prose: markup(summary) },
    ...(guidance.length === 0 ? [] : [{ id: `${controlId(id)}_gdn`, name: 'guidance', prose: markup(...guidance) }]),
    {
      id: objectiveId(id),
      name: 'assessment-objective',
      prose: markup(
        needs === 'nothing'
          ? 'Judged through other items; no evidence of its own is asked for.'
          : 'Evidence shows that the requirement is met: a document, policy or record of people, and whatever its practices ask for beside it.',
        ...asked,
      ),
    },
    ...(auditorAsks.length === 0
      ? []
      : [
          {
            id: `${controlId(id)}_asm-examine`,
            name: 'assessment-method',
            props: [{ name: 'method', ns: 'http://csrc.nist.gov/ns/rmf', value: 'EXAMINE' }],
            parts: [{ name: 'assessment-objects', prose: markupList(auditorAsks) }],
          },
        ]),
  ];
}

/** What of the catalogue the posture judges. */
export function profileDocument(facts: PackageFacts): AsyncIterable<Uint8Array> {
  return jsonDocument('profile', {
    head: {
      uuid: referenceUuid('profile', facts),
      metadata: referenceMetadata('What Safeguard judges of 45 CFR Part 164', facts),
      imports: [
        {
          href: CATALOG,
          'include-controls': [{ 'with-ids': facts.posture.controls.map(({ id }) => controlId(id)) }],
        },
      ],
      merge: { 'as-is': true },
    },
  });
}
