import type { Command } from 'commander';
import { exitCodes } from './client/failure.js';
import { buildProgram } from './program.js';

const HOW_TO_RUN =
  '`safeguard` is what the image runs. In this repository it is `npx safeguard`, once `npm start` or `npm test` has built it, and `npx --prefix FOLDER safeguard` from elsewhere: without the folder npm looks for another program of that name.';

/** Every command with its arguments and options, and the exit codes, as Markdown: the reference in docs/ is made of it. */
export function describeCommands(): string {
  const program = buildProgram();
  return `${[
    program.description(),
    HOW_TO_RUN,
    ...program.commands.flatMap((command) => describeCommand(command, 'safeguard')),
    '## Exit codes',
    ['| code | meaning |', '|---|---|', ...exitCodes.map(([code, meaning]) => `| ${code} | ${meaning} |`)].join('\n'),
  ].join('\n\n')}\n`;
}

/** A command, or those that it is made of. */
function describeCommand(command: Command, before: string): string[] {
  const name = `${before} ${command.name()}`;
  if (command.commands.length > 0) return command.commands.flatMap((inner) => describeCommand(inner, name));
  const taken = command.registeredArguments.map((argument) => [
    `\`${argument.variadic ? `${argument.name()}...` : argument.name()}\``,
    argument.description,
    '',
    '',
  ]);
  const options = command.options.map((option) => [
    `\`${option.flags}\``,
    option.argChoices === undefined ? option.description : `${option.description} (${option.argChoices.join(', ')})`,
    option.defaultValueDescription ?? (option.defaultValue === undefined ? '' : String(option.defaultValue)),
    option.envVar === undefined ? '' : `\`${option.envVar}\``,
  ]);
  const rows = [...taken, ...options].map(
    (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
  );
  const lines = [
    `## ${name}`,
    '',
    command.description(),
    ...(rows.length === 0 ? [] : ['', '| option | meaning | default | environment |', '|---|---|---|---|', ...rows]),
  ];
  return [lines.join('\n')];
}
