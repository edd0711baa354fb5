import type { Declared, Target } from '../report.js';
import { ReportFault } from '../report.js';
import type { XmlElement } from '../text/xml-element.js';
import { assertCluster, CLUSTER } from './targets.js';

/** What a test result was about: the declared target, else the machine that it names. */
export function scannedTarget(declared: Declared, result: XmlElement): Target {
  const [first, second] = declared.targets;
  if (second) throw new ReportFault('target-mismatch', 'A test result is about one target; declare one.');
  const name = nameIn(result.child('target')?.text ?? '');
  if (!first) {
    if (name !== '') return { kind: 'node', name };
    throw new ReportFault(
      'target-unknown',
      'The report does not name the machine that was scanned: pass targets=node/NAME.',
    );
  }
  if (first.kind === 'cluster') {
    assertCluster(first, null);
    assertNoMachine(result);
    return CLUSTER;
  }
  if (first.kind === 'node' && isContradicted(first.name, ownNames(result))) throw otherMachine();
  return first;
}

/** What a ConfigMap of the Compliance Operator is about: the node that it is annotated with; without one it is of a scan of the cluster. */
export function operatorTarget(declared: Declared, node: string | null, result: XmlElement): Target {
  const [first, second] = declared.targets;
  if (second) throw new ReportFault('target-mismatch', 'A test result is about one target; declare one.');
  if (first && first.kind !== (node === null ? 'cluster' : 'node')) {
    throw new ReportFault('target-mismatch', `The report is about a ${node === null ? 'cluster' : 'node'}.`);
  }
  if (node === null) {
    if (first) assertCluster(first, null);
    assertNoMachine(result);
    return CLUSTER;
  }
  if (!first) return { kind: 'node', name: node };
  if (![node, ...ownNames(result)].some((name) => isSame(name, first.name))) throw otherMachine();
  return first;
}

/** The operating systems of the Common Platform Enumeration: `cpe:/o:redhat:enterprise_linux:8`. */
const SYSTEM = /^cpe:(?:\/|2\.3:)o:[^:]*:([^:]+)/i;

/**
 * Refuses for a cluster what was found on a machine: a test result names the platforms that its benchmark applied to. Of what was found on one machine the others are
 * not known. ComplianceAsCode calls clusters operating systems too, and their machines after them: `openshift_container_platform_node`. What was read below the root of
 * a machine is of that, too.
 */
function assertNoMachine(result: XmlElement): void {
  const systems = result.all('platform').map((platform) => SYSTEM.exec(platform.attribute('idref'))?.[1] ?? '');
  const isOfSystem = systems.some(
    (system) => system !== '' && (!/openshift|kubernetes/i.test(system) || /_node$/i.test(system)),
  );
  if (!isOfSystem && !isOfRoot(result)) return;
  throw new ReportFault('target-mismatch', 'The result is of a machine and not of a cluster: pass targets=node/NAME.');
}

/** Names of a machine in the result. A tool in a container that scans the machine around it may take its own name for the machine's: such say nothing. */
function ownNames(result: XmlElement): string[] {
  if (isOfRoot(result)) return [];
  const named = factsOf(result).filter((fact) => /:(host_name|fqdn)$/.test(fact.attribute('name')));
  return [...result.all('target'), ...result.all('target-address'), ...named]
    .map(({ text }) => nameIn(text))
    .filter(Boolean);
}

const factsOf = (result: XmlElement): XmlElement[] => result.child('target-facts')?.all('fact') ?? [];

const isOfRoot = (result: XmlElement): boolean => factsOf(result).some(({ text }) => text.startsWith('chroot://'));

/** "" of what names no machine: nothing, this one, or a place in a file system or store of images. */
export function nameIn(text: string): string {
  return /^(localhost(\.|$)|127\.|::1$|unknown$)|:\/\//i.test(text) ? '' : text;
}

export function otherMachine(): ReportFault {
  return new ReportFault('target-mismatch', 'The declared node is not the machine that the report names.');
}

/** Whether a machine that is called by these names is another one. An address says nothing against a name, nor a name against an address. */
export function isContradicted(node: string, names: readonly string[]): boolean {
  const alike = names.filter((name) => isAddress(name) === isAddress(node));
  return alike.length > 0 && !alike.some((name) => isSame(name, node));
}

/** A machine is called by its whole name or by the first part of it. Addresses have no such parts. */
function isSame(one: string, other: string): boolean {
  const [a = '', b = ''] = [one, other].map((name) => name.toLowerCase().replace(/\.$/, ''));
  return a === b || (!isAddress(a) && !isAddress(b) && (a.startsWith(`${b}.`) || b.startsWith(`${a}.`)));
}

function isAddress(name: string): boolean {
  return /^[\d.]+$|:/.test(name);
}
