import type { FactValue } from '../../results/fact.js';
import type { Format } from '../report.js';
import { ReportFault } from '../report.js';
import { readDocument } from '../text/read-document.js';
import { auditPolicyChecks } from './audit-policy-checks.js';
import { membersOf, textList, within } from './fact-fields.js';
import { field, fieldsOf, isFields, optionalText, text, Unreadable, type Fields } from './fields.js';
import { detectObjects, eachObject, nameOf, type KubernetesObject } from './kubernetes.js';
import { clusterScope } from './targets.js';

const SLUG = 'k8s-audit-policy';

/** What the API server writes into its audit log. */
export const k8sAuditPolicy: Format = {
  slug: SLUG,
  title: 'Kubernetes audit policy',
  tool: 'kubernetes',
  description:
    'Policy of audit.k8s.io (v1, v1beta1), as JSON or YAML: the file that the API server is started with. Also ControlPlaneInfo of hostdata.kubescape.cloud, in ' +
    'which Kubescape keeps that file of each node of the control plane. Its results say what is logged by the first rule that matches, where that is certain; that the ' +
    'API server was started with this file they do not show. It does not say when it was in force: pass observedAt.',
  yields: ['results', 'facts'],
  targets: ['cluster'],

  detect(document) {
    return detectObjects(document, (of) => isPolicy(of) || isHostData(of));
  },

  read(document, draft) {
    const { target, extent } = clusterScope(draft.declared, SLUG, null).targetOf(null);
    let wasFound = false;
    eachObject(draft, document, (of) => {
      const ofHost = isHostData(of);
      if (!ofHost && !isPolicy(of))
        throw new Unreadable('/kind', 'must be Policy of audit.k8s.io, or ControlPlaneInfo');
      if (!ofHost && wasFound) {
        throw new ReportFault('malformed-report', 'There are several Policies; which of them is in force is not said.');
      }
      wasFound ||= !ofHost;
      // Nodes may differ, and each says its own. What Kubescape has fetched, and judges not, is judged here.
      const facts = { target, source: ofHost ? 'kubescape/ControlPlaneInfo' : 'kubernetes/audit-policy' };
      const results = { target, source: ofHost ? 'kubernetes/ControlPlaneInfo' : facts.source };
      for (const scope of [facts, results]) draft.cover({ ...scope, extent, checks: null, silentPass: [] });
      const resource = ofHost ? `Node/${nodeOf(of.object)}` : 'Policy';
      const value = ofHost ? policyOfHost(of.object) : policy(of.object);
      if (value === null) {
        draft.note('A node of the control plane has no audit policy file.');
        return;
      }
      draft.fact({ ...facts, kind: 'audit-policy', subject: resource, namespace: null, value });
      for (const check of auditPolicyChecks(value)) draft.add({ ...results, resource, namespace: null, ...check });
    });
  },
};

function isPolicy({ group, kind }: KubernetesObject): boolean {
  return group === 'audit.k8s.io' && kind === 'Policy';
}

function isHostData({ group, kind }: KubernetesObject): boolean {
  return group === 'hostdata.kubescape.cloud' && kind === 'ControlPlaneInfo';
}

function nodeOf(object: Fields): string {
  const { name } = nameOf(object);
  if (name === '') throw new Unreadable('/metadata/name', 'must name the node');
  return name;
}

type Value = FactValue<'audit-policy'>;
type Rule = Value['rules'][number];

/** The policy in the file of a node, in base64; null where it has none. Of its command line nothing is read. */
function policyOfHost(object: Fields): Value | null {
  return within(object, 'data', (data) =>
    within(data, 'APIServerInfo', (server) => {
      if ((field(server, 'auditPolicyFile') ?? null) === null) return null;
      return within(server, 'auditPolicyFile', (file) => policy(documentIn(text(file, 'content'))));
    }),
  );
}

function documentIn(content: string): Fields {
  const document = decoded(content);
  if (
    !isFields(document) ||
    field(document, 'kind') !== 'Policy' ||
    !/^audit\.k8s\.io\//.test(optionalText(document, 'apiVersion'))
  ) {
    throw new Unreadable('/content', 'must be the base64 of a Policy of audit.k8s.io');
  }
  return document;
}

function decoded(content: string): unknown {
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(content)) return null;
  try {
    return readDocument(Buffer.from(content, 'base64'));
  } catch (error) {
    if (error instanceof ReportFault) return null;
    throw error;
  }
}

function policy(object: Fields): Value {
  const rules = membersOf(object, 'rules', (member) => ruleOf(fieldsOf(member)));
  // No API server starts with a policy without rules.
  if (rules.length === 0) throw new Unreadable('/rules', 'must hold a rule');
  return { omitStages: textList(object, 'omitStages'), rules };
}

const LEVELS: readonly unknown[] = ['None', 'Metadata', 'Request', 'RequestResponse'];

function ruleOf(rule: Fields): Rule {
  const level = text(rule, 'level');
  if (!LEVELS.includes(level)) throw new Unreadable('/level', 'is no level that is known here');
  return {
    level,
    // A rule may be about people: who they are is nobody's business here, that it is about somebody is.
    users: [...new Set(textList(rule, 'users').map((user) => (user.startsWith('system:') ? user : '(other)')))],
    userGroups: textList(rule, 'userGroups'),
    verbs: textList(rule, 'verbs'),
    resources: membersOf(rule, 'resources', (member) => resourcesOf(fieldsOf(member))),
    namespaces: textList(rule, 'namespaces'),
    nonResourceUrls: textList(rule, 'nonResourceURLs'),
    omitStages: textList(rule, 'omitStages'),
  };
}

function resourcesOf(fields: Fields): Rule['resources'][number] {
  return {
    group: optionalText(fields, 'group'),
    resources: textList(fields, 'resources'),
    names: textList(fields, 'resourceNames'),
  };
}
