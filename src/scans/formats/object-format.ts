import type { FactKind, FactValue } from '../../results/fact.js';
import type { Format } from '../report.js';
import { ReportFault } from '../report.js';
import type { Draft } from './draft.js';
import { resourceName, Unreadable, type Fields } from './fields.js';
import { detectObjects, eachObject, nameOf, type KubernetesObject } from './kubernetes.js';
import { clusterScope } from './targets.js';

/** What an object says, as a fact. */
export type Said = { [Kind in FactKind]: { kind: Kind; value: FactValue<Kind> } }[FactKind];

/** Reads one kind of objects; throws `Unreadable`. */
export type ObjectReader = (object: Fields, of: KubernetesObject, draft: Draft) => Said;

/** API group → kind → its reader. */
export type ObjectReaders = Readonly<Record<string, Readonly<Record<string, ObjectReader>>>>;

/** A format of facts about objects, with what reads each kind: a snapshot holds objects of all of them. */
export interface ObjectFormat extends Format {
  readonly readers: ObjectReaders;
}

interface Objects extends Pick<Format, 'slug' | 'title' | 'tool' | 'description'> {
  readers: ObjectReaders;
  /** Whether a document that begins with this object, which is of one of the groups, is of the format. Default: it is. */
  detects?: (object: KubernetesObject) => boolean;
}

/** For the descriptions of the formats. */
const HOW =
  'As JSON or YAML: one object, several documents, or a List. The objects do not say that they are all there are: they close nothing unless the ' +
  'poster declares the cluster or namespaces as targets, and then only what is of the kinds that the report holds. An answer of the API (`kubectl get --raw`, a PodList ' +
  'and the like) closes nothing: it may be the last page of several. It does not say when they were read: pass observedAt.';

/**
 * A format of facts about objects of the Kubernetes API. The API groups say whose they are: no two formats share one. Objects of the groups
 * that it has no reader for are noted; any other object is a reject.
 */
export function objectFormat({ readers, detects = () => true, ...of }: Objects): ObjectFormat {
  const kinds = Object.values(readers).flatMap((group) => Object.keys(group));
  const left = `Objects of other kinds than ${kinds.join(', ')} are not read.`;
  return {
    ...of,
    description: `${of.description} ${HOW}`,
    readers,
    yields: ['facts'],
    targets: ['cluster', 'namespace'],

    detect(document) {
      return detectObjects(document, (object) => Object.hasOwn(readers, object.group) && detects(object));
    },

    read(document, draft) {
      const scope = clusterScope(draft.declared, draft.format, null);
      const objects = { read: 0, left: 0 };
      eachObject(draft, document, (found) => {
        const { object, group, kind, pointer } = found;
        const ofGroup = Object.hasOwn(readers, group) ? readers[group] : undefined;
        if (!ofGroup) throw new Unreadable('/apiVersion', `is of another API group than those of ${of.slug}`);
        const reader = Object.hasOwn(ofGroup, kind) ? ofGroup[kind] : undefined;
        if (!reader) {
          objects.left++;
          return;
        }
        objects.read++;
        const { name, namespace } = nameOf(object);
        const { target, extent } = scope.targetOf(namespace);
        // A list is of one kind of objects at a time, and says nothing of the others.
        const source = `${of.tool}/${kind}`;
        draft.cover({ target, source, extent, checks: null, silentPass: [] });
        draft.attempt(pointer, { target, source }, () => {
          if (name === '') throw new Unreadable('/metadata/name', 'must name the object');
          const subject = resourceName(namespace, group, kind, name);
          draft.fact({ target, source, subject, namespace, ...reader(object, found, draft) });
        });
      });
      if (objects.left === 0) return;
      if (objects.read === 0) throw new ReportFault('empty-report', `${left} The report holds none of these.`);
      draft.note(left);
    },
  };
}
