import type { Format } from '../report.js';
import { ReportFault } from '../report.js';
import { isList } from '../text/lazy-list.js';
import { imageOfContainer, imageOfPurl, inventoryTarget, withoutCredentials, type Image } from './artifacts.js';
import type { Draft, Scope } from './draft.js';
import {
  field,
  fieldsIn,
  fieldsOf,
  has,
  instant,
  isFields,
  list,
  optionalText,
  slug,
  some,
  text,
  texts,
  Unreadable,
  type Fields,
} from './fields.js';
import { assertKinds } from './targets.js';

const SLUG = 'spdx';

/** An inventory of an image or a repository. */
export const spdx: Format = {
  slug: SLUG,
  title: 'SPDX',
  tool: SLUG,
  description:
    'SPDX 2.2 and 2.3 in JSON. Each package is a fact about the image that the document describes by digest, or else about the image or repository that ' +
    'the poster declares; complete for them. Files, texts of licences and names of people are not kept. References to advisories are no ' +
    'findings. SPDX 3 is recognised and refused.',

  yields: ['facts'],
  targets: ['image', 'repository'],

  detect: (document) => isFields(document) && (isSpdx2(document) || isSpdx3(document)),

  read(document, draft) {
    const report = fieldsOf(document);
    if (isSpdx3(report)) {
      throw new ReportFault('malformed-report', 'SPDX 3 is not read: post SPDX 2.3 or CycloneDX, both in JSON.');
    }
    if (!/^SPDX-2\.[23]$/.test(text(report, 'spdxVersion'))) {
      throw new ReportFault('malformed-report', 'Of SPDX the versions 2.2 and 2.3 are known.', {
        pointer: '/spdxVersion',
      });
    }
    const creation = fieldsIn(report, 'creationInfo');
    draft.observedAt = instant(field(creation, 'created'));
    const tool = toolOf(creation);
    draft.toolVersion = tool.version;

    assertKinds(draft.declared, ['image', 'repository'], SLUG);
    const described = describedImage(report);
    const target = inventoryTarget(draft.declared, described?.image ?? null);
    const scope = { target, source: `${SLUG}/${slug(tool.name)}` };
    draft.rows(list(report, 'packages'), '/packages', scope, (row) => {
      // The image itself is listed beside what is in it.
      if (described !== null && field(row, 'SPDXID') === described.id) return;
      draft.cover({ ...scope, extent: 'complete', checks: null, silentPass: [] });
      addPackage(draft, scope, row);
    });
  },
};

const isSpdx2 = (document: Fields): boolean =>
  /^SPDX-2/.test(String(field(document, 'spdxVersion'))) && !has(document, '@graph');

/** JSON-LD: the context says the version. */
function isSpdx3(document: Fields): boolean {
  const context = field(document, '@context');
  const contexts = isList(context) ? context : [context];
  return (
    has(document, '@graph') &&
    some(contexts, (url) => typeof url === 'string' && /^https:\/\/spdx\.(org|github\.io)\/.*\b3\./.test(url))
  );
}

/** Of `Tool: syft-1.50.0`: a version begins with a digit. People and organisations among the creators are passed over. */
function toolOf(creation: Fields): { name: string; version: string | null } {
  for (const creator of texts(creation, 'creators')) {
    const tool = /^Tool: *(\S.*)$/.exec(creator)?.[1];
    if (tool === undefined) continue;
    const parts = /^(.+?)-v?(\d.*)$/.exec(tool);
    return { name: parts?.[1] ?? tool, version: parts?.[2] ?? null };
  }
  return { name: '', version: null };
}

/** The image that the document says to be about, if its package names a digest; null of two of them, for neither is the whole. */
function describedImage(report: Fields): { id: string; image: Image } | null {
  const ids = describedIds(report);
  let found: { id: string; image: Image } | null = null;
  for (const row of list(report, 'packages')) {
    if (!isFields(row)) continue;
    const id = field(row, 'SPDXID');
    if (typeof id !== 'string' || !ids.has(id)) continue;
    const image = imageOf(row);
    if (image === null) continue;
    if (found !== null) return null;
    found = { id, image };
  }
  return found;
}

/** A document is about one thing, or a few. */
const MAX_DESCRIBED = 100;

function describedIds(report: Fields): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const id of list(report, 'documentDescribes')) {
    if (typeof id === 'string' && ids.size < MAX_DESCRIBED) ids.add(id);
  }
  for (const relationship of list(report, 'relationships')) {
    if (!isFields(relationship) || ids.size >= MAX_DESCRIBED) continue;
    const type = field(relationship, 'relationshipType');
    const [from, to] = [field(relationship, 'spdxElementId'), field(relationship, 'relatedSpdxElement')];
    if (type === 'DESCRIBES' && from === DOCUMENT && typeof to === 'string') ids.add(to);
    if (type === 'DESCRIBED_BY' && to === DOCUMENT && typeof from === 'string') ids.add(from);
  }
  return ids;
}

const DOCUMENT = 'SPDXRef-DOCUMENT';

/** By the package URL (Trivy, Syft), or of a container by its version (Syft) or checksum. */
function imageOf(row: Fields): Image | null {
  const named = imageOfPurl(purlOf(row));
  if (named !== null || field(row, 'primaryPackagePurpose') !== 'CONTAINER') return named;
  return imageOfContainer(optionalText(row, 'name'), optionalText(row, 'versionInfo'), sha256Of(row));
}

function sha256Of(row: Fields): string[] {
  const found: string[] = [];
  for (const value of list(row, 'checksums')) {
    const checksum = fieldsOf(value);
    if (field(checksum, 'algorithm') === 'SHA256' && found.length < MAX_DIGESTS)
      found.push(optionalText(checksum, 'checksumValue'));
  }
  return found;
}

/** Two are too many already. */
const MAX_DIGESTS = 10;

/** `PACKAGE-MANAGER`, or `PACKAGE_MANAGER` as 2.2 has it: the type alone tells. */
function purlOf(row: Fields): string {
  for (const value of list(row, 'externalRefs')) {
    const reference = fieldsOf(value);
    if (optionalText(reference, 'referenceType') === 'purl') {
      return withoutCredentials(optionalText(reference, 'referenceLocator'));
    }
  }
  return '';
}

/** Takes the packages of a document that lies within a report of another format, which says what it is about. */
export function addPackages(draft: Draft, scope: Scope, document: Fields, pointer: string): void {
  if (!isSpdx2(document)) throw new Unreadable('', 'must be a document of SPDX 2');
  const id = describedImage(document)?.id;
  draft.rows(list(document, 'packages'), `${pointer}/packages`, scope, (row) => {
    if (id === undefined || field(row, 'SPDXID') !== id) addPackage(draft, scope, row);
  });
}

function addPackage(draft: Draft, scope: Scope, row: Fields): void {
  const name = text(row, 'name');
  const version = optionalText(row, 'versionInfo');
  const purl = purlOf(row);
  draft.fact({
    ...scope,
    kind: 'image-component',
    subject: purl || (version === '' ? name : `${name}@${version}`),
    namespace: null,
    value: {
      name,
      version: version || null,
      type: optionalText(row, 'primaryPackagePurpose').toLowerCase() || null,
      purl: purl || null,
      licenses: licensesOf(row),
    },
  });
}

/** An expression may join the licences of every file. */
const LICENSE_NAME = 200;

function licensesOf(row: Fields): string[] {
  const names = [optionalText(row, 'licenseDeclared'), optionalText(row, 'licenseConcluded')]
    .filter((name) => name !== '' && name !== 'NONE' && name !== 'NOASSERTION')
    .map((name) => name.slice(0, LICENSE_NAME));
  return [...new Set(names)];
}
