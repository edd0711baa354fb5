import type { PackageFacts } from './contents.js';

/** VERIFY.md: what is missing first, then how to check the rest with tools that others wrote. */
export function verifyText(facts: PackageFacts): string {
  const { id, scope, asOf, knownAt, faults, catalog } = facts;
  const subject = scope.systemId === null ? 'all systems in scope of the organisation' : `system ${scope.systemId}`;
  return `# Evidence package ${id}

${faults.length === 0 ? wholeText(facts) : faultsText(facts)}

It says what was so of ${subject} at ${asOf.toISOString()}, as it was known at ${knownAt.toISOString()}, judged by
catalogue ${catalog.version} (${catalog.digest}). It says what is evidenced. It does not say that anybody complies with the law.

## This package is not signed

The checks below show that the files are complete and unchanged since the manifests were written. They do not show who
wrote them. Until packages are signed, compare the SHA-256 of the ZIP with the one that the service shows for this
package (GET .../packages/${id}), over a way you trust:

    sha256sum safeguard-package-${id}.zip

## Check it

With coreutils, in the folder of this file (every line says OK, or nothing is said with --quiet):

    cd bag
    sha256sum -c --quiet manifest-sha256.txt tagmanifest-sha256.txt
    sha512sum -c --quiet manifest-sha512.txt tagmanifest-sha512.txt

With the validator of the Library of Congress, which also finds files that no manifest lists (1.9 or later: earlier ones
do not look at the tag manifests of BagIt 1.0):

    pip install 'bagit>=1.9'
    bagit.py --validate bag

## What is where (bag/data/)

| file | content |
|---|---|
| index.json | what the package is, what could not be read (\`faults\`), counts, and each evidence with path, digest, size and the scans that it is the report of |
| posture/posture.json | every control and practice with its status, the reason, and what is behind it |
| posture/controls.csv, posture/practices.csv | the same as tables |
| posture/systems/<id>.json | in a package about an organisation: the posture of each of its systems, with what is behind it |
| citations.json, citations.csv | by paragraph: the policies in effect that name it or one above it, the records that it and practices for it ask for (how many, and where), other records that name it |
| controls.json | the paragraphs of 45 CFR 164 with status, reason, and what auditors ask for |
| records/<type>.json, .csv | the records in effect of each type, of the whole organisation and of the systems in scope, with fields, links, documents and dates. One that has expired is in effect until another version stands over it; \`expiresAt\` says so. \`disposed\`: what it said was removed by a disposal. In the tables a list has a semicolon between its entries, and what has members is JSON |
| registers/agreements.json, .csv | vendors with their agreements, and what is so of them |
| registers/keys.json, .csv | keys and secrets of each system by what records and reports say, with why they are not as they should be |
| registers/risks.json, .csv | risks with level (by the matrix of their analysis), treatment and how far it is |
| registers/exceptions.json, .csv | exceptions, what they cover and until when; what they cover goes on failing in results.csv |
| registers/decisions.json, .csv | decisions on addressable specifications. \`inForce\`: it counts for the status of its paragraph |
| results.csv | every check result that was in effect; \`scan_id\` and \`evidence_id\` lead to the report that states it |
| coverage.jsonl | what the posture took as looked at, one JSON object per line: per system, target and source the latest complete scan (\`scanId\`, \`evidenceId\`) of a set of \`checks\` (null: all of the source). All results of these checks were last seen at \`observedAt\` or later: from there freshness counts. \`silentPass\`: beginnings of check ids that this tool reports only when they fail; a pass without a result is inferred from them |
| facts.jsonl | what reports say was so where they judge nothing (keys, certificates, backups, packages inside of images …), one JSON object per line; \`kind\` says what \`value\` is of. No status rests on a fact alone |
| scans.jsonl | every scan that was known, one JSON object per line. \`declared.cause\`: nobody posted it, the same evidence was judged anew by other rules. \`signature\`: what the agent signed of the report as it was received: a DSSE envelope over its SHA-256, and the key that verified it; \`agent.trusted\` in the audit events names the keys (\`signingKeys\`) of each agent |
| security-events.jsonl | what had happened on the systems, by the logs that were posted, one JSON object per line, newest first: an index. \`evidenceId\` leads to the log that told it first, which is in \`evidence/\` unless it goes on past the instant |
| evidence/<id>/content.* | the reports and the documents of records (\`records\` in index.json), byte for byte as they were received${redactedText(facts)} |
| audit/events.jsonl | the audit events of the organisation up to the instant of knowledge, newest first; \`leaf\` is the exact text of the event (RFC 8785), \`details\` what belongs to it (SHA-256 over the bytes of \`salt\` and the details as RFC 8785 JSON is the leaf's \`details_sha256\`) |
| log/checkpoint, log/tile/... | the whole audit log of the organisation as a transparency log (RFC 6962, C2SP tlog-tiles) at the signed head \`log/checkpoint\`: \`keys/log.vkey\` is the key. Every event of audit/events.jsonl is a leaf of it |
| proofs/<event>.json, .tlog-proof | of the events by which evidence was received and records were approved: the leaf, byte for byte, and \`proofs/<event>.json.tlog-proof\`, which proves with \`keys/log.vkey\` alone that it is in the log (C2SP tlog-proof) |

Times are UTC. In the CSV files a cell that a spreadsheet would take for a formula (it begins with = + - @, a tab or a
line break) has an apostrophe before it; the exact text is in the evidence.${
    scope.systemId === null
      ? ''
      : ' This package is about one system: details\nof audit events that are not about it are left out, their leaves are not.'
  }
`;
}

/** Disposed of by two people: nothing is wrong with it, and all the same it is not there. */
function disposedText({ evidence }: PackageFacts): string {
  const count = evidence.filter(({ disposedAt }) => disposedAt !== null).length;
  if (count === 0) return '';
  return ` ${count} of ${evidence.length} evidence files were disposed of after their time of retention, and are not in it: index.json has their digests (\`disposedAt\`).`;
}

const wholeText = (facts: PackageFacts): string =>
  `Every evidence in scope that is kept could be read, and has the digest that it was kept with.${disposedText(facts)}`;

function redactedText({ evidence }: PackageFacts): string {
  const count = evidence.filter(({ redaction }) => redaction !== null).length;
  if (count === 0) return '';
  return ` but for secrets: of ${count} of ${evidence.length}, values were dropped before they were kept. Where they stood it says \`[dropped]\` or \`null\`; \`redaction\` in index.json says of which reports how many of which kind, and the digest of what was received`;
}

function faultsText(facts: PackageFacts): string {
  const { faults, evidence } = facts;
  const rows = faults.map(({ evidenceId, sha256, reason }) => `| ${evidenceId} | ${sha256} | ${reason} |`).join('\n');
  return `**INCOMPLETE: ${faults.length} of ${evidence.length} evidence files could not be read as they were kept, and are left out.**
What was stored of them has been changed, damaged or lost.${disposedText(facts)} Statuses that rest on them rest on reports that can no longer
be shown. Their digests, by which another copy can be told:

| evidence | SHA-256 | what was found |
|---|---|---|
${rows}`;
}
