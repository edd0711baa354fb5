import type { Declared, Target } from '../report.js';
import { ReportFault } from '../report.js';

/** How images, packages and places are named where a report is about an artifact: by inventories, signatures and attestations. */
export interface Image {
  /** Registry and path, without tag and digest. */
  repository: string;
  /** `sha256:…` of its manifest. */
  digest: string;
}

export const isImageDigest = (text: string): boolean => /^sha256:[0-9a-f]{64}$/.test(text);

/** A reference to an image without its tag and digest; a colon before the last slash is of a port. */
export const repositoryOf = (reference: string): string => reference.replace(/@.*$/s, '').replace(/:[^/:]*$/, '');

export const imageName = ({ repository, digest }: Image): string => `${repository}@${digest}`;

/** The image of `pkg:oci/name@sha256:…?repository_url=…` (and of `pkg:docker/…`); null of any other. */
export function imageOfPurl(purl: string): Image | null {
  const match = /^pkg:(?:oci|docker)\/([^@?#]+)@([^?#]+)(?:\?([^#]*))?/.exec(purl);
  const digest = decoded(match?.[2] ?? '');
  if (!match || !isImageDigest(digest)) return null;
  const repository = new URLSearchParams(match[3]).get('repository_url') ?? decoded(match[1] ?? '');
  return repository === '' ? null : { repository: repositoryOf(repository), digest };
}

/** The repository of what looks like a full reference to an image (a registry's host and a path) or is a package URL of one; null of any other name. */
export function repositoryNamed(name: string): string | null {
  const purl = /^pkg:(?:oci|docker)\/([^@?#]+)/.exec(name);
  if (purl) return decoded(purl[1] ?? '') || null;
  const host = /^([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(:\d+)?\/[\w./:@-]+$/i.exec(name);
  const isHost = host?.[2] !== undefined || host?.[1] === 'localhost' || host?.[1]?.includes('.') === true;
  return isHost ? repositoryOf(name) : null;
}

/** The image of a container in an inventory: by its version (Syft), or by the one SHA-256 digest that it gives. Of several digests nobody knows which is the image's. */
export function imageOfContainer(name: string, version: string, sha256: readonly string[]): Image | null {
  const repository = repositoryOf(name);
  const digests = isImageDigest(version) ? [version] : sha256.map((digest) => `sha256:${digest.toLowerCase()}`);
  const [digest, another] = new Set(digests);
  const isOne = digest !== undefined && another === undefined && isImageDigest(digest);
  return repository === '' || !isOne ? null : { repository, digest };
}

/** `repository@sha256:…`; null of what names no digest. */
export function imageOfReference(reference: string): Image | null {
  const at = reference.lastIndexOf('@');
  const digest = reference.slice(at + 1);
  return at > 0 && isImageDigest(digest) ? { repository: repositoryOf(reference), digest } : null;
}

/** Whether the declared name can be of an image of that digest: by its own digest if it has one, else by its repository if that is known. */
export function isSameImage(declared: string, repository: string | null, digest: string): boolean {
  if (declared === digest) return true;
  const at = declared.indexOf('@');
  if (at !== -1) return declared.slice(at + 1) === digest;
  return repository === null || repositoryOf(declared) === repository;
}

/** What an inventory is of: the image that it names by digest, or else what the poster declares. */
export function inventoryTarget(declared: Declared, image: Image | null): Target {
  const [first, second] = declared.targets;
  if (second) throw new ReportFault('target-mismatch', 'The report is about one artifact; declare one.');
  if (image === null) {
    if (first) return first;
    throw new ReportFault(
      'target-unknown',
      'The report names no image by its digest: pass targets=image/NAME or targets=repository/NAME.',
    );
  }
  if (first && !(first.kind === 'image' && isSameImage(first.name, image.repository, image.digest))) {
    throw new ReportFault('target-mismatch', 'The declared target is not the image that the report names.');
  }
  return { kind: 'image', name: imageName(image) };
}

/** A URL, or a package URL that holds some, without user and password. */
export function withoutCredentials(url: string): string {
  return url.replace(/((?::|%3A)(?:\/|%2F){2})(?:(?!%2F)[^/?#&])*(?:@|%40)/gi, '$1');
}

/** Percent-decoded; as it is where that fails. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
