import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { Controller } from '@nestjs/common';
import { stringify } from 'yaml';
import { Call, Download, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { openApiDocument } from '../kernel/http/openapi.js';
import { Operations } from '../kernel/http/operations.js';
import { PROBLEMS } from '../kernel/http/problem.js';
import { ASSETS, getStart, getOpenApi, getProblem, getReference, getReferenceAsset } from './reference.schema.js';
import { VERSION } from '../kernel/version.js';

const SWAGGER_UI = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

const PAGE = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Safeguard API</title>
  <link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
  <main id="reference"><noscript>This page needs JavaScript. The document itself: <a href="/openapi.yaml">openapi.yaml</a>.</noscript></main>
  <script src="/docs/assets/swagger-ui-bundle.js"></script>
  <script src="/docs/assets/start.js"></script>
</body>
</html>
`;

const START_PAGE = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Safeguard</title>
</head>
<body>
  <main>
    <h1>Safeguard</h1>
    <p>The evidence service of organisations that handle patient data on Kubernetes: what is proven for each paragraph of the HIPAA Security Rule, by what and until when.</p>
    <ul>
      <li><a href="/docs">Reference of the API</a> (you will be asked to sign in)</li>
      <li><a href="/openapi.yaml">Its OpenAPI document</a></li>
      <li><a href="/login">Sign in</a></li>
    </ul>
    <form method="post" action="/logout"><button>Sign out</button></form>
  </main>
</body>
</html>
`;

/** Calls from the page carry the session's cookie; the header shows that a page of ours sent them. */
const START = `window.SwaggerUIBundle({
  url: '/openapi.yaml',
  domNode: document.getElementById('reference'),
  deepLinking: true,
  requestInterceptor: (request) => {
    request.headers['X-Requested-With'] = 'safeguard';
    return request;
  },
});
`;

/** Scripts of our own only; Swagger UI sets styles by script and draws its icons from data URLs. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

@Controller()
export class ReferenceController {
  private document: string | null = null;

  constructor(private readonly operations: Operations) {}

  @Endpoint(getStart)
  start() {
    return page(START_PAGE);
  }

  @Endpoint(getReference)
  reference() {
    return page(PAGE);
  }

  @Endpoint(getReferenceAsset)
  asset(@Call() call: CallOf<typeof getReferenceAsset>) {
    const { name } = call.params;
    const headers = { 'Content-Type': ASSETS[name], 'Cache-Control': 'public, max-age=3600' };
    return name === 'start.js'
      ? text(START, headers)
      : new Download(200, headers, createReadStream(join(SWAGGER_UI, name)));
  }

  @Endpoint(getOpenApi)
  openApi() {
    this.document ??= openApiText(this.operations);
    return text(this.document, { 'Content-Type': 'application/yaml; charset=utf-8' });
  }

  @Endpoint(getProblem)
  problem(@Call() call: CallOf<typeof getProblem>) {
    const { code } = call.params;
    const [status, title] = PROBLEMS[code];
    return { code, status, title };
  }
}

/** As it is committed in openapi.yaml. */
export const openApiText = (operations: Operations): string =>
  `# Made from the program by \`npm run sync\`; do not edit.\n${stringify(openApiDocument(operations.all(), VERSION), { lineWidth: 160, aliasDuplicateObjects: false })}`;

const page = (html: string): Download =>
  text(html, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': CONTENT_SECURITY_POLICY,
    'Cache-Control': 'no-store',
  });

const text = (body: string, headers: Record<string, string>): Download =>
  new Download(200, headers, Readable.from([Buffer.from(body, 'utf8')]));
