import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';

export interface ReportOptions {
  /** Findings in the report; each becomes one result. */
  rows: number;
  /** Of every so many findings one has another severity than in the report without this. */
  changedOneIn?: number;
  compressed?: boolean;
}

export interface WrittenReport {
  path: string;
  /** As sent. */
  bytes: number;
  contentEncoding: 'zstd' | null;
}

/**
 * A cluster of workloads with 75 vulnerabilities and 15 failed checks each, spread over 40 namespaces. 2,000 advisories recur across the images, as
 * they do where many images have a common base.
 */
const VULNERABILITIES = 75;
const MISCONFIGURATIONS = 15;
const PER_WORKLOAD = VULNERABILITIES + MISCONFIGURATIONS;
const NAMESPACES = 40;
const ADVISORIES = 2_000;

/**
 * Writes what `trivy k8s --report all --format json` writes (the fields of Trivy 0.58's `Resources`), without indentation, streamed. A vulnerability has 1.7 kB
 * and a misconfiguration 2.0 kB; of two reports of real clusters the means are 1.8 and 2.1 kB. Indented as Trivy does it, 100,000 findings would be
 * 1.6 times as large and beyond the 256 MiB that a report may hold. It says no CreatedAt, so that the same bytes can be posted as of another instant.
 */
export async function writeReport(path: string, options: ReportOptions): Promise<WrittenReport> {
  const text = Readable.from(reportText(options), { objectMode: false });
  if (options.compressed === true) await pipeline(text, createZstdCompress(), createWriteStream(path));
  else await pipeline(text, createWriteStream(path));
  return { path, bytes: (await stat(path)).size, contentEncoding: options.compressed === true ? 'zstd' : null };
}

function* reportText({ rows, changedOneIn = 0 }: ReportOptions): Generator<Buffer> {
  yield Buffer.from('{"ClusterName":"clinic-production","Resources":[');
  for (let first = 0; first < rows; first += PER_WORKLOAD) {
    const count = Math.min(PER_WORKLOAD, rows - first);
    yield Buffer.from(`${first === 0 ? '' : ',\n'}${JSON.stringify(workload(first, count, changedOneIn))}`);
  }
  yield Buffer.from(']}\n');
}

function workload(first: number, count: number, changedOneIn: number): object {
  const number = first / PER_WORKLOAD;
  const name = `${word(number * 7)}-${word(number * 11 + 3)}-${number}`;
  const image = `registry.clinic.example/emr/${name}:1.${number % 40}.${number % 7} (debian 12.8)`;
  const severity = (finding: number, own: string): string =>
    changedOneIn > 0 && (first + finding) % changedOneIn === 0 ? 'CRITICAL' : own;
  const vulnerabilities = Math.min(count, VULNERABILITIES);
  return {
    Namespace: `${word((number % NAMESPACES) * 5)}-${number % NAMESPACES}`,
    Kind: 'Deployment',
    Name: name,
    Metadata: [
      {
        OS: { Family: 'debian', Name: '12.8' },
        ImageID: digest(number),
        DiffIDs: [digest(number + 1), digest(number + 2)],
        RepoTags: [image],
      },
    ],
    Results: [
      {
        Target: image,
        Class: 'os-pkgs',
        Type: 'debian',
        Vulnerabilities: from(vulnerabilities, (index) => vulnerability(number, index, severity)),
      },
      {
        Target: `Deployment/${name}`,
        Class: 'config',
        Type: 'kubernetes',
        MisconfSummary: { Successes: 151 - MISCONFIGURATIONS, Failures: count - vulnerabilities },
        Misconfigurations: from(count - vulnerabilities, (index) =>
          misconfiguration(name, index, severity(vulnerabilities + index, index % 3 === 0 ? 'HIGH' : 'MEDIUM')),
        ),
      },
    ],
  };
}

type SeverityOf = (finding: number, own: string) => string;

function vulnerability(workloadNumber: number, index: number, severity: SeverityOf): object {
  // Neighbours of one image are different advisories: 75 in a row of the 2,000.
  const advisory = (workloadNumber * 13 + index) % ADVISORIES;
  const id = `CVE-${2016 + (advisory % 9)}-${10_000 + advisory}`;
  const packageName = `lib${word(advisory)}${advisory % 4}`;
  const installed = `${1 + (advisory % 5)}.${advisory % 30}.${advisory % 9}-${advisory % 6}+deb12u${advisory % 4}`;
  return {
    VulnerabilityID: id,
    PkgID: `${packageName}@${installed}`,
    PkgName: packageName,
    PkgIdentifier: {
      PURL: `pkg:deb/debian/${packageName}@${encodeURIComponent(installed)}?arch=amd64&distro=debian-12.8`,
      UID: digest(advisory).slice(7, 23),
    },
    InstalledVersion: installed,
    ...(advisory % 3 === 0 ? { FixedVersion: `${installed}.1`, Status: 'fixed' } : { Status: 'affected' }),
    Layer: { Digest: digest(workloadNumber), DiffID: digest(workloadNumber + 1) },
    SeveritySource: 'debian',
    PrimaryURL: `https://avd.aquasec.com/nvd/${id.toLowerCase()}`,
    DataSource: {
      ID: 'debian',
      Name: 'Debian Security Tracker',
      URL: 'https://salsa.debian.org/security-tracker-team/security-tracker',
    },
    Title: `${packageName}: ${sentence(advisory, 9)}`,
    Description: sentence(advisory + 1, 45),
    Severity: severity(index, ['LOW', 'MEDIUM', 'HIGH'][advisory % 3] ?? 'LOW'),
    CweIDs: [`CWE-${100 + (advisory % 800)}`],
    VendorSeverity: { debian: 1, nvd: 1 + (advisory % 4) },
    CVSS: {
      nvd: { V3Vector: 'CVSS:3.1/AV:L/AC:L/PR:H/UI:N/S:C/C:L/I:L/A:L', V3Score: 5.7 },
      redhat: { V3Vector: 'CVSS:3.1/AV:L/AC:L/PR:H/UI:N/S:C/C:L/I:L/A:L', V3Score: 5.7 },
    },
    References: [
      `https://access.redhat.com/security/cve/${id}`,
      `https://bugs.launchpad.net/bugs/${1_000_000 + advisory}`,
      `https://cve.mitre.org/cgi-bin/cvename.cgi?name=${id}`,
      `https://nvd.nist.gov/vuln/detail/${id}`,
      `https://ubuntu.com/security/notices/USN-${4_000 + advisory}-1`,
      `https://www.debian.org/security/2020/dsa-${2_000 + advisory}`,
    ],
    PublishedDate: '2023-12-10T04:15:00Z',
    LastModifiedDate: '2024-01-08T12:15:00Z',
  };
}

function misconfiguration(name: string, index: number, severity: string): object {
  const check = `KSV${String(1 + index).padStart(3, '0')}`;
  const lines = from(8, (line) => ({
    Number: 20 + line,
    Content: `        ${sentence(index + line, 4)}`,
    IsCause: true,
    Annotation: '',
    Truncated: false,
    FirstCause: line === 0,
    LastCause: line === 7,
  }));
  return {
    Type: 'Kubernetes Security Check',
    ID: check,
    AVDID: `AVD-KSV-${String(1 + index).padStart(4, '0')}`,
    Title: sentence(index, 6),
    Description: sentence(index + 1, 16),
    Message: `Container '${name}' of Deployment '${name}' should set 'securityContext.${word(index)}' to ${word(index + 1)}`,
    Namespace: `builtin.kubernetes.${check}`,
    Query: `data.builtin.kubernetes.${check}.deny`,
    Resolution: sentence(index + 2, 10),
    Severity: severity,
    PrimaryURL: `https://avd.aquasec.com/misconfig/${check.toLowerCase()}`,
    References: [
      'https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted',
      `https://avd.aquasec.com/misconfig/${check.toLowerCase()}`,
    ],
    Status: 'FAIL',
    Layer: {},
    CauseMetadata: { Provider: 'Kubernetes', Service: 'general', StartLine: 20, EndLine: 27, Code: { Lines: lines } },
  };
}

const SYLLABLES = 'an ber con der el fi gra ho in jo ker lo mem net or pro qui re sec tor un ver wi xen yo za'.split(
  ' ',
);

/** Some 8,000 pseudo-words, as often as the hash has it: so the text compresses about as prose does. */
function word(index: number): string {
  const hash = mix(index);
  return from(1 + (hash % 3), (part) => SYLLABLES[(hash >>> (5 + 7 * part)) % SYLLABLES.length] ?? '').join('');
}

const sentence = (seed: number, words: number): string =>
  from(words, (index) => word(Math.imul(seed, 1_000) + index)).join(' ');

/** Bits of Knuth's multiplicative hash, with the high ones, which are the mixed ones, brought down. */
function mix(index: number): number {
  const product = Math.imul(index + 1, 2_654_435_761) >>> 0;
  return (product ^ (product >>> 15)) >>> 0;
}

const digest = (seed: number): string =>
  `sha256:${from(8, (part) =>
    mix(seed * 8 + part)
      .toString(16)
      .padStart(8, '0'),
  ).join('')}`;

const from = <T>(length: number, make: (index: number) => T): T[] => Array.from({ length }, (_, index) => make(index));
