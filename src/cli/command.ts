import { Command } from 'commander';
import { addConnectionOptions, addJsonOption } from './options.ts';

/** What a command is told by, beside its options. Its summary is in the list of commands. */
export interface CommandDoc {
  /** `create <name>`: the name and its arguments */
  usage: string;
  /** further sentences of `--help` */
  details?: string;
  /** whole command lines; what does not fit goes on in a next one */
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
  return command.addHelpText('after', examplesText(examples));
}

/** A command that asks a daemon and prints its answer. */
export function clientCommand(parent: Command, doc: CommandDoc): Command {
  return addConnectionOptions(addJsonOption(addCommand(parent, doc)));
}

function examplesText(examples: string[]): string {
  return `\nExamples:\n${examples.map((line) => `  ${line.replaceAll('\n', '\n      ')}`).join('\n')}`;
}
