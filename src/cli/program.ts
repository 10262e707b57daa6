import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { examplesText } from './command.ts';
import { commandList, type ListedCommand, type ListedGroup } from './command-list.ts';
import { engineAdvice } from './engine-words.ts';
import {
  EndWith,
  exitCode,
  exitCodes,
  exitCodesElsewhere,
  networkExitCode,
  reportFailure,
  runExitCode,
} from './failure.ts';
import { fittingHelp, itemsText } from './help.ts';
import { addConnectionOptions, addJsonOption, badInput, environmentFlag, type GlobalOptions } from './options.ts';
import { type Terminal, usualColumns } from './terminal.ts';

const { version } = createRequire(import.meta.url)('#package.json') as { version: string };

/** Runs a command line and returns its exit code. */
export async function runCli(args: string[], terminal: Terminal): Promise<number> {
  const words: string[] = [];
  try {
    environmentFlag('NETLOOM_DEBUG');
    await program(terminal, words).parseAsync(helpAsOption(args), { from: 'user' });
    return exitCode.ok;
  } catch (error) {
    const failure = usageFailure(error, words);
    const code = reportFailure(terminal, failure, asksForJson(args));
    if (words[0] === 'run') return runExitCode(failure);
    return words[0] === 'network' ? networkExitCode(failure) : code;
  }
}

/** `netloom help network create` is the same as `netloom network create --help`. */
function helpAsOption(args: string[]): string[] {
  const [first, ...options] = args;
  if (first !== 'help') return args;
  const words = options.filter((word) => !word.startsWith('-'));
  // for an unknown command, commander would show netloom's own help
  return isListed(words) ? [...words, '--help'] : words;
}

function isListed([name, verb]: string[]): boolean {
  if (name === undefined) return true;
  const found = Object.values(commandList)
    .flat()
    .find((entry) => entry.name === name);
  if (!found || verb === undefined || 'load' in found) return found !== undefined;
  return found.commands.some((entry) => entry.name === verb || entry.alias === verb);
}

/** Makes the program. `words` receives the names of the chosen command, from the first to the last. */
function program(terminal: Terminal, words: string[]): Command {
  const width = terminal.columns ?? usualColumns;
  const netloom = new Command('netloom')
    .description('Container networks on Linux, driven by events: commands and events over NATS.')
    .version(version)
    .helpCommand(false)
    .configureHelp(fittingHelp)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.warn(text.trimEnd()),
      outputError: () => undefined, // reportFailure prints all failures
      getOutHasColors: () => terminal.colored,
      getOutHelpWidth: () => width,
      getErrHelpWidth: () => width,
    })
    .addHelpText('after', `${examplesText(examples, width)}\n\n${exitCodeHelp(width)}`);
  addConnectionOptions(addJsonOption(netloom));
  netloom.hook('preAction', (_netloom, command) => refuseEmpty(command));
  new Adder(terminal, words).addTo(netloom, commandList);
  return netloom;
}

/** Adds commands to the program; a command is loaded when it is used. */
class Adder {
  constructor(
    private readonly terminal: Terminal,
    private readonly words: string[],
  ) {}

  /** `listed`: the commands under their headings */
  addTo(parent: Command, listed: Readonly<Record<string, readonly (ListedCommand | ListedGroup)[]>>): void {
    for (const [heading, entries] of Object.entries(listed)) {
      parent.commandsGroup(heading);
      for (const entry of entries) this.#add(parent, entry);
    }
    const entries = Object.values(listed).flat();
    parent.hook('preSubcommand', async (_parent, command) => {
      this.words.push(command.name());
      const entry = entries.find(({ name }) => name === command.name());
      if (entry && 'load' in entry) (await entry.load())(parent, this.terminal);
    });
  }

  #add(parent: Command, entry: ListedCommand | ListedGroup): void {
    const command = parent.command(entry.name).summary(entry.summary).helpCommand(false);
    if ('load' in entry) {
      if (entry.alias !== undefined) command.alias(entry.alias);
      return;
    }
    command.description(`${entry.summary.charAt(0).toUpperCase()}${entry.summary.slice(1)}.`);
    this.addTo(command, { 'Commands:': entry.commands });
  }
}

/** Refuses empty values, which usually come from an unset variable of a script. */
function refuseEmpty(command: Command): void {
  for (let one: Command | null = command; one; one = one.parent)
    for (const option of one.options) {
      const value: unknown = one.getOptionValue(option.attributeName());
      if (value !== '' && !(Array.isArray(value) && value.includes(''))) continue;
      const isFromEnvironment = one.getOptionValueSource(option.attributeName()) === 'env';
      throw badInput(
        `${isFromEnvironment ? option.envVar : option.long} must not be empty: give a value, or leave it out`,
      );
    }
  // arguments of the command of `run` may be empty
  for (const [index, argument] of command.registeredArguments.entries()) {
    const value: unknown = command.processedArgs[index];
    if (argument.name() !== 'args' && [value].flat().includes(''))
      throw badInput(
        `<${argument.name()}> must not be empty${argument.required ? '' : ': give a value, or leave it out'}`,
      );
  }
}

const examples = [
  'netloom doctor',
  'netloom network create web',
  'netloom run --network web -p 8080:80 -- python3 -m http.server 80',
  'netloom ps',
  'netloom events --follow',
];

const exitCodeHelp = (width: number): string =>
  [
    itemsText('Exit codes:', exitCodes, width),
    ...exitCodesElsewhere.map(([title, codes]) => itemsText(title, codes, width)),
  ].join('\n\n');

/** Converts commander's errors: wrong usage gets advice; --help and --version end with exit code 0. */
function usageFailure(error: unknown, words: string[]): unknown {
  if (!(error instanceof CommanderError)) return error;
  if (error.exitCode === 0) return new EndWith(exitCode.ok);
  if (error.code === 'commander.help') return new EndWith(exitCode.badInput);
  const [said = '', similar] = error.message.replace(/^error: /, '').split('\n');
  const advice = adviceOn(said, words, similar);
  const what = said.replace(/\.? Expected (.*?)\.?$/, ': expected $1');
  const message = `${what}${advice} (see ${['netloom', ...words, '--help'].join(' ')})`;
  return new EndWith(exitCode.badInput, { code: 'usage', message });
}

function adviceOn(said: string, words: string[], similar: string | undefined): string {
  const ofEngine = engineAdvice(said, words);
  if (ofEngine !== null) return `: ${ofEngine}`;
  const meant = elsewhere(said, words, similar !== undefined);
  if (meant !== null) return `, did you mean netloom ${meant}?`;
  return similar === undefined ? '' : `, ${similar.replace(/^\(D(.*)\)$/, 'd$1')}`;
}

/** Finds the command that a name in the wrong place stands for: `netloom create`, `netloom network ps`. null: none */
function elsewhere(said: string, [group]: string[], isSimilar: boolean): string | null {
  const [, name = ''] = /^unknown command '(.*)'$/.exec(said) ?? [];
  const listed = Object.values(commandList).flat();
  if (group === undefined) {
    const containers = listed.find((entry) => entry.name === 'container');
    const isVerb = containers && 'commands' in containers && containers.commands.some((entry) => entry.name === name);
    return isVerb ? `container ${name}` : null;
  }
  if (isSimilar || name === '') return null;
  if (listed.some((entry) => entry.name === name && 'load' in entry)) return name;
  return group === 'port' ? `port list ${name}` : null;
}

/**
 * Checks for --json, even if the arguments could not be parsed. Arguments after `--` belong to the command of `run`.
 */
function asksForJson(args: string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).includes('--json' satisfies `--${keyof GlobalOptions}`);
}
