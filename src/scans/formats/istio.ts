import { textMap, nullableTime, within } from './fact-fields.js';
import { field, Unreadable, type Fields } from './fields.js';
import { objectFormat, type Said } from './object-format.js';

/** Where Istio asks workloads for mutual TLS. */
export const istio = objectFormat({
  slug: 'istio',
  title: 'Istio',
  tool: 'istio',
  description:
    'PeerAuthentication of security.istio.io (v1, v1beta1). Each says its own mode; which one holds for a workload follows from all of them.',
  readers: { 'security.istio.io': { PeerAuthentication: peerAuthentication } },
});

function peerAuthentication(object: Fields): Said {
  const createdAt = within(object, 'metadata', (metadata) => nullableTime(metadata, 'creationTimestamp'));
  return { kind: 'mutual-tls-policy', value: { ...within(object, 'spec', readSpec), createdAt } };
}

function readSpec(spec: Fields) {
  return {
    mode: modeOf(spec, 'mtls'),
    selector: within(spec, 'selector', (selector) => textMap(selector, 'matchLabels')),
    portModes: within(spec, 'portLevelMtls', (ports) =>
      Object.fromEntries(Object.keys(ports).map((port) => [port, modeOf(ports, port)])),
    ),
  };
}

const MODES: readonly unknown[] = ['STRICT', 'PERMISSIVE', 'DISABLE', 'UNSET'];

/** `mtls: {}` and no `mtls` at all are UNSET: the mode is inherited. */
function modeOf(fields: Fields, name: string): string {
  return within(fields, name, (mtls) => {
    const mode = field(mtls, 'mode') ?? 'UNSET';
    if (typeof mode !== 'string' || !MODES.includes(mode))
      throw new Unreadable('/mode', 'is no mode that is known here');
    return mode;
  });
}
