import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Response } from 'supertest';
import { parse } from 'yaml';

interface Content {
  schema?: object;
}
interface Contract {
  paths: Record<
    string,
    Record<string, { operationId: string; responses: Record<string, { content?: Record<string, Content> }> }>
  >;
  components: { schemas: Record<string, object> };
}

/** The committed contract. Three folders above the compiled file. */
export const contract = parse(
  readFileSync(fileURLToPath(new URL('../../../openapi.yaml', import.meta.url)), 'utf8'),
) as Contract;

const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { base64url: true, binary: true } });
addFormats.default(ajv);
ajv.addSchema({ $id: 'contract', components: contract.components });
const validators = new Map<object, ValidateFunction>();

function validatorOf(schema: object): ValidateFunction {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const text = JSON.stringify(schema).replaceAll('"#/components/', '"contract#/components/');
  const made = ajv.compile(JSON.parse(text) as object);
  validators.set(schema, made);
  return made;
}

const routes = Object.entries(contract.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    method: method.toUpperCase(),
    // A literal segment is nearer to a request than a parameter; the path of a tile has segments.
    parameters: (path.match(/\{/g) ?? []).length,
    pattern: new RegExp(
      `^${path
        .replace(/[.()]/g, '\\$&')
        .replace(/\{tile\}$/, '.+')
        .replace(/\{[^}]+\}/g, '[^/]+')}$`,
    ),
    operation,
  })),
);

/** For supertest's `expect`: throws unless the answer is one that openapi.yaml declares for the operation, with a body of its schema. */
export function checkAnswer(response: Response): void {
  const request = response.request as unknown as { method: string; url: string };
  const path = new URL(request.url).pathname;
  const [route] = routes
    .filter(({ method, pattern }) => method === request.method && pattern.test(path))
    .sort((a, b) => a.parameters - b.parameters);
  if (route === undefined) {
    if (response.status === 404 || response.status === 405) return;
    throw new Error(`${request.method} ${path} answered ${response.status} and is not in openapi.yaml`);
  }
  const { operationId, responses } = route.operation;
  const declared = responses[String(response.status)];
  if (declared === undefined) {
    throw new Error(
      `${operationId} answered ${response.status}, which openapi.yaml does not declare: ${response.text}`,
    );
  }
  const type = response.headers['content-type']?.split(';')[0];
  if (type === undefined || declared.content === undefined) {
    if (declared.content !== undefined) throw new Error(`${operationId} answered ${response.status} without content`);
    return;
  }
  const content = declared.content[type];
  if (content === undefined) throw new Error(`${operationId} answered ${response.status} with undeclared ${type}`);
  if (!type.endsWith('json') || content.schema === undefined) return;
  const validate = validatorOf(content.schema);
  if (!validate(response.body)) {
    throw new Error(`${operationId} ${response.status} breaks its schema: ${ajv.errorsText(validate.errors)}`);
  }
}
