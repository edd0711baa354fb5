import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PackageFacts } from '../../src/packages/contents.js';
import { controlId, oscalUuid } from '../../src/packages/oscal/ids.js';
import { markupLine, oscalString } from '../../src/packages/oscal/text.js';
import { catalog, contentSha256, DAMAGED, facts, factsOfSystem, HOSTILE, REPORT, rows } from './facts.js';
import { oscalOf, type Node } from './read-oscal.js';

/** Every object of a document, whatever it is in. */
function* nodes(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const item of value) yield* nodes(item);
  else if (typeof value === 'object' && value !== null) {
    yield value as Node;
    for (const member of Object.values(value)) yield* nodes(member);
  }
}

const valuesOf = (document: Node, name: string): string[] =>
  [...nodes(document)].flatMap((node) => (typeof node[name] === 'string' ? [node[name]] : []));

const PACKAGES = [
  ['an organisation', facts],
  ['a system', factsOfSystem],
] as const;

describe.each(PACKAGES)('the OSCAL documents of %s', (_name, of) => {
  it('do they give every UUID once, of version 5, and none of ours?', async () => {
    for (const [path, document] of await oscalOf(of, rows)) {
      const uuids = valuesOf(document, 'uuid');
      expect(uuids.length, path).toBeGreaterThan(0);
      expect(new Set(uuids).size, path).toBe(uuids.length);
      for (const uuid of uuids)
        expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(JSON.stringify(document), path).not.toContain(of.id);
      expect(JSON.stringify(document), path).not.toContain(of.requestedAt.toISOString().slice(0, 10));
    }
  });

  it('does every reference lead to something?', async () => {
    const documents = await oscalOf(of, rows);
    const paths = new Set([
      ...documents.keys(),
      'index.json',
      ...of.records.types.map(({ type }) => `records/${type}.json`),
      ...of.evidence.flatMap(({ path }) => (path === null ? [] : [path.slice('data/'.length)])),
    ]);
    let followed = 0;
    for (const [path, document] of documents) {
      const own = new Set(valuesOf(document, 'uuid'));
      // What a plan says, its results may speak of.
      const plan = documents.get('oscal/assessment-plan.json')!;
      const known = new Set([...own, ...(path === 'oscal/assessment-results.json' ? valuesOf(plan, 'uuid') : [])]);
      const references = [
        'subject-uuid',
        'actor-uuid',
        'observation-uuid',
        'finding-uuid',
        'risk-uuid',
        'activity-uuid',
        'component-uuid',
      ];
      for (const uuid of references.flatMap((name) => valuesOf(document, name))) {
        expect(known, `${path} ${uuid}`).toContain(uuid);
        followed++;
      }
      for (const href of [...valuesOf(document, 'href'), ...valuesOf(document, 'source')]) {
        if (href.startsWith('https://')) continue;
        if (href.startsWith('#')) expect(own, `${path} ${href}`).toContain(href.slice(1));
        else expect(paths, `${path} ${href}`).toContain(posix.join('oscal', href));
        followed++;
      }
    }
    expect(followed).toBeGreaterThan(500);
  });

  it('is every control, statement and objective that is named in the catalogue?', async () => {
    const documents = await oscalOf(of, rows);
    const ids = new Set(valuesOf(documents.get('oscal/catalog.json')!, 'id'));
    for (const { id } of catalog.controls) expect(ids).toContain(controlId(id));
    for (const [path, document] of documents) {
      if (path === 'oscal/catalog.json') continue;
      const named = [
        ...valuesOf(document, 'control-id'),
        ...valuesOf(document, 'target-id'),
        ...[...nodes(document)].flatMap((node) => (node['with-ids'] as string[] | undefined) ?? []),
        ...[...nodes(document)].flatMap((node) =>
          ((node['sources'] as Node[] | undefined) ?? []).map((one) => one['id-ref'] as string),
        ),
      ];
      if (path !== 'oscal/poam.json') expect(named.length, path).toBeGreaterThan(0);
      for (const id of named) expect(ids, path).toContain(id);
    }
  });
});

describe('the OSCAL documents', () => {
  const results = async (of: PackageFacts): Promise<{ observations: Node[]; findings: Node[] }[]> => {
    const document = (await oscalOf(of, rows)).get('oscal/assessment-results.json') as {
      'assessment-results': { results: { observations: Node[]; findings: Node[] }[] };
    };
    return document['assessment-results'].results;
  };

  it('has an organisation a result, and each of its systems one?', async () => {
    expect(await results(facts)).toHaveLength(3);
    expect(await results(factsOfSystem)).toHaveLength(1);
  });

  it('is satisfied only what is evidenced, and nothing said of what is judged through others?', async () => {
    const of = factsOfSystem.posture.controls;
    const [result] = await results(factsOfSystem);
    const states = new Map(
      result!.findings.map(({ target }) => {
        const { status, ['target-id']: id } = target as { status: { state: string }; 'target-id': string };
        return [id, status.state];
      }),
    );
    for (const { id, status } of of) {
      const state = status === 'evidenced' ? 'satisfied' : 'not-satisfied';
      expect(states.get(`${controlId(id)}_obj`), id).toBe(status === 'not_applicable' ? undefined : state);
    }
  });

  it('does an observation lead to its evidence with the digest, and to none where it is not there?', async () => {
    const document = (await oscalOf(factsOfSystem, rows)).get('oscal/assessment-results.json')!;
    const resources = new Map(
      [...nodes(document)].filter((node) => typeof node['uuid'] === 'string').map((node) => [node['uuid'], node]),
    );
    const hrefs = [...nodes(document)].flatMap((node) =>
      ((node['relevant-evidence'] as { href?: string }[] | undefined) ?? []).map(({ href }) => href),
    );
    const [report, damaged] = [REPORT, DAMAGED].map((id) => oscalUuid('evidence', id));
    expect(hrefs).toContain(`#${report}`);
    expect(hrefs).toContain(`#${damaged}`);
    expect(resources.get(report)).toMatchObject({
      rlinks: [
        { href: `../evidence/${REPORT}/content.json`, hashes: [{ algorithm: 'SHA-256', value: contentSha256 }] },
      ],
    });
    expect(resources.get(damaged)).not.toHaveProperty('rlinks');
  });

  it('is the tool an actor whose checks a report speaks of, whatever its format is called?', async () => {
    const { practices } = factsOfSystem.posture;
    const posture = {
      ...factsOfSystem.posture,
      practices: practices.map((practice) => ({
        ...practice,
        evidence: (practice.evidence ?? []).map((item) => ({ ...item, source: 'policy-report/kyverno' })),
      })),
    };
    const documents = await oscalOf({ ...factsOfSystem, posture }, rows);
    const actors = valuesOf(documents.get('oscal/assessment-results.json')!, 'actor-uuid');
    expect(actors).toContain(oscalUuid('tool', 'kyverno'));
    expect(actors).not.toContain(oscalUuid('tool', 'trivy'));
  });

  it('is an item of the plan of action what is open, and what was accepted a deviation while it is?', async () => {
    const { 'plan-of-action-and-milestones': plan } = (await oscalOf(facts, rows)).get('oscal/poam.json') as {
      'plan-of-action-and-milestones': { risks: { status: string }[]; 'poam-items': Node[]; findings: Node[] };
    };
    expect(plan.risks.map(({ status }) => status)).toEqual([
      ...['open', 'open', 'closed', 'deviation-approved', 'open'],
      ...['deviation-approved', 'open'],
    ]);
    const open = facts.posture.controls.filter(({ status }) => !/evidenced|excepted|not_applicable/.test(status));
    expect(plan.findings).toHaveLength(open.length);
    expect(plan['poam-items']).toHaveLength(open.length + 3);
  });

  it('has a plan of action an item that says so where nothing is open?', async () => {
    const posture = {
      ...facts.posture,
      controls: facts.posture.controls.map((control) => ({ ...control, status: 'evidenced' })),
    };
    const nothing = { ...rows, register: async function* () {} };
    const document = (await oscalOf({ ...facts, posture, systemPostures: [] }, nothing)).get('oscal/poam.json')!;
    expect(document).toMatchObject({
      'plan-of-action-and-milestones': { 'poam-items': [{ title: 'Nothing is open' }] },
    });
    expect(document['plan-of-action-and-milestones']).not.toHaveProperty('risks');
  });

  it('are names and reasons text, never markup?', () => {
    expect(markupLine(HOSTILE)).toBe(
      '\\<script\\>\\*a\\*\\</script\\> \\_b\\_ \\[c\\](d) \\`e\\` \\~f\\^ \\{\\{ insert \\}\\} & \\&amp; \u202e "x"',
    );
    expect(markupLine('image_secret_scan')).toBe('image_secret_scan');
    expect(markupLine(' \n ')).toBe('–');
    expect(['# Head', '- item', '+ item', '---', '1. first', '2) second', '#'].map((text) => markupLine(text))).toEqual(
      [...['\\# Head', '\\- item', '\\+ item', '\\---', '1\\. first', '2\\) second', '\\#']],
    );
    for (const text of ['164.308(a)(1): -1 and #2', '-1', '#2', '1.5 hours', '+49'])
      expect(markupLine(text)).toBe(text);
    expect(oscalString('\u0000')).toBe('');
  });
});
