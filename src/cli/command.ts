import { Command } from 'commander';
import { addConnectionOptions, addJsonOption } from './options.ts';
import { usualColumns } from './terminal.ts';

/** What describes a command, beside its options. Its summary is in the list of commands. */
export interface CommandDoc {
  /** `create <name>`: the name and its arguments */
  usage: string;
  /** further sentences of `--help` */
  details?: string;
  /** whole command lines */
  examples: string[];
}

/** Fills a command's place in the list: a summary there, sentences on its own page. */
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

/** Each on its line, or over several where it is long. */
export function examplesText(examples: string[], width: number): string {
  return `\nExamples:\n${examples.map((line) => folded(line, width)).join('\n')}`;
}

/** An option and what follows it stay on one line, where that has room for both. */
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

/** A command line that can be copied, over several lines where it is long: `\\` goes on, and no quoted word is broken. */
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
