import { flagValue, flagValues } from '../kubernetes/flags.js';
import { enforcedLevel, podSecurityLevel, podSecurityViolations } from '../kubernetes/pod-security.js';
import { at, listAt, textAt } from '../values.js';
import { templateOf } from '../workloads.js';
import { Unanswerable, type CheckFunction } from './function.js';
import { component, objectIn } from './objects.js';

/** Of a pod of the control plane the container that is named as it, for others may stand before it; else the first. */
function containerOf(value: unknown, of: string): unknown {
  const object = objectIn(value, of);
  const containers = listAt(templateOf(object), 'spec', 'containers');
  const part = component(object);
  const named = part === '' ? undefined : containers.find((container) => textAt(container, 'name') === part);
  const found = named ?? containers[0];
  if (found === undefined) throw new Unanswerable(`${of}(): the object has no container`);
  return found;
}

/** Pods by the Pod Security Standards, and what the programs in them are told. */
export const PODS: readonly CheckFunction[] = [
  {
    signature: 'podSecurity(dyn): string',
    handler: (spec: unknown) => podSecurityLevel(spec),
    about:
      'The strictest Pod Security Standard, of the newest version, that a pod spec meets: `privileged`, `baseline` or `restricted`.',
  },
  {
    signature: 'podSecurity(dyn, dyn): string',
    handler: (spec: unknown, metadata: unknown) => podSecurityLevel(spec, metadata),
    about:
      'The same with the metadata of the pods, whose annotations say AppArmor profiles in old clusters: `podSecurity(spec, template.metadata)`.',
  },
  {
    signature: 'podSecurityViolations(dyn): list<map>',
    handler: (spec: unknown) => podSecurityViolations(spec),
    about: 'What keeps it from a stricter one: `level`, `control`, `message`.',
  },
  {
    signature: 'enforced(dyn): string',
    handler: (namespace: unknown) => (at(namespace, 'kind') === undefined ? '' : enforcedLevel(namespace)),
    about:
      'The level that Pod Security admission enforces in a Namespace, by its label; empty where there is none, and of null.',
  },
  {
    signature: 'flag(dyn, string): dyn',
    handler: (object: unknown, name: string) => flagValue(containerOf(object, 'flag'), name),
    about:
      'The value of `--name` in the command and arguments of a pod (or of a pod template). Given again, a list (`--authorization-mode`, `--feature-gates`) adds up and all its values are joined by commas; ' +
      'of other flags the last counts. Empty of a bare flag, null where it is not set. An error where a shell or the environment may set it.',
  },
  {
    signature: 'flags(dyn, string): list<string>',
    handler: (object: unknown, name: string) =>
      flagValues(containerOf(object, 'flags'), name)
        .flatMap((value) => value.split(','))
        .filter((value) => value !== ''),
    about:
      'Of a flag that is a list, all values that it is given, parted at commas: `flags(object, "enable-admission-plugins")`.',
  },
];
