import { described, MalformedError } from './objects.js';

/**
 * Image references, normalised as containerd and the registries do (github.com/distribution/reference, normalize.go and regexp.go): `nginx` is
 * `docker.io/library/nginx:latest`. An empty string stands for a part that is not there.
 */
export interface Image {
  readonly registry: string;
  readonly repository: string;
  /** As written, also beside a digest (the digest is then what is pulled); `latest` where neither is given. */
  readonly tag: string;
  readonly digest: string;
}

const DOCKER_HUB = 'docker.io';
/** What Docker Hub was called in the first version of its protocol. */
const LEGACY_DOCKER_HUB = 'index.docker.io';

/** Longer than any valid reference: a name of 255, a tag of 128, a digest of sha512. */
const MAX_LENGTH = 1024;
const MAX_NAME = 255;

const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const REGISTRY = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const REPOSITORY_PART = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
/** The algorithms that registries know, and the length of what they give. */
const DIGEST = /^(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})$/;
/** The id of a local image, which names no repository. */
const IDENTIFIER = /^[a-f0-9]{64}$/;

/** @throws MalformedError for what a registry's client refuses */
export function parseImage(reference: unknown): Image {
  const refuse = (why: string): never => {
    throw new MalformedError(`${described(reference)} is not an image reference: ${why}`);
  };
  if (typeof reference !== 'string' || reference === '') return refuse('it is no text');
  if (reference.length > MAX_LENGTH) return refuse('it is too long');
  if (IDENTIFIER.test(reference)) return refuse('it is the id of a local image');

  const at = reference.indexOf('@');
  const digest = at < 0 ? '' : reference.slice(at + 1);
  if (at >= 0 && !DIGEST.test(digest)) return refuse('its digest is of no known form');

  const tagged = at < 0 ? reference : reference.slice(0, at);
  const colon = tagged.indexOf(':', tagged.lastIndexOf('/') + 1);
  const tag = colon < 0 ? '' : tagged.slice(colon + 1);
  if (colon >= 0 && !TAG.test(tag)) return refuse('its tag is malformed');

  const { registry, repository } = splitName(colon < 0 ? tagged : tagged.slice(0, colon));
  if (!REGISTRY.test(registry)) return refuse('its registry is malformed');
  if (!repository.split('/').every((part) => REPOSITORY_PART.test(part))) return refuse('its repository is malformed');
  if (`${registry}/${repository}`.length > MAX_NAME) return refuse('its name is too long');
  return { registry, repository, tag: tag === '' && digest === '' ? 'latest' : tag, digest };
}

/** The first part is a registry if it has a dot, a port or a capital, or is `localhost`; all else is on Docker Hub. */
function splitName(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isRegistry = first === 'localhost' || /[.:]/.test(first) || first !== first.toLowerCase();
  let registry = isRegistry ? first : DOCKER_HUB;
  let repository = isRegistry ? name.slice(slash + 1) : name;
  if (registry === LEGACY_DOCKER_HUB) registry = DOCKER_HUB;
  if (registry === DOCKER_HUB && !repository.includes('/')) repository = `library/${repository}`;
  return { registry, repository };
}
