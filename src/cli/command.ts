import { Command } from 'commander';
import { addConnectionOptions, addJsonOption } from './options.ts';
import { usualColumns } from './terminal.ts';

/** Description of a command, except its options. Its summary is in the list of commands. */
export interface CommandDoc {
  /** `create <name>`: the name and its arguments */
  usage: string;
  /** further sentences of `--help` */
  details?: string;
  /** complete command lines */
  examples: string[];
}

/** Fills in a command's entry of the list: a summary in the list, sentences on its own page. */
export function addCommand(parent: Command, { usage, details, examples }: CommandDoc): Command {
  const [name = '', ...args] = usage.split(' ');
  const command = parent.commands.find((listed) => listed.name() === name) ?? new Command(name);
  if (args.length > 0) command.arguments(args.join(' '));
  const summary = command.summary();
  const sentence = `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
  command.description(details ? `${sentence}\n\n${details}` : sentence);
  return command.addHelpText('after', () =>
    examplesText(examples, command.configureOutput().getOutHelpWidth?.() ?? usualColumns),
  );
}

/** A command that asks a daemon and prints its answer. */
export function clientCommand(parent: Command, doc: CommandDoc): Command {
  return addConnectionOptions(addJsonOption(addCommand(parent, doc)));
}

/** Puts each on a line of its own, or on several if it is long. */
export function examplesText(examples: string[], width: number): string {
  return `\nExamples:\n${examples.map((line) => folded(line, width)).join('\n')}`;
}

/** Keeps an option and its value on one line if both fit. */
function withValues(words: readonly string[], room: number): string[] {
  const joined: string[] = [];
  let isOption = false;
  for (const word of words) {
    const last = joined.at(-1) ?? '';
    if (isOption && !word.startsWith('-') && last.length + 1 + word.length < room)
      joined[joined.length - 1] = `${last} ${word}`;
    else joined.push(word);
    isOption = /^--?[a-z]/.test(word) && !word.includes('=');
  }
  return joined;
}

/** Wraps a long command line so that it can still be copied: lines end in `\\`, and quoted words are not broken. */
function folded(line: string, width: number): string {
  const words = withValues(line.match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? [], width - '      \\'.length);
  const lines: string[] = [];
  let last = ' ';
  for (const word of words) {
    if (last.trim() !== '' && last.length + word.length + ' \\'.length >= width) {
      lines.push(`${last} \\`);
      last = '     ';
    }
    last += ` ${word}`;
  }
  return [...lines, last].join('\n');
}
