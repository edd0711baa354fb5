import type { Command } from 'commander';
import { exitCodes } from './client/failure.js';
import { buildProgram } from './program.js';

/** Every command with its arguments and options, and the exit codes, as Markdown: the reference in docs/ is made of it. */
export function describeCommands(): string {
  const program = buildProgram();
  return `${[
    program.description(),
    ...program.commands.map(describeCommand),
    '## Exit codes',
    ['| code | meaning |', '|---|---|', ...exitCodes.map(([code, meaning]) => `| ${code} | ${meaning} |`)].join('\n'),
  ].join('\n\n')}\n`;
}

function describeCommand(command: Command): string {
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
  return [
    `## safeguard ${command.name()}`,
    '',
    command.description(),
    ...(rows.length === 0 ? [] : ['', '| option | meaning | default | environment |', '|---|---|---|---|', ...rows]),
  ].join('\n');
}
