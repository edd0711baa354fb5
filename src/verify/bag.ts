import { createHash } from 'node:crypto';
import { Fault } from './fault.js';
import type { PackageFiles } from './package-files.js';
import { readFile, textOf } from './read.js';

/*
 * BagIt 1.0 (RFC 8493) as packages are written: payload and tag files by SHA-256 and by SHA-512, every file in both. What the RFC leaves open, and a package does
 * not use (other algorithms, escaped names, fetch.txt), is a fault here.
 */

const ALGORITHMS = ['sha256', 'sha512'] as const;
type Algorithm = (typeof ALGORITHMS)[number];
const HEX_LENGTH: Readonly<Record<Algorithm, number>> = { sha256: 64, sha512: 128 };

const DECLARATION = 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n';

/** Section 2.1.1 */
export async function checkDeclaration(files: PackageFiles): Promise<void> {
  if ((await readFile(files, 'bag/bagit.txt', 1_000)).toString('latin1') !== DECLARATION) {
    throw new Fault('bag/bagit.txt is not the declaration of BagIt 1.0');
  }
}

export interface Hashed {
  /** Lower-case hex. */
  sha256: string;
  size: number;
}

/** Section 2.1.3: every payload file, by its path in the bag (`data/index.json`), has the digests of both manifests, and nothing else lies there. */
export async function checkPayload(files: PackageFiles): Promise<ReadonlyMap<string, Hashed>> {
  return checkListed(files, 'manifest', (path) => path.startsWith('data/'));
}

/** Section 2.2.1: the same of what is in the bag and no payload, but for the tag manifests, which are what is signed. */
export async function checkTagFiles(files: PackageFiles): Promise<ReadonlyMap<string, Hashed>> {
  return checkListed(files, 'tagmanifest', (path) => !path.startsWith('data/') && !TAG_MANIFESTS.has(path));
}

const TAG_MANIFESTS: ReadonlySet<string> = new Set(ALGORITHMS.map((algorithm) => `tagmanifest-${algorithm}.txt`));

/** Section 2.2.2: what the bag says of itself. */
export async function readBagInfo(files: PackageFiles, payload: ReadonlyMap<string, Hashed>): Promise<BagInfo> {
  const text = textOf(await readFile(files, BAG_INFO, 1_000_000), BAG_INFO);
  const octets = [...payload.values()].reduce((sum, { size }) => sum + size, 0);
  if (labelIn(text, 'Payload-Oxum') !== `${octets}.${payload.size}`) {
    throw new Fault(`${BAG_INFO}: Payload-Oxum is not the size and the number of the payload files`);
  }
  return { externalIdentifier: labelIn(text, 'External-Identifier') };
}
const BAG_INFO = 'bag/bag-info.txt';

export interface BagInfo {
  externalIdentifier: string | undefined;
}

/** The only value of a label of bag-info.txt; undefined where it has none. */
function labelIn(info: string, label: string): string | undefined {
  const values = info
    .split('\n')
    .flatMap((line) => (line.startsWith(`${label}: `) ? [line.slice(label.length + 2)] : []));
  if (values.length > 1) throw new Fault(`${BAG_INFO} says ${label} twice`);
  return values[0];
}

async function checkListed(
  files: PackageFiles,
  prefix: 'manifest' | 'tagmanifest',
  isListed: (path: string) => boolean,
): Promise<ReadonlyMap<string, Hashed>> {
  const manifests = new Map<Algorithm, Map<string, string>>();
  for (const algorithm of ALGORITHMS)
    manifests.set(algorithm, await readManifest(files, `${prefix}-${algorithm}.txt`, algorithm));
  const there = [...files.sizes.keys()].flatMap((path) => {
    const inBag = path.startsWith('bag/') ? path.slice('bag/'.length) : null;
    return inBag !== null && isListed(inBag) ? [inBag] : [];
  });
  for (const [algorithm, listed] of manifests) {
    const name = `bag/${prefix}-${algorithm}.txt`;
    const unlisted = there.find((path) => !listed.has(path));
    if (unlisted !== undefined) throw new Fault(`bag/${unlisted} is not listed in ${name}`);
    for (const path of listed.keys()) {
      if (!isListed(path)) throw new Fault(`${name} lists ${JSON.stringify(path)}, which does not belong there`);
      if (!files.sizes.has(`bag/${path}`)) throw new Fault(`bag/${path}, which ${name} lists, is not there`);
    }
  }
  const hashed = new Map<string, Hashed>();
  for (const path of there) {
    const digests = await digestsOf(files, `bag/${path}`);
    for (const [algorithm, listed] of manifests) {
      if (digests[algorithm] !== listed.get(path)) {
        throw new Fault(`bag/${path} has another ${algorithm} digest than in bag/${prefix}-${algorithm}.txt`);
      }
    }
    hashed.set(path, { sha256: digests.sha256, size: digests.size });
  }
  return hashed;
}

/** Digests by path. */
async function readManifest(files: PackageFiles, name: string, algorithm: Algorithm): Promise<Map<string, string>> {
  const path = `bag/${name}`;
  const text = textOf(await readFile(files, path), path);
  if (text !== '' && !text.endsWith('\n')) throw new Fault(`${path} ends within a line`);
  const listed = new Map<string, string>();
  for (const line of text.split('\n').slice(0, -1)) {
    const digest = line.slice(0, HEX_LENGTH[algorithm]);
    const file = line.slice(HEX_LENGTH[algorithm] + 2);
    if (!/^[0-9a-f]+$/.test(digest) || line.slice(HEX_LENGTH[algorithm]) !== `  ${file}` || file === '') {
      throw new Fault(`${path} has a line that is no digest and path: ${JSON.stringify(line.slice(0, 100))}`);
    }
    if (listed.has(file)) throw new Fault(`${path} lists ${JSON.stringify(file)} twice`);
    listed.set(file, digest);
  }
  return listed;
}

async function digestsOf(files: PackageFiles, path: string): Promise<Record<Algorithm, string> & { size: number }> {
  const [sha256, sha512] = [createHash('sha256'), createHash('sha512')];
  let size = 0;
  for await (const chunk of files.open(path)) {
    sha256.update(chunk);
    sha512.update(chunk);
    size += chunk.length;
  }
  return { sha256: sha256.digest('hex'), sha512: sha512.digest('hex'), size };
}
