import { CONTROLS, type Control } from './pod-security-controls.js';
import { described, Fields, MalformedError } from './objects.js';
import { labelsOf } from './selectors.js';

/**
 * The Pod Security Standards (https://kubernetes.io/docs/concepts/security/pod-security-standards/) in their latest version, as the admission controller
 * judges them: k8s.io/pod-security-admission 0.34, package policy. It judges no pod that it has no evidence for: what is malformed is a fault.
 */
export type PodSecurityLevel = 'privileged' | 'baseline' | 'restricted';

export interface Violation {
  /** The level that asks for it; `restricted` asks for all that `baseline` asks for. */
  readonly level: 'baseline' | 'restricted';
  /** Its name in Kubernetes: `hostNamespaces`, `capabilities_restricted` … */
  readonly control: string;
  /** What breaks it, in words. */
  readonly message: string;
}

const ENFORCE = 'pod-security.kubernetes.io/enforce';

/**
 * What keeps a pod from being `restricted`. The pod's metadata is asked for its AppArmor annotations.
 * @param spec a pod spec, of a pod or of a template
 */
export function podSecurityViolations(spec: unknown, metadata?: unknown): Violation[] {
  const pod = Fields.of(spec, 'spec');
  const containers = ['initContainers', 'containers', 'ephemeralContainers'].flatMap((list) => pod.maps(list));
  if (pod.maps('containers').length === 0) throw new MalformedError('spec.containers is empty: this is no pod');
  const annotations = labelsOf(annotationsOf(metadata), 'metadata.annotations');
  return CONTROLS.flatMap((control: Control) => {
    const found = control.find({ pod, containers, annotations });
    return found.length === 0
      ? []
      : [{ level: control.level, control: control.name, message: [...new Set(found)].join('; ') }];
  });
}

/** The strictest standard that the pod meets. */
export function podSecurityLevel(spec: unknown, metadata?: unknown): PodSecurityLevel {
  const violations = podSecurityViolations(spec, metadata);
  if (violations.some((violation) => violation.level === 'baseline')) return 'privileged';
  return violations.length > 0 ? 'baseline' : 'restricted';
}

/**
 * The level that a namespace's label has the admission controller enforce; empty if it has none: then the cluster's default applies, which no object
 * shows and which is `privileged` where nobody set it.
 */
export function enforcedLevel(namespace: unknown): PodSecurityLevel | '' {
  const labels = labelsOf(Fields.of(namespace, '').need('metadata').value('labels'), 'metadata.labels');
  const level = Object.hasOwn(labels, ENFORCE) ? labels[ENFORCE] : undefined;
  switch (level) {
    case undefined:
      return '';
    case 'privileged':
    case 'baseline':
    case 'restricted':
      return level;
    default:
      throw new MalformedError(`the label ${ENFORCE} is ${described(level)}, not a level`);
  }
}

const annotationsOf = (metadata: unknown): unknown =>
  metadata === null || metadata === undefined ? undefined : Fields.of(metadata, 'metadata').value('annotations');
