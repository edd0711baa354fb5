import type { OutgoingFile } from '../bag.js';
import type { PackageFacts, PackageRows } from '../contents.js';
import { assessmentPlan } from './assessment-plan.js';
import { assessmentResults } from './assessment-results.js';
import { catalogDocument, profileDocument } from './catalog.js';
import { componentDefinition } from './component-definition.js';
import { mappingCollection } from './mapping-collection.js';
import { planOfActionAndMilestones } from './poam.js';
import { ASSESSMENT_PLAN, CATALOG, PROFILE } from './shared.js';

/** What the package says, in OSCAL 1.2.1 (NIST), for tools that know nothing of ours. Each document leads to the others by relative references. */
export const oscalFiles = (facts: PackageFacts, rows: PackageRows): OutgoingFile[] => [
  { path: `oscal/${ASSESSMENT_PLAN}`, content: assessmentPlan(facts) },
  { path: 'oscal/assessment-results.json', content: assessmentResults(facts, rows) },
  { path: `oscal/${CATALOG}`, content: catalogDocument(facts) },
  { path: 'oscal/component-definition.json', content: componentDefinition(facts) },
  { path: 'oscal/mapping-collection.json', content: mappingCollection(facts) },
  { path: 'oscal/poam.json', content: planOfActionAndMilestones(facts, rows) },
  { path: `oscal/${PROFILE}`, content: profileDocument(facts) },
];
