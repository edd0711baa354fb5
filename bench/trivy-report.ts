import { from, hex, sentence, word } from './words.js';

/**
 * A cluster of workloads with 75 vulnerabilities and 15 failed checks each, spread over 40 namespaces. 2,000 advisories recur across the images, as
 * they do where many images have a common base.
 */
const VULNERABILITIES = 75;
const MISCONFIGURATIONS = 15;
const NAMESPACES = 40;
const ADVISORIES = 2_000;

type IsChanged = (finding: number) => boolean;

/**
 * What `trivy k8s --report all --format json` writes (the fields of Trivy 0.58's `Resources`), without indentation. A vulnerability has 1.7 kB
 * and a misconfiguration 2.0 kB; of two reports of real clusters the means are 1.8 and 2.1 kB. Indented as Trivy does it, 100,000 findings would be
 * 1.6 times as large and beyond the 256 MiB that a report may hold. It says no CreatedAt.
 */
export const trivyReport = {
  head: '{"ClusterName":"clinic-production","Resources":[',
  tail: ']}\n',
  perWorkload: VULNERABILITIES + MISCONFIGURATIONS,
  workload: (number: number, findings: number, isChanged: IsChanged): string =>
    JSON.stringify(workload(number, findings, isChanged)),
} as const;

function workload(number: number, findings: number, isChanged: IsChanged): object {
  const name = `${word(number * 7)}-${word(number * 11 + 3)}-${number}`;
  const image = `registry.clinic.example/emr/${name}:1.${number % 40}.${number % 7} (debian 12.8)`;
  const severity = (finding: number, own: string): string => (isChanged(finding) ? 'CRITICAL' : own);
  const vulnerabilities = Math.min(findings, VULNERABILITIES);
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
        MisconfSummary: { Successes: 151 - MISCONFIGURATIONS, Failures: findings - vulnerabilities },
        Misconfigurations: from(findings - vulnerabilities, (index) =>
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

const digest = (seed: number): string => `sha256:${hex(seed)}`;
