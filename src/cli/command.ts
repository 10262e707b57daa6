import type { Command } from 'commander';
import { addConnectionOptions, addJsonOption } from './options.ts';

/** What a command is told by, beside its options. */
export interface CommandDoc {
  /** `create <name>`: the name and its arguments */
  usage: string;
  summary: string;
  /** further sentences of `--help` */
  details?: string;
  /** whole command lines */
  examples: string[];
}

/** A command, and how `--help` speaks of it: a line in the list of commands, sentences on its own page. */
export function addCommand(parent: Command, { usage, summary, details, examples }: CommandDoc): Command {
  const sentence = `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
  const command = parent.command(usage).summary(summary);
  command.description(details ? `${sentence}\n\n${details}` : sentence);
  return command.addHelpText('after', examplesText(examples));
}

/** A command that asks a daemon and prints its answer. */
export function clientCommand(parent: Command, doc: CommandDoc): Command {
  return addConnectionOptions(addJsonOption(addCommand(parent, doc)));
}

function examplesText(examples: string[]): string {
  return `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`;
}
