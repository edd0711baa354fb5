// Writes the reference pages of docs/ that are made of the program itself: `node scripts/generate-docs.mjs`, after a build. With --check it
// writes nothing and fails when a page is not what it would write.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { z } from 'zod';
import { describeCommands } from '../dist/src/bin/describe.js';
import { VARIABLES } from '../dist/src/config.js';
import { FORMATS } from '../dist/src/scans/formats/index.js';

const DOCS = fileURLToPath(new URL('../docs/', import.meta.url));
const NOTICE = '<!-- Made by scripts/generate-docs.mjs. Change the program, not this page. -->';

const PAGES = {
  'configuration.md': configuration(),
  'commands.md': `# The command line\n\n${NOTICE}\n\n${describeCommands()}`,
  'formats.md': formats(),
};

let stale = 0;
for (const [name, text] of Object.entries(PAGES)) {
  const path = join(DOCS, name);
  const wanted = await format(text, { ...(await resolveConfig(path)), parser: 'markdown' });
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
  const sections = [...FORMATS]
    .sort((a, b) => a.slug.localeCompare(b.slug))
    .map(
      ({ slug, title, tool, description }) => `## ${title}\n\nFormat ${code(slug)}, tool ${code(tool)}. ${description}`,
    );
  return `# Report formats

${NOTICE}

What \`POST …/scans\` and \`safeguard push\` read. The document decides which format it is of; \`format\` only makes sure. No document is of two.

${sections.join('\n\n')}
`;
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
