// Writes the reference pages of docs/ that are made of the program itself, the schema of own reports, and the role that the agent needs: `node scripts/generate-docs.mjs`, after a
// build. With --check it writes nothing and fails when a file is not what it would write.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { z } from 'zod';
import { REPORT_KINDS } from '../dist/src/agent/report-kinds.js';
import { describeCommands } from '../dist/src/bin/describe.js';
import { OWN_CHECKS } from '../dist/src/catalog/checks.mapping.js';
import { loadCatalog } from '../dist/src/catalog/load.js';
import { FUNCTIONS, VARIABLES as CHECK_VARIABLES } from '../dist/src/checks/environment.js';
import { nameOf } from '../dist/src/checks/functions/function.js';
import { KINDS } from '../dist/src/checks/kinds.js';
import { VARIABLES } from '../dist/src/config.js';
import { FACT_KINDS } from '../dist/src/results/fact.js';
import { FORMATS } from '../dist/src/scans/formats/index.js';
import { reportJsonSchema } from '../dist/src/scans/formats/safeguard-report.js';

const DOCS = fileURLToPath(new URL('../docs/', import.meta.url));
const NOTICE = '<!-- Made by scripts/generate-docs.mjs. Change the program, not this page. -->';

const PAGES = {
  'configuration.md': configuration(),
  'commands.md': `# The command line\n\n${NOTICE}\n\n${describeCommands()}`,
  'check-language.md': checkLanguage(),
  'coverage.md': coverage(),
  'facts.md': facts(),
  'formats.md': formats(),
  'record-types.md': recordTypes(),
  'report.schema.json': JSON.stringify(reportJsonSchema()),
  '../deploy/kubernetes/agent/base/cluster-role.yaml': clusterRole(),
};

let stale = 0;
for (const [name, text] of Object.entries(PAGES)) {
  const path = join(DOCS, name);
  const wanted = await format(text, { ...(await resolveConfig(path)), filepath: path });
  if (existsSync(path) && readFileSync(path, 'utf8') === wanted) continue;
  if (process.argv.includes('--check')) {
    console.error(`docs/${name} is not what the program says. Run: node scripts/generate-docs.mjs`);
    stale += 1;
  } else {
    writeFileSync(path, wanted);
    console.log(`docs/${name}`);
  }
}
process.exitCode = stale === 0 ? 0 : 1;

/** Secrets and the constraints of Gatekeeper are roles of their own: agent/components says why. */
function clusterRole() {
  const groups = new Map();
  for (const { group, resource } of [...KINDS, ...REPORT_KINDS]) {
    if ((group === '' && resource === 'secrets') || resource === '*') continue;
    groups.set(group, (groups.get(group) ?? new Set()).add(resource));
  }
  const rules = [...groups].map(
    ([group, resources]) =>
      `  - apiGroups: [${group || "''"}]\n    resources: [${[...resources].join(', ')}]\n    verbs: [list]\n`,
  );
  return `# Made by scripts/generate-docs.mjs of the kinds that the agent asks for (src/checks/kinds.ts, src/agent/report-kinds.ts). Change these, not this file.
# Everything is listed, and nothing is watched, changed, entered or followed. A list gives whole objects: the agent takes values of environment variables and of arguments out of
# pods before anything leaves the cluster, but whoever holds its token can read both.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: safeguard-agent
rules:
  - nonResourceURLs: [/version, /api, /api/*, /apis, /apis/*]
    verbs: [get]
  # The uid of kube-system is the identity of the cluster.
  - apiGroups: ['']
    resources: [namespaces]
    resourceNames: [kube-system]
    verbs: [get]
${rules.join('')}`;
}

/** What each practice can be evidenced by: an empty row is a practice that nobody can show, whatever they send. */
function coverage() {
  const catalog = loadCatalog();
  const rowsOf = (section) =>
    catalog.practices
      .filter((practice) => practice.section === section)
      .map(({ id, summary, automation, records }) => {
        const [own, others] = checksBehind(catalog, id);
        return [
          `${code(id)}<br>${summary}`,
          automation,
          own.map((check) => code(check.id)).join(', ') || '–',
          [...others].map(([tool, count]) => `${tool} ${count}`).join(', ') || '–',
          records
            .map(
              ({ type, freshness }) =>
                `${code(type)}${freshness.maxAgeDays === null ? '' : ` ${freshness.maxAgeDays} d`}`,
            )
            .join(', ') || '–',
        ];
      });
  const without = catalog.practices.filter(({ id, records }) => {
    const [own, others] = checksBehind(catalog, id);
    return own.length + others.size + records.length === 0;
  });
  const head = ['practice', 'by machine', 'checks of our own', 'checks of scanners', 'records'];
  const sections = [...new Set(catalog.practices.map(({ section }) => section))].map(
    (section) => `## ${section}\n\n${table(head, rowsOf(section))}`,
  );
  return `# What evidence each practice can have

${NOTICE}

The ${catalog.practices.length} practices of the catalogue, and what of each of them can be shown: by **checks of our own**, over snapshots of the agent ([writing-checks.md](writing-checks.md)); by **checks of scanners** that
the catalogue maps to it (so many of each tool); and by **records** that people keep, of which a number is the days after which one is stale. \`full\`: all of it can be seen by a machine; \`partial\`: some of it;
\`records\`: none. A row says where evidence can come from, not that there is any, and no number of checks makes up for a record.

Practices without any source: **${without.length === 0 ? 'none' : without.map(({ id }) => id).join(', ')}**.

${sections.join('\n\n')}
`;
}

/** Of our own, and of each scanner how many. Those that yield no evidence, and those of older benchmarks, count for nothing here. */
function checksBehind(catalog, practice) {
  const checks = catalog.checksOf(practice).filter((check) => check.evidence && catalog.checks.includes(check));
  const others = new Map();
  for (const { tool } of checks) if (tool !== OWN_CHECKS) others.set(tool, (others.get(tool) ?? 0) + 1);
  return [checks.filter(({ tool }) => tool === OWN_CHECKS), others];
}

function configuration() {
  const { properties = {} } = z.toJSONSchema(VARIABLES, { io: 'input', unrepresentable: 'any' });
  const rows = Object.entries(properties).map(([name, schema]) => {
    const unset = VARIABLES.shape[name].safeParse(undefined);
    const fallback = unset.success ? code(String(unset.data ?? '')) : '**required**';
    return [code(name), fallback, values(schema), schema.description ?? ''];
  });
  return `# Configuration

${NOTICE}

The server is configured by its environment alone, read once when it starts. A fault stops the start and is told by name, all of them at once and without
the values. Every variable can be given as \`NAME_FILE\` instead: the path of a file with the value, as mounted secrets are; a line end after the value
is not part of it. Giving both is a fault. An empty variable counts as not set.

${table(['variable', 'default', 'values', 'meaning'], rows)}

One of the two is needed: \`OIDC_ISSUER\` with \`OIDC_AUDIENCE\`, \`OIDC_CLIENT_ID\`, \`OIDC_CLI_CLIENT_ID\` and what shows multi-factor authentication,
or \`OIDC_ISSUERS\` ([identity.md](identity.md)).

\`safeguard migrate\` reads one variable and none of those above: \`DATABASE_MIGRATION_URL\` (or \`DATABASE_MIGRATION_URL_FILE\`), the database as the role
that owns the schema. The server never has it.

What the other commands read (\`SAFEGUARD_…\`) is in [commands.md](commands.md).
`;
}

function formats() {
  const sorted = [...FORMATS].sort((a, b) => a.slug.localeCompare(b.slug));
  const rows = sorted.map(({ slug, title, tool, yields, targets }) => [
    code(slug),
    `[${title}](#${anchor(title)})`,
    code(tool),
    yields.join(', '),
    targets.map(code).join(', ') || 'none',
  ]);
  const sections = sorted.map(
    ({ slug, title, tool, description, yields, targets }) =>
      `## ${title}\n\nFormat ${code(slug)}, tool ${code(tool)}; gives ${yields.join(' and ')}; ${
        targets.length === 0 ? 'no target is declared' : `targets that may be declared: ${targets.map(code).join(', ')}`
      }.\n\n${description}`,
  );
  return `# Report formats

${NOTICE}

What \`POST …/scans\` and \`safeguard push\` read. The document decides which format it is of; \`format\` only makes sure. No document is of two.

A report gives **results** (what a check found on a resource), **facts** (what is so, without a judgement: [facts.md](facts.md)) or **events** (what happened at an instant). A **target** is what
a report is about; where it cannot know that, its poster declares it: \`targets=KIND/NAME\` ([ingest.md](ingest.md)). What the list does not name is refused. For tools that are not in it:
[own-tools.md](own-tools.md).

${table(['format', 'reports', 'tool', 'gives', 'targets to declare'], rows)}

${sections.join('\n\n')}
`;
}

function checkLanguage() {
  const variables = CHECK_VARIABLES.map(({ name, type, about }) => [code(name), type, about]);
  const functions = FUNCTIONS.map((given) => [
    code(spoken(given)),
    given.about,
    given.kubernetes ?? '',
    (given.reads ?? []).join(', '),
  ]);
  const kinds = KINDS.map(({ name, group, versions, namespaced, listed, without }) => [
    code(name),
    code(group),
    versions.join(', '),
    namespaced ? 'yes' : 'no',
    [listed === 'metadata' ? 'metadata alone' : '', ...without.map((path) => `without ${code(path)}`)]
      .filter((part) => part !== '')
      .join('; '),
  ]);
  return `# The language of checks

${NOTICE}

What expressions of checks may name. How a check is written is told in [writing-checks.md](writing-checks.md). Operators are those of CEL: \`== != < <= > >= + - * / % && || ! in ?:\`, \`a.b\`, \`a["b"]\`, \`a.?b\`,
\`a[?"b"]\`.

## Variables

${table(['variable', 'type', 'what it is'], variables)}

## Functions

The third column is the first version of Kubernetes whose admission policies have the function: a check that calls none without a version can be exported. The fourth: what else must have been
listed completely for it to answer.

${table(['function', 'what it answers', 'Kubernetes', 'reads'], functions)}

## Kinds

What \`each\`, \`objects("…")\` and \`inNamespace("…", …)\` may name, beside \`Workload\` and, for \`each\`, \`Cluster\`. With its group (\`Schedule.velero.io\`) every one of them is known too. The last column: what the
agent takes of it, where that is not all.

${table(['kind', 'group', 'versions', 'in namespaces', 'what is there'], kinds)}
`;
}

/** A function as checks write it, in place of the name that it is registered by. */
function spoken(given) {
  const name = nameOf(given);
  const [, receiver, args = '', result = ''] = /^(?:([\w.<>, ]+)\.)?\w+\((.*)\): (.*)$/.exec(given.signature) ?? [];
  const plain = (type) =>
    type
      .replaceAll('google.protobuf.', '')
      .replaceAll('kubernetes.', '')
      .replaceAll('net.', '')
      .replace('Timestamp', 'timestamp')
      .replace('Duration', 'duration');
  const before = name.startsWith('.') ? `${plain(receiver ?? '')}${name}` : name;
  return `${before}(${plain(args)}) → ${plain(result)}`;
}

function facts() {
  const sections = Object.entries(FACT_KINDS).map(([kind, shape]) => {
    const { description = '', ...schema } = z.toJSONSchema(shape, { io: 'input' });
    return `## ${kind}\n\n${description}\n\n${table(['member', 'value', 'meaning'], membersOf(schema, ''))}`;
  });
  return `# Kinds of facts

${NOTICE}

What reports say is so, where they judge nothing. A fact is about a subject of a target, said by one source, and kept as intervals of time as results are. It never makes a pass by itself.
Null: the source does not say. Instants are RFC 3339 in UTC with milliseconds.

${sections.join('\n\n')}
`;
}

/**
 * A row for each member, and for each member of it.
 * @returns {string[][]}
 */
function membersOf({ properties = {} }, prefix) {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const { inner, isNullable } = withoutNull(schema);
    const item = inner.type === 'array' ? withoutNull(inner.items).inner : inner;
    const path = prefix + name;
    const row = [code(path), valueOf(inner) + (isNullable ? ' or null' : ''), schema.description ?? ''];
    return [row, ...membersOf(item, `${path}${inner.type === 'array' ? '[]' : ''}.`)];
  });
}

/** The schema of what is not null. */
function withoutNull(schema) {
  if (Array.isArray(schema.type)) {
    const [type] = schema.type.filter((one) => one !== 'null');
    return { inner: { ...schema, type }, isNullable: schema.type.includes('null') };
  }
  const others = (schema.anyOf ?? [schema]).filter(({ type }) => type !== 'null');
  if (others.length !== 1) throw new Error('a fact has a member of several types, which no table shows');
  return { inner: others[0], isNullable: schema.anyOf !== undefined };
}

function valueOf(schema) {
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ');
  switch (schema.type) {
    case 'string':
      return schema.format === 'date-time' ? 'instant' : 'text';
    case 'array':
      return `list of ${plural(valueOf(withoutNull(schema.items).inner))}`;
    case 'object':
      return schema.properties === undefined ? 'texts by name' : 'object';
    case 'boolean':
      return 'true or false';
    case 'integer':
    case 'number':
      return 'number';
    default:
      throw new Error(`a fact has a member of the type ${schema.type}, which no table shows`);
  }
}

function plural(value) {
  return value.startsWith('`') ? value : `${value}s`;
}

/** Every record type with its fields: what people fill in, and what an auditor asks of it. */
function recordTypes() {
  const catalog = loadCatalog();
  const places = { organization: 'the organisation', system: 'systems', either: 'the organisation or systems' };
  const age = ({ good_for: { days } }) => (days === null ? 'per event' : `${days} days`);
  const sections = [...new Set(catalog.recordTypes.map(({ section }) => section))].map((section) => {
    const types = catalog.recordTypes.filter((type) => type.section === section);
    return `## ${section}\n\n${types.map(sectionOf).join('\n\n')}`;
  });
  function sectionOf(type) {
    const { practices, controls } = catalog.needsOf(type.type);
    const { good_for: good, documents, outcome, fields } = type;
    const lines = [
      `Of ${places[type.place]}. Good for: ${age(type)} (${good.basis.replaceAll('_', ' ')}: ${good.why})${type.good_from === null ? '' : `, counted from ${code(type.good_from)}`}.`,
      practices.length + controls.length === 0
        ? ''
        : `Asked for by: ${[...practices.map(({ id }) => code(id)), ...controls.map(({ id }) => id)].join(', ')}.`,
      type.counts_for === 'named' ? 'It counts for the practices that it names, and for no others.' : '',
      type.key === null ? '' : `One record for each ${code(type.key)}.`,
      type.each === null ? '' : `Every ${code(type.each)} with a record in effect wants a fresh one.`,
      type.expires === null ? '' : `It ends by ${code(type.expires)}.`,
      outcome === null
        ? ''
        : `It fails what it would prove where ${[[outcome.field, outcome.fails], ...Object.entries(outcome.or)].map(([field, values]) => `${code(field)} is ${values.map(code).join(' or ')}`).join(', or ')}.`,
      type.not_before.length === 0
        ? ''
        : `It is refused where its dates are out of their order: ${type.not_before.map(([first, second]) => `${code(second)} is not before ${code(first)}`).join(', ')}.`,
      type.holds.length === 0
        ? ''
        : `It is refused where it contradicts itself: ${type.holds.map(({ says }) => says).join(' ')}`,
      documents.least === 0
        ? ''
        : `At least ${documents.least} document${documents.least === 1 ? '' : 's'}${documents.roles.length === 0 ? '' : ` (${documents.roles.join(', ')})`}.`,
      type.counted_in === null
        ? ''
        : `Counted in ${code(type.counted_in)}: where no record of it is kept, one of that type speaks which says of a period that there was none.`,
      type.none === null
        ? ''
        : `It says that there was none of what it counts where ${code(type.none)} is zero or empty.`,
      type.met_by === null
        ? ''
        : `Also met by what reports say: ${[...type.met_by.facts.map((kind) => `facts of kind ${code(kind)}`), ...type.met_by.sources.map((source) => `scans of ${code(source)}`)].join(', ')}.`,
      ...type.obliges.map(
        ({ type: due, within_days: days, from, or_earlier: other, year_end: isYear, items, says }) =>
          `Makes due: ${code(due)}, ${days === 0 ? `on ${code(from)}` : `${days} days from ${isYear ? 'the end of the year of ' : ''}${code(from)}`}${other === null ? '' : `, or from ${code(other.field)} of its ${code(other.type)} where that is earlier`}. ${says}${items.length === 0 ? '' : ` Overdue, it fails ${items.join(', ')}.`}`,
      ),
    ].filter((line) => line !== '');
    return `### ${type.type}\n\n**${type.title}.** ${type.summary}\n\n${lines.map((line) => `- ${line}`).join('\n')}\n- An auditor asks for: ${type.auditor_asks.join('; ')}.\n\n${table(
      ['field', 'value', 'meaning'],
      fieldsOf(fields, ''),
    )}\n\n\`\`\`json\n${JSON.stringify(type.example, null, 2)}\n\`\`\``;
  }
  return `# Record types

${NOTICE}

What records can be kept of, by the catalogue: ${catalog.recordTypes.length} types. Each has fields by a bounded profile of JSON Schema, which the API gives as it is (\`getRecordType\`), so that forms can be made of
it; \`x-record\`, \`x-control\`, \`x-practice\`, \`x-system\` and \`x-member\` mark texts that name something, \`x-person\` names of people, \`x-digest\` a SHA-256. Instants are written with their zone and kept in UTC; days are days in UTC.
Days for which a record is good are product defaults: the Security Rule sets none. A practice may ask for other days, and an organisation may set its own. What would hold a secret or a patient belongs in no
field: nobody looks through them, but for what has the form of a secret ([records.md](records.md)).

An organisation can make a type **stricter** (\`changeRecordType\` with \`tightened\`: fewer days, more required fields, more documents), never looser, and define types of its own under \`org/…\`, written
as those of catalog/record-types are (\`safeguard types check\` says offline whether the server would take them). \`key\`, \`each\` and \`place\` of a type stay, for its records are found by them. Every version is kept, and a record stays what it was checked by. Nobody sees a person of whom there is no record at all:
\`identity_provider_export\`, \`access_review\`, \`leaver_reconciliation\` and \`workforce_coverage\` are there for that.

${sections.join('\n\n')}
`;
}

/**
 * A row for each field, and for each member of it.
 * @returns {string[][]}
 */
function fieldsOf({ properties = {}, required = [] }, prefix) {
  return Object.entries(properties).flatMap(([name, field]) => {
    const item = field.type === 'array' ? field.items : field;
    const path = `${prefix}${name}`;
    const row = [
      `${code(path)}${required.includes(name) ? '' : ' (may be left out)'}`,
      wordsOf(field),
      [field.title, field.description].filter((text) => text !== undefined).join('. '),
    ];
    return [row, ...fieldsOf(item, `${path}${field.type === 'array' ? '[]' : ''}.`)];
  });
}

function wordsOf(field) {
  if (field.type === 'array') return `list of ${wordsOf(field.items)}, at most ${field.maxItems}`;
  if (field.enum !== undefined) return field.enum.map(code).join(', ');
  if (field['x-record'] !== undefined) return `id of a record ${code(field['x-record'])}`;
  if (field['x-system']) return 'id of a system';
  if (field['x-member']) return 'id of a member';
  if (field['x-control']) return 'item of 45 CFR 164';
  if (field['x-practice']) return 'practice';
  if (field['x-digest']) return 'SHA-256';
  if (field.minimum !== undefined) return `${field.minimum} to ${field.maximum}`;
  const formats = { date: 'day', 'date-time': 'instant', uri: 'address', uuid: 'id' };
  return formats[field.format] ?? { string: 'text', boolean: 'true or false', object: 'object' }[field.type];
}

/** As GitHub makes them of headings. */
function anchor(title) {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** What a variable may be, in words. */
function values(schema) {
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ');
  if (schema.type === 'integer' || schema.minimum !== undefined) return `${schema.minimum} to ${schema.maximum}`;
  return schema.format === 'uri' ? 'URL' : '';
}

/** @param {string} text */
function code(text) {
  return text === '' ? '' : `\`${text}\``;
}

/**
 * @param {string[]} head
 * @param {string[][]} rows
 */
function table(head, rows) {
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}
