import type { PackageFacts } from './contents.js';
import { VERIFY_CHECKS } from './verify-checks.js';

/** VERIFY.md: what is missing first, then how to check the rest with tools that others wrote. */
export function verifyText(facts: PackageFacts): string {
  const { id, scope, asOf, knownAt, faults, catalog } = facts;
  const subject = scope.systemId === null ? 'all systems in scope of the organisation' : `system ${scope.systemId}`;
  return `# Evidence package ${id}

${faults.length === 0 ? wholeText(facts) : faultsText(facts)}
${alteredText(facts)}
It says what was so of ${subject} at ${asOf.toISOString()}, as it was known at ${knownAt.toISOString()}, judged by
catalogue ${catalog.version} (${catalog.digest}). It says what is evidenced. It does not say that anybody complies with the law.

${VERIFY_CHECKS}
## What is where (bag/data/)

| file | content |
|---|---|
| index.json | what the package is, what could not be read (\`faults\`), which rows were found altered (\`alteredRows\`), counts, and each evidence with path, digest and size, the scans that it is the report of, until when it is kept at least (\`retainUntil\`) and which legal holds stop its disposal (\`heldBy\`); \`withheld\`: why it is not in a package about one system |
| posture/posture.json | every control and practice with its status, the reason, and what is behind it |
| posture/controls.csv, posture/practices.csv | the same as tables |
| posture/systems/<id>.json | in a package about an organisation: the posture of each of its systems, with what is behind it |
| index/citations.json, .csv | by paragraph: the policies in effect that name it or one above it, with their documents, digests and who approved them; versions of them that were in effect within the period; the practices for it; the records that it and practices for it ask for (how many, and where); other records that name it; exceptions and decisions |
| index/evidence.csv | implementation evidence: for each practice on each system the reports that its status rests on, and the documents of records, each dated, with digest and collector, and with the paragraphs that it is for |
| index/samples/*.csv | lists to draw samples from, of what records tell of the period: new hires, leavers, access changes, incidents |
| controls.json | the paragraphs of 45 CFR 164 with status, reason, and what auditors ask for |
| records/<type>.json, .csv | the records in effect of each type, of the whole organisation and of the systems in scope, with fields, links, documents and dates. One that has expired is in effect until another version stands over it; \`expiresAt\` says so. \`disposed\`: what it said was removed by a disposal. In the tables a list has a semicolon between its entries, and what has members is JSON |
| records/past/<type>.json, .csv | versions that were in effect within the period (\`period\` in index.json) and no longer at its end; \`endedAt\` says until when |
| registers/agreements.json, .csv | vendors with their agreements, and what is so of them |
| registers/keys.json, .csv | keys and secrets of each system by what records and reports say, with why they are not as they should be |
| registers/risks.json, .csv | risks with level (by the matrix of their analysis), treatment and how far it is |
| registers/exceptions.json, .csv | exceptions, what they cover and until when; what they cover goes on failing in results.csv |
| registers/decisions.json, .csv | decisions on addressable specifications. \`inForce\`: it counts for the status of its paragraph |
| oscal/*.json | the same in OSCAL 1.2.1 (NIST), for tools that know nothing of this service: catalog.json (the paragraphs), profile.json (those that are judged), component-definition.json (practices and tools), assessment-plan.json, assessment-results.json (what is evidenced, with the evidence and its digests), poam.json (what is open, risks, exceptions), mapping-collection.json (other frameworks). A finding is \`satisfied\` only where the status is \`evidenced\` |
| report/report.html, report/report.pdf | the same for people, the gaps and blind spots first, with pictures; a view of the files beside it. The page stands alone: nothing in it runs or is fetched. For a screen reader take the page: the PDF has bookmarks, and no tags |
| report/workbook.xlsx | the items, practices, registers and evidence as sheets of one workbook |
| results.csv | every check result that was in effect; \`scan_id\` and \`evidence_id\` lead to the report that states it |
| coverage.jsonl | what the posture took as looked at, one JSON object per line: per system, target and source the latest complete scan (\`scanId\`, \`evidenceId\`) of a set of \`checks\` (null: all of the source). All results of these checks were last seen at \`observedAt\` or later: from there freshness counts. \`silentPass\`: beginnings of check ids that this tool reports only when they fail; a pass without a result is inferred from them |
| facts.jsonl | what reports say was so where they judge nothing (keys, certificates, backups, packages inside of images …), one JSON object per line; \`kind\` says what \`value\` is of. No status rests on a fact alone |
| scans.jsonl | every scan of the period that was known, and those of before it on which rests what is said here, one JSON object per line. \`declared.cause\`: nobody posted it, the same evidence was judged anew by other rules. \`signature\`: what the agent signed of the report as it was received: a DSSE envelope over its SHA-256, and the key that verified it; \`agent.trusted\` in the audit events names the keys (\`signingKeys\`) of each agent |
| security-events.jsonl | what had happened on the systems within the period, by the logs that were posted, one JSON object per line, newest first: an index. \`evidenceId\` leads to the log that told it first, which is in \`evidence/\` unless it goes on past the instant |
| evidence/<id>/content.* | the reports and the documents of records (\`records\` in index.json), byte for byte as they were received${redactedText(facts)} |
| evidence/<id>/custody.jsonl | its chain of custody up to the instant of knowledge, one step per line, oldest first: who, when, what (\`step\`), and its digest then. Each is the event \`eventId\` in audit/events.jsonl. Also of evidence that is left out |
| audit/events.jsonl | the audit events of the organisation up to the instant of knowledge, newest first; \`leaf\` is the exact text of the event (RFC 8785), \`details\` what belongs to it (SHA-256 over the bytes of \`salt\` and the details as RFC 8785 JSON is the leaf’s \`details_sha256\`); those of members, webhooks, imports, packages and engagements are left out, those of evidence, scans and records that are neither of the package nor of its period, and in a package about one system those of what is not about it |
| log/checkpoint, log/tile/... | the whole audit log of the organisation as a transparency log (RFC 6962, C2SP tlog-tiles) at the signed head \`log/checkpoint\`: \`keys/log.vkey\` is the key. Every event of audit/events.jsonl is a leaf of it |
| anchor/checkpoint, .tsr | where the log was anchored: the head of the service's log over the heads of all organisations, with the signatures of witnesses (\`keys/anchor.vkey\`, \`keys/witnesses.vkey\`); a time stamp of it where there is an authority |
| anchor/tenant-checkpoint, .tlog-proof | the head of this organisation's log that is in that one, and the proof of it; log/checkpoint extends it |
| anchor/policy.txt | which keys the service asks for (C2SP tlog-policy) |
| proofs/<event>.json, .tlog-proof | of the events by which evidence was received and records were approved: the leaf, byte for byte, and \`proofs/<event>.json.tlog-proof\`, which proves with \`keys/log.vkey\` alone that it is in the log (C2SP tlog-proof) |

Times are UTC. In the CSV files a cell that a spreadsheet would take for a formula (it begins with = + - @, a tab or a
line break) has an apostrophe before it; the exact text is in the evidence.${
    scope.systemId === null
      ? ''
      : ' This package is about one system: details\nof audit events that are not about it are left out, their leaves are not.'
  }
`;
}

/** Disposed of by two people, or of other systems too: nothing is wrong with it, and all the same it is not there. */
function leftOutText({ evidence }: PackageFacts): string {
  const disposed = evidence.filter(({ disposedAt }) => disposedAt !== null).length;
  const withheld = evidence.filter((item) => item.withheld !== null).length;
  return [
    ...(disposed === 0
      ? []
      : [
          ` ${disposed} of ${evidence.length} evidence files were disposed of after their time of retention, and are not in it: index.json has their digests (\`disposedAt\`).`,
        ]),
    ...(withheld === 0
      ? []
      : [
          ` ${withheld} of ${evidence.length} evidence files are withheld, as this package is about one system: index.json has their digests, and why (\`withheld\`).`,
        ]),
  ].join('');
}

const wholeText = (facts: PackageFacts): string =>
  facts.evidence.length === 0
    ? `**There is no evidence in it.** No report of the systems in scope was known at that instant, and no record in it has a document: what the
posture says is missing is missing, and nothing in it rests on a report.`
    : `Every evidence in scope that is kept could be read, and has the digest that it was kept with.${leftOutText(facts)}`;

function redactedText({ evidence }: PackageFacts): string {
  const count = evidence.filter(({ redaction }) => redaction !== null).length;
  if (count === 0) return '';
  return ` but for secrets: of ${count} of ${evidence.length}, values were dropped before they were kept. Where they stood it says \`[dropped]\` or \`null\`; \`redaction\` in index.json says of which reports how many of which kind, and the digest of what was received`;
}

function alteredText({ alteredRows }: PackageFacts): string {
  if (alteredRows.length === 0) return '';
  const rows = alteredRows.map(({ table, id, reason }) => `| ${table} | ${id} | ${reason} |`).join('\n');
  return `
**Rows of the service's database were altered past the service.** They are not what its audit log says, or what they follow from; until they
are put right, what rests on them is not borne out:

| table | of | what was found |
|---|---|---|
${rows}
`;
}

function faultsText(facts: PackageFacts): string {
  const { faults, evidence } = facts;
  const rows = faults.map(({ evidenceId, sha256, reason }) => `| ${evidenceId} | ${sha256} | ${reason} |`).join('\n');
  return `**INCOMPLETE: ${faults.length} of ${evidence.length} evidence files could not be read as they were kept, and are left out.**
What was stored of them has been changed, damaged or lost.${leftOutText(facts)} Statuses that rest on them rest on reports that can no longer
be shown. Their digests, by which another copy can be told:

| evidence | SHA-256 | what was found |
|---|---|---|
${rows}`;
}
