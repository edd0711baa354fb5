/** A function of the language, with what a reader, the exporter and the completeness of a check must know of it. */
export interface CheckFunction {
  /** As `Environment.registerFunction` takes it: `string.find(string): string`. */
  readonly signature: string;
  /** None where it is the language's own, told here because checks may use it. */
  readonly handler?: (...given: never[]) => unknown;
  readonly about: string;
  /** The first version of Kubernetes whose ValidatingAdmissionPolicy has it; none for what is ours alone. */
  readonly kubernetes?: string;
  /** The kinds that it reads: where one of them is not complete, what it answers is not known. */
  readonly reads?: readonly string[];
  /** As checks write it, where that is not the signature's: `sets.contains`. */
  readonly name?: string;
}

/** What a function says of arguments that it cannot read. The object's result is `error` with this reason. */
export class Unanswerable extends Error {}

/** `size`, `.find` of a receiver, `sets.contains` of a namespace. */
export function nameOf({ name, signature }: CheckFunction): string {
  if (name !== undefined) return name;
  const [, receiver, plain] = /^(?:([\w.<>, ]+)\.)?(\w+)\(/.exec(signature) ?? [];
  return `${receiver === undefined ? '' : '.'}${plain ?? ''}`;
}
