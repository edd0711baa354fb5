import { z } from 'zod';
import { exitCode, Failure } from './failure.js';
import { plural, printable } from './text.js';

/** RFC 9457, with the extensions of the server: where it is (a JSON pointer) and under which id the operator finds it. */
export const problemSchema = z.looseObject({
  type: z.string().default('about:blank'),
  title: z.string().optional(),
  status: z.number().optional(),
  detail: z.string().optional(),
  pointer: z.string().optional(),
  requestId: z.string().optional(),
  /** All that was found, the first of which `detail` and `pointer` tell. */
  faults: z
    .array(z.looseObject({ pointer: z.string(), detail: z.string() }))
    .optional()
    .catch(undefined),
});
export type Problem = z.infer<typeof problemSchema>;

/** Whether a report was refused because neither it nor its post says when it was made. */
export const lacksTime = (problem: Problem | null | undefined): boolean =>
  problem?.type.endsWith('observed-at-required') === true;

/** The server said no, and why. */
export class Refused extends Failure {
  constructor(
    readonly status: number,
    readonly problem: Problem,
    next: string | undefined,
  ) {
    super(exitCode.refused, problemLines(status, problem).join('\n'), next);
  }
}

const MOST_FAULTS = 20;

/** A problem as lines for a terminal; the first is the head. */
export function problemLines(status: number | undefined, problem: Problem): string[] {
  const others = (problem.faults ?? []).slice(1);
  const number = status ?? problem.status;
  const head = [number, printable(problem.title ?? problem.type)].filter((part) => part !== undefined).join(' ');
  return [
    head,
    ...(problem.detail === undefined ? [] : [printable(problem.detail)]),
    ...(problem.pointer === undefined ? [] : [`at ${printable(problem.pointer)}`]),
    ...others
      .slice(0, MOST_FAULTS)
      .map(({ pointer, detail }) => `and at ${printable(pointer, 200)}: ${printable(detail, 300)}`),
    ...(others.length > MOST_FAULTS ? [`and ${plural(others.length - MOST_FAULTS, 'fault')} more`] : []),
    ...(problem.requestId === undefined ? [] : [`request id ${printable(problem.requestId, 100)}`]),
  ];
}

/** What to do about it, by status; `undefined` where the detail says it all. */
export function nextStep(status: number, problem: Problem, signIn: string): string | undefined {
  switch (status) {
    case 401:
      return problem.type.endsWith('mfa-required') ? `${signIn}, with a second factor` : signIn;
    case 403:
      return 'see who you are and what you may do with `safeguard whoami`; ask an admin of the organisation for a role that may';
    case 404:
      return 'check --organization and --system; what belongs to others is not told apart from what is not there';
    case 413:
      return 'the report is larger than the server takes: split it by target, or ask the operator to raise the limit';
    case 415:
      return 'name the format with --format, or send with --encoding gzip';
    case 422:
      return problem.type.endsWith('report-refused')
        ? 'see that the file is one whole report of a tool that the server knows; --format names the tool'
        : undefined;
    default:
      return status >= 500 ? 'tell the operator the request id; their log has the cause' : undefined;
  }
}
