import * as kubernetes from '@kubernetes/client-node';
import type { KubernetesObject } from './kubernetes.js';

/*
 * The shapes of Kubernetes' API as the official client has them, which is generated from the OpenAPI document of the API server (1.34 and later for the version in
 * package.json). They know names and types of fields; which of them must be there, the API server says and they do not.
 */

interface Attribute {
  baseName: string;
  type: string;
}
interface Model {
  getAttributeTypeMap(): Attribute[];
}

function modelOf(name: string): Model | null {
  const found: unknown = (kubernetes as Record<string, unknown>)[name];
  return typeof found === 'function' && 'getAttributeTypeMap' in found ? (found as unknown as Model) : null;
}

/** What is unknown or of a wrong type, by its place. Empty of objects of other groups, which the client does not know (the Gateway API). */
export function schemaFaults(object: KubernetesObject): string[] {
  const [group, version] = object.apiVersion.includes('/') ? object.apiVersion.split('/') : ['', object.apiVersion];
  if (group?.includes('gateway.') === true) return [];
  const name = `${(version ?? '').replace(/^v/, 'V')}${object.kind}`;
  return modelOf(name) === null ? [`/kind: ${name} is unknown`] : faultsOf(object, name, '');
}

function faultsOf(value: unknown, type: string, at: string): string[] {
  const list = /^Array<(.+)>$/.exec(type)?.[1];
  if (list !== undefined) {
    return Array.isArray(value)
      ? value.flatMap((item, index) => faultsOf(item, list, `${at}/${index}`))
      : [`${at} is no list`];
  }
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1];
  if (map !== undefined) {
    return isMap(value)
      ? Object.entries(value).flatMap(([key, item]) => faultsOf(item, map, `${at}/${key}`))
      : [`${at} is no map`];
  }
  if (type === 'IntOrString')
    return ['string', 'number'].includes(typeof value) ? [] : [`${at} is no number and no string`];
  if (['string', 'number', 'boolean'].includes(type)) return typeof value === type ? [] : [`${at} is no ${type}`];
  const model = modelOf(type);
  if (model === null) throw new Error(`the client has no ${type}`);
  if (!isMap(value)) return [`${at} is no object`];
  const attributes = model.getAttributeTypeMap();
  const known = attributes.flatMap(({ baseName, type: inner }) =>
    baseName in value ? faultsOf(value[baseName], inner, `${at}/${baseName}`) : [],
  );
  const unknown = Object.keys(value).filter((key) => !attributes.some(({ baseName }) => baseName === key));
  return [...known, ...unknown.map((key) => `${at}/${key} is unknown`)];
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
